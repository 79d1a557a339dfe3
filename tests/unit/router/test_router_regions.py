"""Regions, overrides and cut-offs: what one carrier's calendar is from here to there."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from linkstar_router.domain.calendars import CalendarBook, load_calendars, read_calendars
from linkstar_router.domain.regions import Regions, load_regions

BAVARIA, LOWER_SAXONY = "BY", "NI"
BOOK = """
[[calendar]]
name = "post"
country = "DE"
subdivision = "NI"
pickup = "mon tue wed thu fri"
delivery = "mon tue wed thu fri sat"
cut_off = "15:00"
closed = []

[[override]]
calendar = "post"
date = 2026-12-24
name = "Christmas Eve"
pickup = true
delivery = false

[[override]]
calendar = "post"
date = 2026-12-20
name = "a Sunday in Advent"
pickup = true
delivery = true

[[override]]
calendar = "post"
date = 2026-08-08
region = "BY"
name = "Augsburg's peace"
pickup = false
delivery = false

[[cut_off]]
calendar = "post"
warehouse = "DE-HAJ"
cut_off = "18:30"
"""


@pytest.fixture(scope="module")
def book() -> CalendarBook:
    return read_calendars(BOOK)


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def _dates(book: CalendarBook, origin: str, target: str, ready: str) -> tuple[str, str, str]:
    found = book.between("post", origin, target).dates(_ordinal(ready), (1, 2))
    assert found is not None
    ship, half, most = (date.fromordinal(day).isoformat() for day in found)
    return ship, half, most


def test_holidays_of_the_warehouse_stop_pickups_those_of_the_destination_deliveries(book: CalendarBook) -> None:
    # Corpus Christi, 2026-06-04, is a holiday in Bavaria and none in Lower Saxony.
    assert _dates(book, LOWER_SAXONY, LOWER_SAXONY, "2026-06-03") == ("2026-06-03", "2026-06-04", "2026-06-05")
    assert _dates(book, LOWER_SAXONY, BAVARIA, "2026-06-03") == ("2026-06-03", "2026-06-05", "2026-06-06")
    assert _dates(book, BAVARIA, LOWER_SAXONY, "2026-06-04") == ("2026-06-05", "2026-06-06", "2026-06-08")


def test_overrides_open_and_close_single_days(book: CalendarBook) -> None:
    assert _dates(book, "", "", "2026-12-20") == ("2026-12-20", "2026-12-21", "2026-12-22")
    assert _dates(book, "", "", "2026-12-23") == ("2026-12-23", "2026-12-28", "2026-12-29")
    assert book.between("post", "BY", "BY").open_on(_ordinal("2026-08-08")) == (False, False)
    assert book.between("post", "NI", "NI").open_on(_ordinal("2026-08-08")) == (False, True)


def test_closures_are_the_days_that_differ_from_their_weekday(book: CalendarBook) -> None:
    found = book.closures("post", "", _ordinal("2026-12-14"), _ordinal("2026-12-31"))
    assert [(date.fromordinal(each.day).day, each.pickup, each.delivery) for each in found] == [
        (20, True, True), (24, True, False), (25, False, False), (26, False, False),
    ]  # fmt: skip


def test_the_last_safe_day_is_safe_and_the_next_is_not(book: CalendarBook) -> None:
    calendar = book["post"]
    before = _ordinal("2026-12-24")
    last = calendar.last_safe(before, (1, 2))
    assert last == _ordinal("2026-12-21")
    following = calendar.dates(last + 1, (1, 2))
    assert following is not None
    assert following.p90 >= before


def test_a_warehouse_may_have_a_cut_off_of_its_own(book: CalendarBook) -> None:
    evening = datetime.fromisoformat("2026-11-23T17:00")
    assert book.cut_off("post", "DE-HAJ") == time(18, 30)
    assert book["post"].ready(evening, book.cut_off("post", "DE-HAJ")) == _ordinal("2026-11-23")
    assert book["post"].ready(evening, book.cut_off("post", "DE-BER")) == _ordinal("2026-11-24")


def test_an_override_of_no_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="no calendar 'pots' to override; name one of \\['post'\\]"):
        read_calendars(BOOK.replace('calendar = "post"', 'calendar = "pots"', 1))


@pytest.mark.parametrize(
    ("country", "postcode", "region"),
    [
        ("DE", "80331", "BY"), ("DE", "30179", "NI"), ("DE", "10115", "BE"), ("CA", "V6B 1A1", "BC"),
        ("CA", "H2X", "QC"), ("CA", "X0A 0H0", "NU"), ("GB", "EH1 1AA", "SCT"), ("GB", "BT1", "NIR"),
        ("GB", "GL50 1AA", ""), ("GB", "G1 1AA", "SCT"), ("GB", "SE1 1AA", ""), ("GB", "SA1", "WLS"),
        ("FR", "67000", "6AE"), ("FR", "75001", ""), ("US", "90058", ""),
    ],
)  # fmt: skip
def test_regions_of_postcodes(country: str, postcode: str, region: str) -> None:
    assert load_regions().of(country, postcode) == region


def test_every_shipped_region_has_holidays() -> None:
    book, regions = load_calendars(), load_regions()
    for name, country in (("dhl-de", "DE"), ("canpar", "CA"), ("evri", "GB"), ("colissimo", "FR")):
        for region in regions.named(country):
            assert book.closures(name, region, _ordinal("2026-01-01"), _ordinal("2026-12-31"))


def test_ranges_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        Regions([("DE", "10", "14", "BE"), ("DE", "14", "16", "BB")])
