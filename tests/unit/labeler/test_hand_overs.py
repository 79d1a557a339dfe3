"""Days and cut-offs of a hand-over, local to the warehouse, and equal to those that router decides by."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkstar_labeler.domain.hand_overs import HandOver, collections_of, zone_of
from linkstar_router.domain.calendars import load_calendars

NEW_YORK = ZoneInfo("America/New_York")
CALENDARS = load_calendars()


def plan(carrier: str = "usps", zone: ZoneInfo = NEW_YORK, **own: object) -> HandOver:
    usual = collections_of(carrier)
    return HandOver(usual, zone, **({"cut_off": usual.cut_off} | own))  # type: ignore[arg-type]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("carrier", sorted(CALENDARS))
def test_collections_are_those_that_router_decides_by(carrier: str) -> None:
    usual, calendar = collections_of(carrier), CALENDARS[carrier]
    days = [date(2026, 1, 1) + timedelta(days=ahead) for ahead in range(3 * 365)]
    assert [usual.open_on(day) for day in days] == [calendar.open_on(day.toordinal())[0] for day in days]
    assert usual.cut_off == CALENDARS.cut_off(carrier, "")


def test_a_carrier_without_a_calendar_collects_on_working_days() -> None:
    assert [collections_of("pigeon").open_on(date(2026, 11, 27) + timedelta(days=n)) for n in range(4)] == [
        True, False, False, True,
    ]  # fmt: skip


def test_a_label_goes_out_before_the_cut_off_or_with_the_next_collection() -> None:
    usps = plan()
    assert usps.day_of(at("2026-11-25T20:00:00+00:00")) == date(2026, 11, 25)
    assert usps.day_of(at("2026-11-25T20:00:01+00:00")) == date(2026, 11, 27)  # Thanksgiving lies between
    assert usps.closing_day(at("2026-11-25T23:00:00+00:00")) == date(2026, 11, 25)
    assert usps.closing_day(at("2026-11-26T12:00:00+00:00")) == date(2026, 11, 27)
    assert plan(closed_on=frozenset({date(2026, 11, 27)})).closing_day(at("2026-11-26T12:00:00+00:00")) == date(
        2026, 11, 28
    )


def test_the_cut_off_follows_daylight_saving_time() -> None:
    usps = plan(cut_off=time(15))
    cut_offs = [usps.cut_off_on(date(2026, 3, day)).astimezone(UTC).hour for day in (7, 9)]
    assert cut_offs == [20, 19]


@given(st.integers(0, 3 * 365 * 86_400), st.times(), st.sampled_from(["ups", "canpar", "usps"]))
def test_one_cut_off_lies_between_the_last_and_the_next(moment: int, cut_off: time, carrier: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)
    own = plan(carrier, cut_off=cut_off.replace(second=0, microsecond=0))
    last, following = own.last_cut_off(now), own.next_cut_off(now)
    assert last <= now < following
    assert own.open_on(own.local_day(last))
    assert own.next_cut_off(last) == following
    assert own.cut_off_on(own.day_of(now)) >= now


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "America", "x" * 300])
def test_other_names_are_no_time_zones(name: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        zone_of(name)
