"""A report at the door becomes a scan in UTC, with the clock of its place as far as it is told or can be known."""

from __future__ import annotations

from typing import Any

import pytest

from linkstar_contracts.events import Place
from linkstar_tracker.domain.local_time import LocalTimeError
from linkstar_tracker.domain.place_zones import zone_of
from linkstar_tracker.domain.reports import ScanReport


def scan_of(**more: Any) -> tuple[str, str, str]:
    report = {"carrier": "usps", "tracking_number": "9400100000000000000001", "code": "10", **more}
    scan = ScanReport.model_validate(report).scan()
    return scan.scanned_at.isoformat(), scan.scanned_local, scan.timezone


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({"scanned_at": "2026-06-08T15:00:00Z"}, ("2026-06-08T15:00:00+00:00", "", "")),
        ({"scanned_at": "2026-06-08T18:00:00+02:00"}, ("2026-06-08T16:00:00+00:00", "2026-06-08T18:00:00+02:00", "")),
        (
            {"scanned_local": "2026-06-08T09:00:00", "place": {"country": "US", "region": "NV", "city": "Reno"}},
            ("2026-06-08T16:00:00+00:00", "2026-06-08T09:00:00", "America/Los_Angeles"),
        ),
        (
            {"scanned_local": "2026-12-08T09:00:00", "place": {"country": "DE"}, "timezone": "Europe/London"},
            ("2026-12-08T09:00:00+00:00", "2026-12-08T09:00:00", "Europe/London"),
        ),
    ],
)
def test_the_instant_is_utc_and_the_clock_on_the_spot_is_kept(told: dict[str, Any], known: tuple[str, ...]) -> None:
    assert scan_of(**told) == known


@pytest.mark.parametrize("place", [{}, {"country": "US"}, {"country": "XX", "region": "NV"}])
def test_a_local_time_whose_place_tells_no_zone_is_refused(place: dict[str, str]) -> None:
    with pytest.raises(LocalTimeError) as caught:
        scan_of(scanned_local="2026-06-08T09:00:00", place=place)
    assert caught.value.code == "scan_time_missing"


@pytest.mark.parametrize(
    ("country", "region", "zone"),
    [
        ("US", "hi", "Pacific/Honolulu"), ("US", "AZ", "America/Phoenix"), ("CA", "NL", "America/St_Johns"),
        ("DE", "BY", "Europe/Berlin"), ("GB", "", "Europe/London"), ("ES", "GC", "Atlantic/Canary"), ("BR", "SP", ""),
    ],
)  # fmt: skip
def test_a_place_tells_its_zone(country: str, region: str, zone: str) -> None:
    assert zone_of(Place(country=country, region=region)) == zone


def test_two_scans_may_be_taken_back_in_one_second() -> None:
    report = {"carrier": "dhl-de", "tracking_number": "00340434292135100186", "code": "STORN",
              "scanned_at": "2026-06-08T09:00:00Z"}  # fmt: skip
    back = [{"code": code, "scanned_at": "2026-06-08T08:59:00Z"} for code in ("DLVRD", "NTDEL", "DLVRD")]
    first, other, again = (ScanReport.model_validate(report | {"retracts": each}).scan() for each in back)
    assert first == again
    assert first.scan_id != other.scan_id
    assert first.retracts != other.retracts


def test_the_same_instant_told_in_two_ways_is_one_scan() -> None:
    report = {"carrier": "usps", "tracking_number": "9400100000000000000001", "code": "10",
              "place": {"country": "US", "region": "NV"}}  # fmt: skip
    local = ScanReport.model_validate(report | {"scanned_local": "2026-06-08T09:00:00"}).scan()
    offset = ScanReport.model_validate(report | {"scanned_at": "2026-06-08T09:00:00-07:00"}).scan()
    assert local.scan_id == offset.scan_id
