"""A seller's own packs: an agreement prices its services between its days, all else stays."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from unit.router.pricing_desk import course_on, priced

from linkstar_router.domain.checks import check
from linkstar_router.domain.layers import Layer, layered
from linkstar_router.domain.own_packs import with_own
from linkstar_router.domain.pack_files import digest_of, read_pack, shelf_of
from linkstar_router.domain.packs import load_all_services
from linkstar_router.domain.published import SHIPPED, TariffError
from linkstar_router.domain.snapshot import shipped
from linkstar_router.domain.tariff import Rated, Service, offer_on

ACME = Path(__file__).parents[3] / "docs/tariffs/acme"
INSIDE = date(2026, 11, 23)


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    return {service.key: service for service in with_own(load_all_services(), shelf_of(read_pack(ACME), SHIPPED))}


def lines(service: Service, day: date, weight: str = "5 lb", zone: str = "2") -> dict[str, int]:
    rated = priced(course_on(service, zone, day), weight, "10 8 4 in")
    assert isinstance(rated, Rated)
    return {line.code: line.amount for line in rated.lines}


def test_an_agreement_is_priced_line_by_line(services: dict[str, Service]) -> None:
    # row 42: 14.19, fuel 26.50 % = 3.76; 17.95 - 38 % = 11.13; - 3 % = 10.80; - 1.5 % = 10.64; fee 0.15 + 0.5 % = 0.20
    assert lines(services["ups/ground"], INSIDE) == {
        "base_rate": 1419, "fuel_surcharge": 376, "contract_discount": -682, "volume_discount": -33,
        "pooling_discount": -16, "platform_fee": 20,
    }  # fmt: skip


@pytest.mark.parametrize(("day", "list_id"), [
    (date(2026, 6, 30), "ups-ground-daily"), (date(2026, 7, 1), "acme-ups-2026"), (date(2027, 6, 30), "acme-ups-2026"),
    (date(2027, 7, 1), "ups-ground-daily"),
])  # fmt: skip
def test_an_agreement_holds_from_its_first_to_its_last_day(
    services: dict[str, Service], day: date, list_id: str
) -> None:
    edition = offer_on(services["ups/ground"], day.toordinal()).edition
    assert edition is not None
    assert edition.pack.id == list_id
    assert (edition.contract is not None) == (list_id == "acme-ups-2026")


def test_own_prices_keep_every_other_rule(services: dict[str, Service]) -> None:
    air = services["ups/2nd_day_air"]
    assert lines(air, INSIDE) == {"base_rate": 1720, "fuel_surcharge": 473}
    edition = offer_on(air, INSIDE.toordinal()).edition
    assert edition is not None
    assert {fee.code for fee in edition.fees} >= {"additional_handling", "residential_surcharge"}
    assert (edition.pack.rate_type, edition.pack.account) == ("contract", "A1B2C3")
    assert edition.zone_names.keys() == {"2", "8"}


def test_other_services_are_what_they_were(services: dict[str, Service]) -> None:
    before = {service.key: service for service in load_all_services()}
    assert {key for key in before if before[key] != services[key]} == {"ups/ground", "ups/2nd_day_air"}


def about(key: str, valid_from: str, valid_to: str = "9999-12-31", prices: str = "") -> Layer:
    carrier, _, name = key.partition("/")
    text = (
        f"agreement: mine\ncarrier: {carrier}\naccount: A1\nsource: contract\nas_of: 2026-06-01\n"
        f"valid_from: {valid_from}\nvalid_to: {valid_to}\nservices: {{ {name}: {{ basis_points: 1000 }} }}\n"
    )
    return Layer("mine.1", "digest", {"mine.yaml": text})


def test_a_service_for_reference_is_offered_between_the_days_of_its_agreement_only() -> None:
    retail = next(each for each in load_all_services() if each.reference and offer_on(each, INSIDE.toordinal()).edition)
    made, failed = layered(shipped(), [about(retail.key, "2026-11-20", "2026-11-30")])
    assert failed == []
    (service,) = [each for each in made.services if each.key == retail.key]
    days = [date(2026, 11, day) for day in (19, 20, 30)] + [date(2026, 12, 1)]
    assert [offer_on(service, day.toordinal()).edition is not None for day in days] == [False, True, True, False]


def test_after_a_later_agreement_the_earlier_one_holds_again() -> None:
    long, short = about("ups/ground", "2026-07-01"), about("ups/ground", "2026-11-20", "2026-11-30")
    made, _ = layered(shipped(), [long, short._replace(name="spot.1")])
    ground = next(each for each in made.services if each.key == "ups/ground")
    tariffs = [
        offer_on(ground, date(2026, month, day).toordinal()).edition for month, day in ((11, 19), (11, 25), (12, 1))
    ]
    assert [edition.tariff.partition(":")[0] for edition in tariffs if edition] == ["mine.1", "spot.1", "mine.1"]


def agreed(tmp_path: Path, *swaps: str) -> list[Any]:
    text = (ACME / "acme-ups-2026.yaml").read_text()
    for old, new in zip(swaps[::2], swaps[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    table = (ACME / "acme-2nd-day-air.csv").read_text()
    (tmp_path / "acme.yaml").write_text(text)
    (tmp_path / "acme-2nd-day-air.csv").write_text(table)
    return check(shelf_of(read_pack(tmp_path), SHIPPED), INSIDE)


@pytest.mark.parametrize(
    ("swaps", "code"),
    [
        (("carrier: ups", "carrier: usp"), "service_unknown"),
        (("valid_to: 2027-06-30", "valid_to: 2026-06-30"), "agreement_invalid"),
        (("floor_minor: 899", "floor_minor: 8.99"), "agreement_invalid"),
        (("basis_points: 3800", "basispoints: 3800"), "agreement_invalid"),
        (("acme-2nd-day-air.csv", "air.csv"), "file_missing"),
        (("  2nd_day_air:", "  3_day_select:"), "no_rows"),
        (("agreement: acme", "agreement acme"), "manifest_unreadable"),
    ],
)
def test_a_faulty_agreement_is_refused(tmp_path: Path, swaps: tuple[str, ...], code: str) -> None:
    found = agreed(tmp_path, *swaps)
    assert code in {finding.code for finding in found if finding.severity == "error"}


def test_a_sound_agreement_has_no_findings(tmp_path: Path) -> None:
    assert agreed(tmp_path) == []


def test_own_prices_that_fall_are_refused_with_their_row(tmp_path: Path) -> None:
    agreed(tmp_path)
    table = tmp_path / "acme-2nd-day-air.csv"
    table.write_text(table.read_text().replace("1720", "1449").replace("USD,8,5", "USD,9,5"))
    found = {(finding.code, finding.row) for finding in check(shelf_of(read_pack(tmp_path), SHIPPED), INSIDE)}
    assert {("price_falls", 3), ("zone_unknown", 5)} <= found


def test_two_agreements_about_one_day_are_refused(tmp_path: Path) -> None:
    agreed(tmp_path)
    later = (tmp_path / "acme.yaml").read_text().replace("valid_from: 2026-07-01", "valid_from: 2027-06-30")
    (tmp_path / "later.yaml").write_text(later.replace("valid_to: 2027-06-30", "valid_to: 2028-06-30"))
    codes = [finding.code for finding in check(shelf_of(read_pack(tmp_path), SHIPPED), INSIDE)]
    assert codes.count("lists_overlap") == 2


def test_a_folder_without_a_manifest_is_no_pack(tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text("carrier\n")
    with pytest.raises(TariffError, match="no manifest"):
        read_pack(tmp_path)


def test_a_single_file_brings_the_tables_it_names(tmp_path: Path) -> None:
    agreed(tmp_path)
    (tmp_path / "other.csv").write_text("carrier\n")
    assert read_pack(tmp_path / "acme.yaml").keys() == {"acme.yaml", "acme-2nd-day-air.csv"}


def test_equal_packs_have_equal_digests() -> None:
    assert digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
    assert digest_of({"a": "1", "b": "2"}) != digest_of({"a": "12", "b": ""})


def test_a_workbook_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text("agreement: x")
    (tmp_path / "rates.xlsx").write_bytes(b"no workbook")
    with pytest.raises(TariffError, match=r"rates\.xlsx: no workbook"):
        read_pack(tmp_path)
