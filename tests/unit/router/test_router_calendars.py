"""Ship and delivery dates: cut-offs, weekends and holidays of the carrier that carries."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from linkstar_router.domain.calendars import Calendar
from linkstar_router.domain.snapshot import Snapshot

NEW_YORK = ZoneInfo("America/New_York")


def _told(calendar: Calendar, local: datetime, p50: int, p90: int) -> tuple[str, str, str]:
    dates = calendar.dates(calendar.ready(local), (p50, p90))
    assert dates is not None
    ship, half, most = (date.fromordinal(day).isoformat() for day in dates)
    return ship, half, most


@pytest.mark.parametrize(
    ("carrier", "local", "transit", "expected"),
    [
        ("ups", "2026-11-23T15:59", (1, 2), ("2026-11-23", "2026-11-24", "2026-11-25")),
        ("ups", "2026-11-23T16:01", (1, 2), ("2026-11-24", "2026-11-25", "2026-11-27")),  # Thanksgiving on the 26th
        ("ups", "2026-11-28T10:00", (1, 1), ("2026-11-30", "2026-12-01", "2026-12-01")),  # no pick-up on Saturday
        ("ups", "2026-11-11T10:00", (1, 1), ("2026-11-11", "2026-11-12", "2026-11-12")),  # works on Veterans Day
        ("usps", "2026-11-11T10:00", (1, 1), ("2026-11-12", "2026-11-13", "2026-11-13")),  # closed on Veterans Day
        ("usps", "2026-07-03T10:00", (1, 2), ("2026-07-06", "2026-07-07", "2026-07-08")),  # the 4th observed on the 3rd
        ("royal-mail", "2026-04-02T10:00", (1, 1), ("2026-04-02", "2026-04-04", "2026-04-04")),  # Good Friday
        ("parcelforce", "2026-04-02T10:00", (1, 1), ("2026-04-02", "2026-04-07", "2026-04-07")),  # Easter Monday in England
        ("dhl-de", "2026-10-30T10:00", (1, 2), ("2026-10-30", "2026-11-02", "2026-11-03")),  # Reformation Day
        ("canada-post", "2026-06-30T10:00", (1, 2), ("2026-06-30", "2026-07-02", "2026-07-03")),  # Canada Day
        ("chronopost", "2026-07-13T10:00", (1, 1), ("2026-07-13", "2026-07-15", "2026-07-15")),  # 14 July
    ],
)  # fmt: skip
def test_dates_follow_the_carriers_calendar(
    snapshot: Snapshot, carrier: str, local: str, transit: tuple[int, int], expected: tuple[str, str, str]
) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK)
    assert _told(snapshot.calendars[carrier], moment, *transit) == expected


def test_beyond_the_known_years_there_is_no_promise(snapshot: Snapshot) -> None:
    assert snapshot.calendars["ups"].dates(date(2032, 12, 30).toordinal(), (5, 9)) is None
    assert snapshot.calendars["ups"].dates(date(2040, 1, 1).toordinal(), (1, 1)) is None


def test_a_calendar_needs_no_holidays_to_count_days() -> None:
    calendar = Calendar(time(12), range(100, 110), range(100, 110, 2))
    assert calendar.dates(101, (1, 2)) == (101, 102, 104)


def test_every_service_has_a_calendar_and_a_transit_time_for_its_zones(snapshot: Snapshot) -> None:
    for service in snapshot.services:
        assert service.calendar in snapshot.calendars
        for edition in service.editions:
            reached = {zone for zone in edition.zone_names if len(zone) == 1}
            assert reached <= service.transit.keys(), service.key
