"""Returns: what their facts ask for, whatever the order those facts come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.returns.return_facts import BACK, NUMBER, START, at, label, order, request, tracked, void

from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    ExceptionRaised,
    LabelCreated,
    LabelVoided,
    OrderReceived,
    ReturnRequested,
    ReturnUpdated,
    TrackingUpdated,
)
from linkstar_returns.domain.order_returns import OrderReturns
from linkstar_returns.domain.policy import Policy

POLICY = Policy()
Fact = OrderReceived | ReturnRequested | TrackingUpdated | LabelCreated | LabelVoided


def tell(returns: OrderReturns, fact: Fact, policy: Policy = POLICY) -> list[Event]:
    now = at(1000)
    match fact:
        case OrderReceived():
            return returns.order_received(fact.body().decode(), policy, now)
        case ReturnRequested():
            return returns.requested(fact, policy, now)
        case TrackingUpdated():
            return returns.tracked(fact, policy, now)
        case LabelCreated():
            return returns.label_created(fact, policy, now)
        case LabelVoided():
            return returns.label_voided(fact, policy, now)


def follow(*facts: Fact, policy: Policy = POLICY) -> tuple[OrderReturns, list[Event]]:
    returns = OrderReturns("demo", "s-1", 3)
    return returns, [event for fact in facts for event in tell(returns, fact, policy)]


def told(events: Sequence[Event]) -> list[str]:
    return [f"{event.return_id[3:]} {event.state.value}" for event in events if isinstance(event, ReturnUpdated)]


def state(returns: OrderReturns) -> list[tuple[object, ...]]:
    return sorted(
        (
            case.origin,
            case.request_id,
            case.state and case.state.value,
            case.refusal,
            case.tracking_number,
            case.ordered,
        )
        for case in returns.cases.values()
    )


OUT = (order(), tracked(1, "pending", 1), tracked(2, "accepted", 3), tracked(3, "delivered", 50))
WAY_BACK = (
    label(),
    tracked(1, "pending", 60, BACK),
    tracked(2, "accepted", 70, BACK),
    tracked(3, "delivered", 90, BACK),
)


def test_a_return_goes_from_request_to_closed() -> None:
    _, events = follow(*OUT, request(55), *WAY_BACK)
    assert told(events) == [
        "~R1 requested", "~R1 approved", "~R1 label_issued", "~R1 in_transit", "~R1 received", "~R1 closed"
    ]  # fmt: skip


def test_an_approved_return_orders_its_shipment_once_with_what_comes_back() -> None:
    _, events = follow(*OUT, request(55, MUG=1), order(), label(), void(), label(3))
    [back] = [event for event in events if isinstance(event, OrderReceived)]
    assert (back.shipment_id, back.kind, back.version, back.key) == (BACK, "return", 1, "demo/s-1")
    assert [(item.sku, item.quantity) for item in back.items] == [("MUG", 1)]
    assert (back.warehouse, back.consignee, back.parcels) == (order().warehouse, order().consignee, order().parcels)


@settings(max_examples=400)
@given(st.permutations([order(), tracked(3, "delivered", 50), request(55)]), st.permutations(WAY_BACK))
def test_every_arrival_order_ends_closed(first: list[Fact], second: list[Fact]) -> None:
    returns, events = follow(*first, *second, *first, *second)
    assert state(returns) == [("customer", "q-1", "closed", None, NUMBER, True)]
    versions = [event.version for event in events if isinstance(event, ReturnUpdated)]
    assert versions == list(range(1, len(versions) + 1))


@settings(max_examples=200)
@given(st.permutations([*OUT, request(55), request(58, "q-2"), request(40, "q-3"), tracked(4, "delivered", 51)]))
def test_requests_are_judged_alike_in_every_arrival_order(facts: list[Fact]) -> None:
    refused = {case.request_id: case.refusal for case in follow(*facts)[0].cases.values()}
    assert refused.pop("q-3") == "not_delivered"
    assert sorted(refused.values(), key=str) == [None, "quantity_exceeded"]


@settings(max_examples=200)
@given(st.permutations([order(), tracked(3, "return_to_sender", 50), tracked(4, "returned", 90), request(45)]))
def test_what_comes_back_undelivered_opens_one_return_by_itself(facts: list[Fact]) -> None:
    returns, _ = follow(*facts, *facts)
    assert state(returns) == [
        ("customer", "q-1", "rejected", "not_delivered", None, False),
        ("reject", "reject:s-1", "closed", None, None, False),
    ]


def test_a_reject_tells_its_states_and_needs_no_label() -> None:
    _, events = follow(tracked(3, "return_to_sender", 50), order(), tracked(4, "returned", 90))
    assert told(events) == ["~R1 in_transit", "~R1 received", "~R1 closed"]
    assert not any(isinstance(event, OrderReceived) for event in events)


def test_a_retracted_return_to_sender_is_cancelled_and_may_come_again() -> None:
    _, events = follow(
        tracked(3, "return_to_sender", 50), tracked(4, "out_for_delivery", 52), tracked(5, "return_to_sender", 60)
    )
    assert told(events) == ["~R1 in_transit", "~R1 cancelled", "~R1 in_transit"]


def test_a_stale_duplicate_changes_nothing() -> None:
    returns, _ = follow(tracked(3, "return_to_sender", 50), tracked(4, "out_for_delivery", 52))
    assert tell(returns, tracked(3, "return_to_sender", 50)) == []


def test_a_request_waits_for_its_order() -> None:
    returns, events = follow(request(55))
    assert told(events) == ["~R1 requested"]
    assert told(tell(returns, tracked(3, "delivered", 50))) == []
    assert told(tell(returns, order())) == ["~R1 approved"]


def test_a_delivery_that_is_learned_of_late_turns_the_refusal() -> None:
    returns, events = follow(order(), request(55))
    assert told(events) == ["~R1 requested", "~R1 rejected"]
    assert told(tell(returns, tracked(3, "delivered", 50))) == ["~R1 approved"]


def test_a_delivery_after_the_request_does_not() -> None:
    returns, _ = follow(order(), request(55))
    assert told(tell(returns, tracked(3, "delivered", 56))) == []


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (request(50 + 24 * 31), "window_closed"),
        (request(55, PEN=1), "unknown_item"),
        (request(55, MUG=3), "quantity_exceeded"),
        (request(55, MUG=2, CAP=1), None),
    ],
)
def test_the_terms_are_kept(asked: ReturnRequested, refusal: str | None) -> None:
    returns, events = follow(*OUT, asked)
    assert returns.cases[BACK].refusal == refusal
    last = [event for event in events if isinstance(event, ReturnUpdated)][-1]
    assert last.reason == (refusal or "wrong_size")


def test_two_partial_returns_share_what_was_ordered() -> None:
    returns, _ = follow(*OUT, request(55, "q-1", MUG=1), request(56, "q-2", MUG=1), request(57, "q-3", MUG=1))
    assert [case.refusal for case in returns.cases.values()] == [None, None, "quantity_exceeded"]


def test_a_repeated_request_is_the_same_return() -> None:
    returns, _ = follow(*OUT, request(55))
    assert tell(returns, request(99)) == []


def test_a_voided_return_label_is_taken_back() -> None:
    _, events = follow(*OUT, request(55), label(), void(), label(3))
    assert told(events)[2:] == ["~R1 label_issued", "~R1 approved", "~R1 label_issued"]


def test_without_auto_close_the_warehouse_closes() -> None:
    policy = Policy(auto_close=False)
    returns, events = follow(*OUT, request(55), *WAY_BACK, policy=policy)
    assert told(events)[-1] == "~R1 received"
    assert told(returns.close(BACK, policy, at(100))) == ["~R1 closed"]


def test_an_unused_return_expires_and_a_late_parcel_revives_it() -> None:
    returns, _ = follow(*OUT, request(55), label())
    due = at(1000) + timedelta(days=30)
    assert returns.expire(POLICY, due - timedelta(seconds=1)) == []
    events = returns.expire(POLICY, due)
    assert told(events) == ["~R1 expired"]
    [raised] = [event for event in events if isinstance(event, ExceptionRaised)]
    assert (raised.exception_id, raised.state.value) == ("return.expired.s-1~R1", "open")
    revived = tell(returns, tracked(2, "accepted", 70, BACK))
    assert told(revived) == ["~R1 in_transit"]
    [resolved] = [event for event in revived if isinstance(event, ExceptionRaised)]
    assert (resolved.version, resolved.state.value) == (2, "resolved")


def test_tracking_that_moves_no_return_is_not_kept() -> None:
    returns, events = follow(order(), tracked(1, "pending", 1), tracked(2, "accepted", 3))
    assert (returns.outbound, events) == ({}, [])


def test_the_order_is_kept_as_it_was_received() -> None:
    returns, _ = follow(order())
    assert returns.content is not None
    assert OrderReceived.model_validate_json(returns.content) == order()
    assert order().occurred_at == START
