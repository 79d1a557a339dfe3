"""What a seller is warned of before anything is bought."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from ingest_orders import consignee, parcel

from linkstar_contracts.facts.parcel_sizes import parcel_notices
from linkstar_contracts.values import Consignee, Parcel
from linkstar_ingest.domain.addresses import AssessedAddress, assess_address


def assessed(residential: bool | None = None, **changes: Any) -> AssessedAddress:
    found = assess_address(Consignee.model_validate_json(json.dumps(consignee(**changes))), residential)
    assert isinstance(found, AssessedAddress)
    return found


def codes(found: AssessedAddress) -> list[str]:
    return [notice.code for notice in found.notices]


@pytest.mark.parametrize(
    "street", ["PO Box 12", "P.O. Box 12", "p o box 9", "Post Office Box 4", "12 Oak St, P.O.Box 3"]
)
def test_post_boxes_are_told(street: str) -> None:
    assert assessed(street=street).destination.po_box


@pytest.mark.parametrize(
    ("country", "street"),
    [
        ("DE", "Postfach 1234"),
        ("FR", "BP 123"),
        ("FR", "Boîte postale 7"),
        ("CA", "CP 123 Succ A"),
        ("US", "12 Oak St"),
    ],
)
def test_post_boxes_of_other_countries(country: str, street: str) -> None:
    places = {
        "DE": {"city": "Hannover", "postcode": "30179"}, "FR": {"city": "Paris", "postcode": "75001"},
        "CA": {"city": "Toronto", "region": "ON", "postcode": "M5V 2T6"}, "US": {},
    }  # fmt: skip
    found = assessed(country=country, street=street, **{"region": "MA" if country == "US" else "", **places[country]})
    assert found.destination.po_box is (country != "US")


@pytest.mark.parametrize(
    ("where", "area"),
    [
        ({"country": "GB", "region": "", "city": "Belfast", "postcode": "BT1 5GS"}, "Northern Ireland"),
        ({"country": "GB", "region": "", "city": "Kirkwall", "postcode": "KW15 1AA"}, "Orkney and Shetland"),
        ({"country": "DE", "region": "", "city": "Sylt", "postcode": "25980"}, "North Sea or Baltic island"),
        ({"country": "FR", "region": "", "city": "Ajaccio", "postcode": "20000"}, "Corsica"),
        ({"country": "US", "region": "AK", "city": "Anchorage", "postcode": "99501"}, "Alaska"),
        ({"country": "CA", "region": "YT", "city": "Whitehorse", "postcode": "Y1A 1A1"}, "Yukon"),
    ],
)
def test_remote_areas_are_told(where: dict[str, str], area: str) -> None:
    notices = {notice.code: notice.detail for notice in assessed(**where).notices}
    assert area in notices["remote_area"]


def test_ordinary_towns_are_not_remote() -> None:
    assert codes(assessed()) == []
    assert codes(assessed(country="GB", region="", city="London", postcode="SW1A 1AA")) == []


def test_street_notices() -> None:
    assert "address.house_number_missing" in codes(assessed(street="Oak Street"))
    assert "address.foreign_script" in codes(assessed(street="中山路 12 号"))
    dresden = {"country": "DE", "region": "", "city": "Dresden", "postcode": "01067"}
    assert "address.parcel_locker" in codes(assessed(street="Packstation 101", **dresden))


@pytest.mark.parametrize(
    ("company", "said", "residential"), [("", None, True), ("Acme", None, False), ("Acme", True, True)]
)
def test_residential(company: str, said: bool | None, residential: bool) -> None:
    assert assessed(said, company=company).destination.residential is residential


def warned(country: str, weight: str, unit: str, sides: tuple[str, str, str], size_unit: str = "in") -> list[str]:
    stated = parcel(
        weight={"value": weight, "unit": unit},
        dimensions=dict(zip(("length", "width", "height"), sides, strict=True)) | {"unit": size_unit},
    )
    return [notice.code for notice in parcel_notices(country, (Parcel.model_validate_json(json.dumps(stated)),))]


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        (("22", "4", "4"), None), (("22.0001", "4", "4"), "oversize.nonstandard"),
        (("48", "4", "4"), "oversize.nonstandard"),
        (("48.1", "4", "4"), "oversize.additional_handling"), (("31", "30.5", "1"), "oversize.additional_handling"),
        (("96.5", "4", "4"), "oversize.large_package"), (("108.5", "4", "4"), "oversize.over_maximum"),
    ],
)  # fmt: skip
def test_united_states_size_tiers_hit_their_thresholds_exactly(
    sides: tuple[str, str, str], expected: str | None
) -> None:
    found = [code for code in warned("US", "49", "lb", sides) if code.startswith("oversize")]
    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(("weight", "expected"), [("50", 0), ("50.0001", 1)])
def test_weight_threshold(weight: str, expected: int) -> None:
    assert warned("US", weight, "lb", ("10", "10", "10")).count("oversize.additional_handling") == expected


def test_dimensional_weight_rounds_every_side_up_before_multiplying() -> None:
    """12 x 12 x 12 / 139 = 12.43 -> 13 lb. A side of 12.01 in counts as 13."""
    assert warned("US", "13", "lb", ("12", "12", "12")) == []
    assert warned("US", "12", "lb", ("12", "12", "12")) == ["dim_weight"]
    assert warned("US", "13", "lb", ("12.01", "12", "12")) == ["dim_weight"]
    assert warned("DE", "1", "kg", ("50", "50", "50"), "cm") == []


def test_an_inch_limit_is_hit_exactly_in_centimetres() -> None:
    exactly = str(Decimal(22) * Decimal("2.54"))
    assert warned("US", "20", "lb", (exactly, "10", "10"), "cm") == []
    assert warned("US", "20", "lb", (f"{exactly}1", "10", "10"), "cm") == ["oversize.nonstandard"]


@pytest.mark.parametrize(
    ("country", "kilograms", "code"),
    [("GB", "20.5", "oversize.nonstandard"), ("GB", "31", "oversize.over_maximum"), ("DE", "31.6", "oversize.over_maximum"),
     ("FR", "30.1", "oversize.over_maximum"), ("CA", "30.1", "oversize.over_maximum")],
)  # fmt: skip
def test_other_countries(country: str, kilograms: str, code: str) -> None:
    assert code in warned(country, kilograms, "kg", ("40", "30", "20"), "cm")
