"""The shipped price lists: evidence on every pack, nothing of low confidence, faults refused with their row."""

from __future__ import annotations

from datetime import date

import pytest

from linkstar_router.domain.areas import Areas, postcode_key
from linkstar_router.domain.editions import _table
from linkstar_router.domain.measures import WEIGHTS
from linkstar_router.domain.packs import data_hash, load_all_services, load_gaps, packs_of
from linkstar_router.domain.published import SHIPPED, TariffError
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.domain.tariff import PriceRow, offer_on

SYNTHETIC = {"canpar", "canada-post", "evri", "dpd-uk", "dpd-de", "ups/ground_saver", "fedex/ground_economy"}


def test_every_pack_names_source_date_and_confidence(snapshot: Snapshot) -> None:
    for pack in packs_of(snapshot.services):
        assert pack.source
        assert pack.as_of
        assert pack.confidence in ("high", "medium", "synthetic")
        invented = pack.carrier in SYNTHETIC or f"{pack.carrier}/{pack.service}" in SYNTHETIC
        assert pack.synthetic == invented == (pack.confidence == "synthetic")


def test_every_carrier_says_what_its_lists_leave_out(snapshot: Snapshot) -> None:
    gaps = load_gaps()
    assert gaps.keys() == {service.carrier for service in load_all_services()}
    assert all(gaps.values())


def test_rows_of_low_confidence_are_not_used() -> None:
    low = [row for _, row in SHIPPED.rows("eu/de_hermes_2026-03-02.csv") if row["confidence"] == "low"]
    assert {row["size_class"] for row in low} == {"XL", "XXL"}
    used = SHIPPED.rates("eu/de_hermes_2026-03-02.csv", {"carrier": ["Hermes"]})
    assert {rate.size_class for rate in used} == {"Päckchen", "S", "M", "L"}
    with pytest.raises(TariffError, match="no usable row eu/Parcelforce/Saturday delivery"):
        SHIPPED.fees(("eu", "Parcelforce", "Saturday delivery"))
    assert SHIPPED.fees(("eu", "DPD", "island, Germany"))


def test_a_list_without_matching_rows_is_refused_with_its_file() -> None:
    with pytest.raises(TariffError, match=r"us/ups_ground_daily_2025-12-22\.csv"):
        SHIPPED.rates("us/ups_ground_daily_2025-12-22.csv", {"service": ["freight"]})
    with pytest.raises(TariffError, match="fuel"):
        SHIPPED.fuel("ups", "balloon")


def test_a_price_that_falls_with_weight_is_refused_with_its_row() -> None:
    pound = WEIGHTS["lb"]
    with pytest.raises(TariffError, match="row 8: the price falls below that of row 7"):
        _table("f.csv", [(pound, PriceRow(900, "exempt", 7)), (2 * pound, PriceRow(899, "exempt", 8))])


def test_the_newest_list_already_valid_holds(snapshot: Snapshot) -> None:
    ground = next(service for service in snapshot.services if service.key == "usps/ground_advantage")
    days = {day: offer_on(ground, date.fromisoformat(day).toordinal()).edition for day in
            ("2025-10-04", "2025-10-05", "2026-07-11", "2026-07-12", "2026-10-03", "2026-10-04", "2027-01-17",
             "2027-01-18")}  # fmt: skip
    assert days["2025-10-04"] is None
    assert [edition and edition.pack.valid_from.isoformat() for edition in days.values()][1:4] == [
        "2025-10-05", "2025-10-05", "2026-07-12",
    ]  # fmt: skip
    peak = [any(fee.group == "peak" for fee in edition.fees) for edition in days.values() if edition]
    assert peak == [False, False, False, False, True, True, False]


def test_the_volume_divisor_changed_with_the_list(snapshot: Snapshot) -> None:
    mail = next(service for service in snapshot.services if service.key == "usps/priority_mail")
    found = [offer_on(mail, date.fromisoformat(day).toordinal()).edition for day in ("2026-07-11", "2026-07-12")]
    assert [edition.dim.divisor for edition in found if edition and edition.dim] == [166, 139]


def test_services_are_unique_and_their_order_fixed(snapshot: Snapshot) -> None:
    keys = [service.key for service in snapshot.services]
    assert len(keys) == len(set(keys)) == 27
    assert [key.split("/")[0] for key in keys] == sorted(key.split("/")[0] for key in keys)


def test_the_data_version_is_stable_within_a_run(snapshot: Snapshot) -> None:
    assert snapshot.version.endswith(data_hash())


@pytest.mark.parametrize(
    ("country", "postcode", "key"),
    [("GB", "IV1", "IV01"), ("GB", "iv1 1aa", "IV01"), ("GB", "B249QR", "B24"), ("GB", "SW1A", "SW01"),
     ("DE", "25 980", "25980"), ("CA", "m5v", "M5V")],
)  # fmt: skip
def test_postcodes_become_sortable(country: str, postcode: str, key: str) -> None:
    assert postcode_key(country, postcode) == key


def test_areas_match_by_range() -> None:
    areas = Areas([("FR", "corsica", "20", "20"), ("FR", "south", "10", "19"), ("GB", "highlands", "IV01", "IV28")])
    assert areas.of("FR", "20999") == {"corsica"}
    assert areas.of("FR", "19999") == {"south"}
    assert areas.of("FR", "21000") == frozenset()
    assert areas.of("GB", "IV28") == {"highlands"}
    assert areas.of("GB", "IV29") == frozenset()
    assert areas.of("US", "20999") == frozenset()
