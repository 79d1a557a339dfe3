"""What became of parcels adds up to the same in whatever order and batches their scans came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from unit.tracker.tracked_facts import LABELLED, NUMBERS, label, scan

from linkstar_contracts.events import ExceptionState
from linkstar_contracts.values import Promise
from linkstar_performance.lateness import late_permille
from linkstar_performance.rates import NOTHING, Tallies, estimate, total
from linkstar_tracker.domain.outcomes import LaneTally, loss, outcome, outcome_changes, summed_tallies
from linkstar_tracker.domain.quality import LaneCounts, gap_curves, largest, quality_document
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Rules, Shipment

RULES = Rules.shipped()
PROMISED = label(numbers=NUMBERS).model_copy(update={"promise": Promise(p50_on="2026-06-10", p90_on="2026-06-11")})
CODES = ["PU", "IT", "OD", "DE", "HL", "SIM-DM", "RS", "SIM-RT", "DL", "CA", "??"]


def told(batches: Sequence[Sequence[Scan]]) -> tuple[Tallies, Shipment]:
    """What batches add to the lane, and the shipment as it is then."""
    shipment = Shipment("demo", "s-1", "s-1", 3)
    shipment.label_created(PROMISED, RULES, LABELLED)
    found: list[Tallies] = []
    for batch in batches:
        shipment.broken.clear()
        for each in batch:
            shipment.record(each, RULES, LABELLED)
        found += [tally.tallies for tally in outcome_changes(shipment, RULES)]
    return total(found), shipment


def one(*scans: Scan) -> Tallies:
    return told([scans])[0]


SCANS = st.builds(scan, st.sampled_from(CODES), st.integers(1, 120), number=st.sampled_from(NUMBERS))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_order_and_batches_add_up_to_what_is_known_in_the_end(data: st.DataObject) -> None:
    scans = data.draw(st.lists(SCANS, min_size=1, max_size=9))
    scans += [
        scan("RC", 130, number=each.tracking_number, retracts=each) for each in scans[: data.draw(st.integers(0, 2))]
    ]
    order, cut = data.draw(st.permutations(scans)), data.draw(st.integers(0, len(scans)))
    found, shipment = told([order[:cut], order[cut:], order])
    assert shipment.label
    label = shipment.label
    ends = [outcome(each, label, shipment.scans, RULES.meanings) for each in shipment.parcels(RULES).values()]
    assert found == total(ends)
    assert found.on_time <= found.judged <= found.ended >= found.troubled
    assert found.first <= found.tried


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ([("PU", 1), ("DL", 40)], Tallies(ended=1, judged=1, on_time=1, tried=1, first=1, deadlined=1, assumed_late=100)),
        ([("PU", 1), ("DL", 99)],
         Tallies(ended=1, judged=1, tried=1, first=1, troubled=1, deadlined=1, assumed_late=100)),
        ([("PU", 1), ("DE", 30), ("DL", 40)],
         Tallies(ended=1, judged=1, on_time=1, tried=1, troubled=1, deadlined=1, assumed_late=100)),
        ([("PU", 1), ("HL", 30), ("DL", 50)],
         Tallies(ended=1, judged=1, on_time=1, tried=1, first=1, deadlined=1, assumed_late=100)),
        ([("PU", 1), ("DE", 30)], Tallies(tried=1)),
        ([("PU", 1), ("SIM-DM", 30)], Tallies(damaged=1)),
        ([("PU", 1), ("DE", 30), ("RS", 35), ("SIM-RT", 90)],
         Tallies(ended=1, judged=1, tried=1, returned=1, troubled=1, deadlined=1, assumed_late=100)),
        ([("PU", 1), ("IT", 9)], NOTHING),
    ],
)  # fmt: skip
def test_a_parcels_end_is_counted(way: list[tuple[str, float]], expected: Tallies) -> None:
    assert one(*(scan(code, at) for code, at in way)) == expected


def test_a_loss_counts_until_the_parcel_is_heard_of_and_test_labels_never_do() -> None:
    _, shipment = told([[scan("PU", 1)]])
    lost, found = loss(shipment, ExceptionState.OPEN), loss(shipment, ExceptionState.RESOLVED)
    assert lost
    assert found
    assert lost.tallies == Tallies(ended=1, judged=1, lost=1, troubled=1, deadlined=1, assumed_late=100)
    assert lost.tallies.plus(found.tallies) == NOTHING
    assert summed_tallies([lost, found]) == []
    assert summed_tallies([lost, lost]) == [LaneTally(3, "demo", "fedex US-US|ground", lost.tallies.plus(lost.tallies))]
    shipment.label = shipment.label and replace(shipment.label, test=True)
    assert loss(shipment, ExceptionState.OPEN) is None
    assert list(outcome_changes(shipment, RULES)) == []


@pytest.mark.parametrize(
    ("deadline", "permille"), [(None, 0), (date(2026, 6, 11), 100), (date(2026, 6, 10), 500), (date(2026, 6, 9), 1000)]
)
def test_the_assumed_chance_to_be_late_is_the_routers(deadline: date | None, permille: int) -> None:
    class Dates:
        p50, p90 = date(2026, 6, 10).toordinal(), date(2026, 6, 11).toordinal()

    assert late_permille(Dates(), deadline) == permille
    assert late_permille(None, date(2026, 6, 11)) == 1000


def test_small_lanes_lean_on_what_is_around_them() -> None:
    assert estimate(0, 0, (900, 1000)) == (None, 0, 0.9)
    assert estimate(1, 2, (900, 1000)).estimate == pytest.approx((1 + 18) / 22)
    assert estimate(600, 1000, (900, 1000)).estimate == pytest.approx(618 / 1020)
    assert estimate(0, 0, (0, 0)) == (None, 0, None)
    assert estimate(5, 3, (-1, 3)).share == 1


def test_the_largest_lanes_are_shown_and_the_rest_together() -> None:
    counts = [LaneCounts(f"ups US-{to}", Tallies(ended=n)) for n, to in enumerate(("CA", "DE", "FR", "US"), 1)]
    shown = largest(counts, 2)
    assert [(each.lane, each.tallies.ended) for each in shown] == [("ups US-US", 4), ("ups US-FR", 3), ("ups other", 3)]
    curves = gap_curves([("gap", "ups US-US", step, 40.0) for step in range(4)] + [("gap", "ups US-FR", 1, 3.0)])
    assert set(curves) == {("gap", "ups US-US")}, "three silences say nothing"
    [first, *_] = [each for each in quality_document(shown, curves, []) if each["lane"] == "US-US"]
    assert 6 < first["scan_gap_hours"]["p50"] < 18 <= first["scan_gap_hours"]["p95"] <= 24
