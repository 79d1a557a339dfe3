"""Where addresses lie: grades, corrections that are proven, and refusals that say how to mend the address."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_contracts.values import AddressGrade, Destination
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.places import Place, assess_place
from linkstar_ingest.domain.postcodes import clean_postcode, routing_postcode

V, C, U, X = AddressGrade.VERIFIED, AddressGrade.CORRECTED, AddressGrade.UNVERIFIED, AddressGrade.UNDELIVERABLE


def place(country: str, region: str, city: str, postcode: str) -> Place:
    found = assess_place(country, region, city, postcode)
    assert isinstance(found, Place), found
    return found


@pytest.mark.parametrize(
    ("address", "postcode", "region", "grade"),
    [
        (("US", "CA", "Los Angeles", "90058"), "90058", "CA", V),
        (("US", "California", "los angeles", "90058-1234"), "90058-1234", "CA", V),
        (("US", "Mass", "Boston", "02108"), "02108", "MA", C),
        (("US", "", "Boston", "02108"), "02108", "MA", C),
        (("US", "CA", "New York", "10001"), "10001", "NY", C),
        (("US", "CA", "Springvale Heights", "90058"), "90058", "CA", U),
        (("US", "CA", "Boston", "10001"), "10001", "CA", X),
        (("US", "MO", "St. Louis", "63101"), "63101", "MO", V),
        (("US", "MO", "Saint Louis", "63101"), "63101", "MO", V),
        (("US", "AE", "APO", "09012"), "09012", "AE", V),
        (("US", "TX", "Austin", "00000"), "00000", "TX", X),
        (("CA", "Ontario", "Mississauga", "l5t2n7"), "L5T 2N7", "ON", V),
        (("CA", "Québec", "Montréal", "H2X 1Y4"), "H2X 1Y4", "QC", V),
        (("CA", "", "Toronto", "M5V 2T6"), "M5V 2T6", "ON", C),
        (("CA", "ON", "Toronto", "V5V 2T6"), "V5V 2T6", "ON", X),
        (("GB", "", "London", "SW1A1AA"), "SW1A 1AA", "", V),
        (("GB", "", "Nowhere", "QQ1 1AA"), "QQ1 1AA", "", X),
        (("GB", "", "Camp Bastion", "bfpo61"), "BFPO 61", "", V),
        (("DE", "", "Hannover", "30179"), "30179", "", V),
        (("DE", "", "Nirgends", "00123"), "00123", "", X),
        (("FR", "", "Paris", "75 001"), "75001", "", V),
        (("JP", "Tokyo", "Chiyoda", "100-0001"), "100-0001", "東京都", U),
    ],
)
def test_grades(address: tuple[str, str, str, str], postcode: str, region: str, grade: AddressGrade) -> None:
    found = place(*address)
    assert (found.postcode, found.grade) == (postcode, grade)
    if address[0] != "JP":
        assert found.region == region
    assert bool(found.problem) is (grade is X)
    assert bool(found.notices) is (grade in {C, U} and address[0] != "JP") or address[1] == "AE"


@pytest.mark.parametrize(
    ("address", "restored"),
    [
        (("US", "MA", "Boston", "2108"), "02108"),
        (("US", "", "Boston", "2108"), "02108"),
        (("US", "Massachusetts", "Elsewhere", "2108"), "02108"),
        (("US", "PR", "Adjuntas", "601"), "00601"),
        (("US", "MA", "Boston", "2108.0"), "02108"),
        (("US", "MA", "Boston", "21081234"), "02108-1234"),
        (("DE", "", "Dresden", "1067"), "01067"),
        (("DE", "", "Halle (Saale)", "6108"), "06108"),
        (("FR", "", "Nice", "6000"), "06000"),
        (("FR", "", "Saint-Quentin", "2100"), "02100"),
    ],
)
def test_lost_zeros_come_back_when_state_or_city_proves_it(address: tuple[str, str, str, str], restored: str) -> None:
    found = place(*address)
    assert found.postcode == restored
    assert "address.postcode_corrected" in [notice.code for notice in found.notices]
    assert found.grade in {C, U}


@pytest.mark.parametrize(
    "address",
    [
        ("US", "NY", "Boston", "2108"), ("US", "", "Springvale Heights", "2139"), ("US", "CA", "Los Angeles", "9005"),
        ("DE", "", "Hamburg", "2108"), ("FR", "", "Paris", "7500"), ("US", "", "", "999"),
    ],
)  # fmt: skip
def test_lost_zeros_are_not_guessed(address: tuple[str, str, str, str]) -> None:
    fault = assess_place(*address)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.field) == ("postcode_damaged", "consignee.postcode")
    assert "text" in fault.fix


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (("US", "CA", "Los Angeles", "ABC"), "postcode_malformed"),
        (("US", "CA", "Los Angeles", "9.0058E+4"), "postcode_malformed"),
        (("CA", "ON", "Toronto", "D5V 2T6"), "postcode_malformed"),
        (("GB", "", "London", "12345"), "postcode_malformed"),
        (("DE", "", "Hannover", "3017"), "postcode_damaged"),
        (("FR", "", "Paris", "750011"), "postcode_malformed"),
        (("US", "CA", "Los Angeles", "'"), "postcode_malformed"),
        (("XX", "", "", "1"), "country_unknown"),
    ],
)
def test_impossible_places_are_refused_with_a_code_and_a_fix(address: tuple[str, str, str, str], code: str) -> None:
    fault = assess_place(*address)
    assert isinstance(fault, Fault)
    assert fault.code == code
    assert fault.fix


@pytest.mark.parametrize("written", ["'02108", '="02108"', "02108", " 02108 ", "''02108"])
def test_spreadsheet_wrappers_come_off(written: str) -> None:
    assert clean_postcode(written) == "02108"


@pytest.mark.parametrize(
    ("country", "postcode", "routing"),
    [
        ("US", "02108-1234", "02108"), ("CA", "L5T 2N7", "L5T"), ("GB", "SW1A 1AA", "SW1A"), ("DE", "30179", "30179"),
        ("FR", "75001", "75001"), ("JP", "100-0001", "100-0001"),
    ],
)  # fmt: skip
def test_routing_part(country: str, postcode: str, routing: str) -> None:
    assert routing_postcode(country, postcode) == routing


@settings(deadline=None)
@given(
    country=st.sampled_from(["US", "CA", "GB", "DE", "FR", "JP", "HK", "IE", "ZZ", "AQ"]),
    region=st.text(max_size=20),
    city=st.text(min_size=1, max_size=20),
    postcode=st.one_of(st.text(max_size=16), st.from_regex(r"[0-9]{3,9}", fullmatch=True)),
)
def test_any_text_is_a_place_or_a_coded_fault(country: str, region: str, city: str, postcode: str) -> None:
    found = assess_place(country, region, city, postcode)
    if isinstance(found, Fault):
        assert found.code
        assert found.fix
    else:
        assert (found.grade is X) is bool(found.problem)


@settings(deadline=None)
@given(
    country=st.sampled_from(["US", "CA", "GB", "DE", "FR"]), region=st.sampled_from(["", "MA", "ON", "CA", "Bayern"]),
    city=st.sampled_from(["Boston", "Toronto", "Dresden", "Nice", "Leeds"]),
    postcode=st.from_regex(r"[0-9]{3,9}|[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}", fullmatch=True),
)  # fmt: skip
def test_a_place_in_written_form_stays_as_it_is(country: str, region: str, city: str, postcode: str) -> None:
    """Assessing twice changes nothing more: a corrected address can be submitted again."""
    once = assess_place(country, region, city, postcode)
    if isinstance(once, Place):
        twice = place(once.country, once.region, once.city, once.postcode)
        assert (twice.region, twice.city, twice.postcode) == (once.region, once.city, once.postcode)
        routed = routing_postcode(once.country, once.postcode)
        Destination(country=country, region=once.region, city=once.city, postcode=routed)
