"""When a parcel counts as silent: on the carrier's working days, by stage, and only while somebody waits for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_contracts.events import ExceptionCode, TrackingStatus
from linkstar_tracker.domain.calendars import CarrierCalendar, calendar_of
from linkstar_tracker.domain.timeline import Timeline
from linkstar_tracker.domain.watch import WatchRules

RULES = WatchRules.shipped()
MONDAY = datetime(2026, 6, 8, 15, tzinfo=UTC)


def due(timeline: Timeline, carrier: str = "usps", kind: str = "order") -> dict[ExceptionCode, datetime]:
    return {watched.code: watched.at for watched in RULES.watch(carrier, kind, 1, timeline, MONDAY)}


def moving(status: TrackingStatus = TrackingStatus.IN_TRANSIT) -> Timeline:
    return Timeline(status=status, accepted_at=MONDAY, last_scan_at=MONDAY + timedelta(hours=10))


def test_no_acceptance_is_due_three_working_days_after_the_label() -> None:
    assert due(Timeline()) == {ExceptionCode.NO_ACCEPTANCE: MONDAY + timedelta(hours=72)}


def test_silence_and_loss_count_from_the_last_scan() -> None:
    last = MONDAY + timedelta(hours=10)
    assert due(moving()) == {
        ExceptionCode.SILENT: last + timedelta(hours=96), ExceptionCode.LOST: last + timedelta(hours=240)
    }  # fmt: skip


@pytest.mark.parametrize("status", ["delivered", "returned", "cancelled"])
def test_nobody_waits_for_a_parcel_that_has_arrived(status: str) -> None:
    assert due(moving(TrackingStatus(status))) == {}


def test_pickup_points_and_return_labels_have_more_time() -> None:
    assert due(moving(TrackingStatus.AVAILABLE_FOR_PICKUP))[ExceptionCode.SILENT] > due(moving())[ExceptionCode.SILENT]
    assert due(Timeline(), kind="return") == {ExceptionCode.NO_ACCEPTANCE: MONDAY + timedelta(hours=336)}


def test_the_row_that_names_the_carrier_wins() -> None:
    row = {"code": "track.silent", "stage": "movement", "carrier": "*", "kind": "*", "hours": "96", "clock": "calendar"}
    rules = WatchRules.from_rows([row, {**row, "carrier": "ups", "hours": "24"}])
    [ups] = rules.watch("ups", "order", 1, moving(), MONDAY)
    [usps] = rules.watch("usps", "order", 1, moving(), MONDAY)
    assert (ups.hours, usps.hours) == (24, 96)


def test_weekends_and_holidays_stand_still() -> None:
    friday = datetime(2026, 12, 18, 17, tzinfo=UTC)
    assert calendar_of("ups").after(friday, 24) == datetime(2026, 12, 21, 17, tzinfo=UTC)
    assert calendar_of("usps").after(friday, 24) == datetime(2026, 12, 19, 17, tzinfo=UTC)
    assert not calendar_of("ups").works(date(2026, 12, 25))
    assert not calendar_of("royal-mail").works(date(2026, 12, 28))  # Boxing Day, moved to Monday
    assert calendar_of("dhl-de").works(date(2026, 11, 26))  # Thanksgiving is American


def test_the_local_day_counts_not_the_utc_day() -> None:
    saturday_evening_in_chicago = datetime(2026, 6, 14, 2, tzinfo=UTC)
    assert calendar_of("usps").after(saturday_evening_in_chicago, 4) == datetime(2026, 6, 15, 6, tzinfo=UTC)


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(MOMENTS, st.floats(0.1, 300), st.floats(0, 200))
def test_more_hours_are_never_due_earlier(start: datetime, hours: float, more: float) -> None:
    calendar = calendar_of("canpar")
    assert start + timedelta(hours=hours) <= calendar.after(start, hours) <= calendar.after(start, hours + more)


@given(MOMENTS, st.floats(0.1, 300))
def test_on_a_calendar_without_rest_hours_are_hours(start: datetime, hours: float) -> None:
    assert CarrierCalendar("UTC", 7).after(start, hours) == start + timedelta(hours=hours)


QUARTER = timedelta(minutes=15)


def by_quarters(calendar: CarrierCalendar, zone: ZoneInfo, start: datetime, hours: int) -> datetime:
    moment, left = start, 4 * hours
    while left:
        left -= calendar.works(moment.astimezone(zone).date())
        moment += QUARTER
    return moment


@settings(max_examples=25)
@given(MOMENTS, st.integers(1, 900))
def test_hours_pass_as_they_do_quarter_by_quarter(start: datetime, hours: int) -> None:
    start = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0)
    calendar = calendar_of("dhl-de")
    assert calendar.after(start, hours) == by_quarters(calendar, ZoneInfo("Europe/Berlin"), start, hours)


def test_an_unknown_clock_or_code_is_refused() -> None:
    row = {"code": "track.silent", "stage": "movement", "carrier": "*", "kind": "*", "hours": "96", "clock": "lunar"}
    with pytest.raises(ValueError, match="lunar"):
        WatchRules.from_rows([row])
    with pytest.raises(KeyError):
        WatchRules.from_rows([{**row, "clock": "calendar", "code": "track.bored"}])
