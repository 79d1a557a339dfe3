"""The judge of `make chaos-labels`: silent on a sound campaign, and each planted error is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from label_chaos.evidence import Attempted, Billed, Evidence, Sold, Wanted
from label_chaos.judgement import judge
from label_chaos.schedule import FAILPOINT_ACTIONS, PROCESS_FAULTS, draw_schedule
from linkstar_runtime.failpoints import LABEL_FAILPOINTS

LABEL = Attempted("o-1", 1, "ups", "purchased", "active", "1Z1", ("1Z1",), ("LS01", "k1"), False)
SALE = Sold("ups", "client1", "1Z1", ("LS01",), ("1Z1",), 941, False)
ORDER = Wanted("o-1", "ups", "label", 1, {1: ("1Z1",)}, [1], "client1")
LINE = Billed("ups", "1Z1", "matched", "settled")
BOOKS = {"ledger_sum": 0, "laws": {"two_legs": {"result": "ok", "examples": []}}}
SECOND = replace(SALE, carrier_id="1Z2", tracking_numbers=("1Z2",))
KEPT = frozenset({("ups", "1Z2")})
DISPUTED = Billed("ups", "1Z2", "unknown_shipment", "disputed")


def sound(**changed: object) -> Evidence:
    found = Evidence(
        wanted=[ORDER], sold=[SALE], attempted=[LABEL], billed=[LINE], prices={("ups", 1): 941}, books=BOOKS,
        tell_prices=frozenset({"ups"}), captured_minor={"ups": 941}, payable_minor={"ups": 941},
        invoiced_minor={"ups": 941}, bills_when_handed_over=frozenset({"dpd-de"}), recovers=frozenset({"ups"}),
    )  # fmt: skip
    return replace(found, **changed)  # type: ignore[arg-type]


def test_a_sound_campaign_has_no_fault() -> None:
    assert judge(sound()).violations == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"sold": [SALE, SECOND]}, ["double_charged", "unrepaired"]),
        ({"sold": [SALE, SECOND], "billed": [LINE, DISPUTED]}, ["double_charged", "unrepaired"]),
        ({"sold": [SALE, SECOND], "billed": [LINE, DISPUTED], "kept_orphans": KEPT}, ["double_charged"]),
        ({"sold": [replace(SALE, account="client2")]}, ["unrepaired"]),
        ({"sold": [replace(SALE, charged_minor=1_036)]}, ["double_charged"]),
        ({"sold": [replace(SALE, charged_minor=1_035)]}, []),
        ({"sold": [replace(SALE, charged_minor=1_036)], "attempted": [replace(LABEL, answered=False)]}, []),
        ({"sold": [replace(SALE, charged_minor=1_036)], "tell_prices": frozenset()}, []),
        ({"attempted": [replace(LABEL, documents=0)]}, ["lost_labels"]),
        ({"captured_minor": {"ups": 940}}, ["simulator_ledger"]),
        ({"captured_minor": {"ups": 941, "usps": 5}}, ["simulator_ledger"]),
        ({"sold": [SALE, SECOND], "recovers": frozenset()}, ["unrepaired"]),
        ({"sold": [SALE, SECOND], "recovers": frozenset(), "billed": [LINE, DISPUTED]}, []),
        ({"sold": [SALE, replace(SECOND, voided=True)]}, []),
        (
            {"sold": [SALE, replace(SECOND, asked_as=("LS77",))], "billed": [LINE, DISPUTED]},
            ["unrepaired", "unrepaired"],
        ),
        ({"sold": []}, ["lost_labels"]),
        ({"sold": [replace(SALE, voided=True)]}, ["lost_labels"]),
        (
            {"attempted": [replace(LABEL, label="voided", state="voided")]},
            ["unrepaired", "lost_labels", "simulator_ledger"],
        ),
        ({"attempted": [replace(LABEL, tracking_numbers=("1Z9",))]}, ["lost_labels", "lost_labels"]),
        ({"attempted": [replace(LABEL, open=True)]}, ["lost_labels"]),
        ({"attempted": [LABEL, replace(LABEL, state="kept", label="voided", carrier_id="1Z7")]}, ["unrepaired"]),
        ({"wanted": [replace(ORDER, end="cancelled")]}, ["lost_labels"]),
        ({"wanted": [replace(ORDER, created={})]}, ["lost_labels"]),
        ({"wanted": [replace(ORDER, versions=[1, 3])]}, ["lost_labels"]),
        ({"unsettled": ["o-9 did not end"]}, ["lost_labels"]),
        ({"billed": [replace(LINE, state="review")]}, ["ledger"]),
        ({"books": {**BOOKS, "ledger_sum": 1}}, ["ledger"]),
        ({"books": {"ledger_sum": 0, "laws": {"x": {"result": "violated", "examples": ["y"]}}}}, ["ledger"]),
        ({"payable_minor": {"ups": 940}}, ["simulator_ledger"]),
        ({"invoiced_minor": {"ups": 941, "usps": 1}}, ["simulator_ledger"]),
    ],
)
def test_each_planted_error_is_named(changed: dict[str, object], named: list[str]) -> None:
    assert [violation.partition(":")[0] for violation in judge(sound(**changed)).violations] == named


def test_unused_labels_of_carriers_that_bill_at_hand_over_cost_nothing() -> None:
    unused = replace(SALE, carrier="dpd-de", carrier_id="D1", asked_as=("LS02",))
    assert judge(sound(sold=[SALE, unused])).violations == []


def test_schedules_repeat_and_meet_every_fault() -> None:
    drawn = [draw_schedule(1, number, several_parcels=True) for number in range(1_000)]
    assert drawn == [draw_schedule(1, number, several_parcels=True) for number in range(1_000)]
    assert {schedule.process for schedule in drawn} == {"", *PROCESS_FAULTS}
    assert set(FAILPOINT_ACTIONS) == LABEL_FAILPOINTS
    orders = [order for schedule in drawn for order in schedule.orders]
    assert any(order.cancel_after_s is not None and order.reroute_after_s is not None for order in orders)
