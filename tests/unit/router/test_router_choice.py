"""The choice: net price, the penalty of missing a deadline, ties, and decisions that re-execute bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from linkstar_performance.lateness import late_permille
from linkstar_router.domain.calendars import Dates
from linkstar_router.domain.choice import cost_milli
from linkstar_router.domain.decision import Decision, Question, decide, encode, reexecute
from linkstar_router.domain.snapshot import Snapshot

Decided = Callable[..., Decision]
DAY = date(2026, 11, 27)


def _ordinal(day: int) -> int:
    return date(2026, 11, day).toordinal()


@pytest.mark.parametrize(
    ("p50", "p90", "permille"), [(25, 27, 100), (27, 28, 500), (28, 30, 1000)], ids=["p90 in time", "p50 in time", "late"]
)  # fmt: skip
def test_the_chance_to_be_late_is_what_the_published_quantiles_support(p50: int, p90: int, permille: int) -> None:
    assert late_permille(Dates(_ordinal(23), _ordinal(p50), _ordinal(p90)), DAY) == permille


def test_no_deadline_costs_nothing_and_no_promise_is_late() -> None:
    assert late_permille(None, None) == 0
    assert late_permille(None, DAY) == 1000


def test_costs_are_exact_thousandths() -> None:
    assert cost_milli(1342, 600, 500) == 1_642_000


def _ranking(decision: Decision) -> list[str]:
    return [candidate.offer.service.key for candidate in decision.candidates]


def test_the_cheapest_net_price_comes_first(decided: Decided) -> None:
    decision = decided("FR-LIL", "75001", "500 g", "30 20 10 cm", level="economy")
    nets = [candidate.rated.net for candidate in decision.candidates]
    assert nets == sorted(nets)
    assert _ranking(decision)[0] == "mondial-relay/relay"


def test_a_deadline_makes_the_faster_service_worth_its_price(decided: Decided) -> None:
    relaxed = decided("US-LA", "10001", penalty_minor=600)
    urgent = decided("US-LA", "10001", penalty_minor=600, deliver_by="2026-11-28T23:00:00Z")
    assert _ranking(relaxed)[0] == "usps/ground_advantage"
    assert _ranking(urgent)[0] == "usps/priority_mail"
    assert urgent.candidates[0].cost_milli == 1471 * 1000 + 600 * 100


def test_a_low_penalty_leaves_the_cheaper_service(decided: Decided) -> None:
    assert (
        _ranking(decided("US-LA", "10001", penalty_minor=100, deliver_by="2026-11-28T23:00:00Z"))[0]
        == "usps/ground_advantage"
    )


def test_equal_costs_stand_in_the_fixed_order(decided: Decided, snapshot: Snapshot) -> None:
    decision = decided("US-LA", "85001", "1 lb", "9 6 2 in", residential=False)
    order = [service.key for service in snapshot.services]
    for first, second in zip(decision.candidates, decision.candidates[1:], strict=False):
        if first.cost_milli == second.cost_milli:
            assert order.index(first.offer.service.key) < order.index(second.offer.service.key)


def test_a_return_pays_no_residential_fee(decided: Decided) -> None:
    outward, back = (decided("US-LA", "10001", kind=kind) for kind in ("order", "return"))
    codes = [{line.code for c in found.candidates for line in c.rated.lines} for found in (outward, back)]
    assert "residential_surcharge" in codes[0]
    assert "residential_surcharge" not in codes[1]


def test_the_stored_question_gives_the_stored_answer(snapshot: Snapshot, ask: Callable[..., Question]) -> None:
    for lane in (("US-LA", "10001"), ("UK-BHX", "IV27"), ("FR-LIL", "75001"), ("DE-HAJ", "25980"), ("CA-TOR", "V6B")):
        question = ask(*lane, deliver_by="2026-12-01T12:00:00Z", barred=["usps/priority_mail"], penalty_minor=600)
        stored = question.__pydantic_serializer__.to_json(question, exclude_none=True)
        assert reexecute(snapshot, stored) == encode(decide(snapshot, question))


def test_the_local_date_of_the_warehouse_decides_on_the_list(decided: Decided) -> None:
    # 06:59 UTC on 12 July is still 11 July in Los Angeles
    before, after = (decided("US-LA", "10001", on=f"2026-07-12T{hour}:00Z") for hour in ("06:59", "07:00"))
    tariffs = [{c.offer.edition.tariff for c in found.candidates if c.offer.edition} for found in (before, after)]
    assert "usps-ground-advantage-commercial@2025-10-05" in tariffs[0]
    assert "usps-ground-advantage-commercial@2026-07-12" in tariffs[1]
