"""Days of arrival as learned from parcels that took as long, told with every scan, and the notice when a promise slips."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from unit.tracker.tracked_facts import LABELLED, NUMBERS, label, scan

from linkstar_contracts.events import ExceptionRaised, TrackingStatus, TrackingUpdated
from linkstar_contracts.values import Promise
from linkstar_performance.thresholds import Patience
from linkstar_tracker.domain.foresight import foresee
from linkstar_tracker.domain.lessons import Broken, Lesson, arrival_of
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.domain.silences import Learned, Trust
from linkstar_tracker.domain.timeline import Timeline
from linkstar_tracker.domain.watch import WatchRules

LANE = "fedex US-US|ground|"
MONDAY = datetime(2026, 6, 8, 15, tzinfo=UTC)
TRUST = Trust(silences=200, days=21, least_hours=24, most_hours=168)
PROMISE = Promise(p50_on="2026-06-10", p90_on="2026-06-11")


def knowing(*, quick: float = 300, slow: float = 100) -> Rules:
    """Parcels of the lane arrive on the second day, some on the seventh."""
    counts = [Learned(f"arrival|{LANE}", step, quick / 4, quick / 4, 0) for step in range(4, 8)]
    counts += [Learned(f"arrival|{LANE}", step, slow / 4, slow / 4, 0) for step in range(24, 28)]
    return Rules(StatusMap.shipped(), WatchRules.shipped(), foresee(counts, Patience(80), TRUST))


def followed(rules: Rules, *scans: tuple[str, float], numbers: Sequence[str] = NUMBERS[:1]) -> list[object]:
    shipment = Shipment("demo", "s-1", "s-1", 3)
    created = label(numbers=numbers).model_copy(update={"promise": PROMISE})
    events: list[object] = [*shipment.label_created(created, rules, LABELLED)]
    for code, hours in scans:
        events += shipment.record(scan(code, hours), rules, LABELLED + timedelta(hours=hours))
    return events


def promises(events: Sequence[object]) -> list[tuple[str, str, str] | None]:
    updates = [each.promise for each in events if isinstance(each, TrackingUpdated)]
    return [(each.p50_on, each.p90_on, each.source) if each else None for each in updates]


def test_the_whole_way_is_counted_once_at_delivery() -> None:
    way = Timeline(
        status=TrackingStatus.OUT_FOR_DELIVERY, accepted_at=MONDAY, last_scan_at=MONDAY + timedelta(hours=40)
    )
    home = way._replace(status=TrackingStatus.DELIVERED, delivered_at=MONDAY + timedelta(hours=50))
    assert arrival_of(Broken(way, home), "fedex", LANE, 2) == Lesson(f"arrival|{LANE}", 8, 2, 2)
    assert arrival_of(Broken(home, home), "fedex", LANE) is None
    assert arrival_of(Broken(way, way), "fedex", LANE) is None


def test_every_scan_tells_the_day_of_arrival_anew() -> None:
    told = promises(followed(knowing(), ("PU", 3), ("IT", 30), ("IT", 70)))
    assert told == [
        ("2026-06-10", "2026-06-11", "published"),
        ("2026-06-10", "2026-06-16", "learned"),
        ("2026-06-10", "2026-06-16", "learned"),
        ("2026-06-16", "2026-06-16", "learned"),
    ]


def test_a_date_that_slips_is_noticed_and_answered_by_the_arrival() -> None:
    scans = (("PU", 3.0), ("IT", 30.0), ("IT", 70.0), ("IT", 75.0), ("DL", 150.0))
    raised = [each for each in followed(knowing(), *scans) if isinstance(each, ExceptionRaised)]
    assert [(each.exception_id, each.state.value) for each in raised] == [
        ("track.promise_at_risk.s-1", "open"), ("track.promise_at_risk.s-1", "resolved")
    ]  # fmt: skip
    assert raised[0].detail == "Expected on 2026-06-16, by 2026-06-16 with 90 %; promised by 2026-06-11"
    assert raised[0].occurred_at == LABELLED + timedelta(hours=70)


@pytest.mark.parametrize("code", ["DL", "RS"])
def test_what_has_arrived_or_turned_round_keeps_its_promise(code: str) -> None:
    assert promises(followed(knowing(), ("PU", 3), (code, 70)))[-1] == ("2026-06-10", "2026-06-11", "published")


def test_without_enough_history_the_promise_stands() -> None:
    for rules in (Rules.shipped(), knowing(quick=100, slow=99)):
        assert {each and each[2] for each in promises(followed(rules, ("PU", 3), ("IT", 70)))} == {"published"}


def test_a_parcel_older_than_any_other_has_no_day() -> None:
    assert promises(followed(knowing(), ("PU", 3), ("IT", 600)))[-1] == ("2026-06-10", "2026-06-11", "published")


def test_nothing_is_told_of_a_shipment_while_one_of_its_parcels_waits_for_acceptance() -> None:
    told = promises(followed(knowing(), ("PU", 3), ("IT", 30), numbers=NUMBERS))
    assert {each and each[2] for each in told} == {"published"}


def test_the_promise_told_is_a_valid_one() -> None:
    [*_, last] = [each for each in followed(knowing(), ("PU", 3)) if isinstance(each, TrackingUpdated)]
    assert last.promise
    assert Promise.model_validate(last.promise.model_dump()) == last.promise
    assert last.promise.sample_size == 400
