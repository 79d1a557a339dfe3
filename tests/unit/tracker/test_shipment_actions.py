"""What may be asked for about a shipment, what is refused and why, and how answers follow each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from unit.tracker.tracked_facts import LABELLED, NUMBERS, label, scan, void

from linkstar_contracts.events import ActionAnswered, ActionKind, ActionState
from linkstar_tracker.domain.action_documents import AskedAction, action_document
from linkstar_tracker.domain.actions import MOST_ACTIONS, Action, NotPossible, Wish, ask, ends_by_word
from linkstar_tracker.domain.shipment import Rules, Shipment

RULES = Rules.shipped()
NOW = LABELLED + timedelta(hours=60)
KINDS = [kind for kind in ActionKind if kind is not ActionKind.UNKNOWN]


def shipment(*codes: str, parcels: int = 1) -> Shipment:
    followed = Shipment("demo", "s-1", "s-1", 3)
    followed.label_created(label(numbers=NUMBERS[:parcels]), RULES, LABELLED)
    for hours, code in enumerate(codes, 3):
        followed.record(scan(code, hours), RULES, LABELLED)
    return followed


def asked(of: Shipment, wish: Wish, *known: Action) -> Action:
    return ask(of, of.parcels(RULES), known, wish, "k-1", NOW)


def answered(action: Action, state: ActionState, version: int = 1) -> ActionAnswered:
    request = action.request
    return ActionAnswered(
        tenant="demo", order_id="s-1", shipment_id="s-1", version=version, occurred_at=NOW, action_id=request.action_id,
        kind=request.kind, state=state, code="c",
    )  # fmt: skip


def test_an_action_names_its_parcel_and_what_asked_for_it() -> None:
    action = asked(shipment("PU"), Wish(ActionKind.HOLD, pickup_point="NYC-1", rule="hold-all", rules_version=2))
    request = action.request
    assert (request.action_id, request.parcel, request.tracking_number) == ("hold.s-1", 1, NUMBERS[0])
    assert (action.state, action.version, request.carrier, request.service) == (
        ActionState.REQUESTED,
        1,
        "fedex",
        "ground",
    )
    assert action_document(action)["asked_by"] == {"rule": "hold-all", "rules_version": 2, "key_id": "k-1"}


def test_a_reship_is_the_sellers_own_affair_and_says_so_at_once() -> None:
    action = asked(shipment("PU", "DL"), Wish(ActionKind.RESHIP))
    assert (action.state, action.version, action.request.parcel) == (ActionState.FOR_SELLER, 2, None)
    assert "订单号" in action_document(action, "zh")["detail"]


@pytest.mark.parametrize(
    ("code", "codes", "wish", "parcels"),
    [
        ("parcel_required", ("PU",), Wish(ActionKind.TRACE), 2),
        ("parcel_unknown", ("PU",), Wish(ActionKind.TRACE, parcel=3), 2),
        ("parcel_arrived", ("PU", "DL"), Wish(ActionKind.INTERCEPT), 1),
        ("parcel_returning", ("PU", "RS"), Wish(ActionKind.REDIRECT, pickup_point="x"), 1),
    ],
)
def test_what_cannot_be_is_refused_with_a_code(code: str, codes: tuple[str, ...], wish: Wish, parcels: int) -> None:
    with pytest.raises(NotPossible) as refused:
        asked(shipment(*codes, parcels=parcels), wish)
    assert (refused.value.code, refused.value.field) == (code, "parcel")


def test_nothing_is_asked_for_without_a_label_under_way() -> None:
    voided = shipment()
    voided.label_voided(void(), RULES, LABELLED)
    for of, code in ((Shipment("demo", "s-1", "s-1", 3), "label_unknown"), (voided, "shipment_cancelled")):
        with pytest.raises(NotPossible, match=code):
            asked(of, Wish(ActionKind.TRACE))


def test_a_delivered_parcel_may_still_be_traced() -> None:
    assert asked(shipment("PU", "DL"), Wish(ActionKind.TRACE)).state is ActionState.REQUESTED


@pytest.mark.parametrize("state", [each for each in ActionState if each is not ActionState.UNKNOWN])
def test_an_open_action_is_not_asked_for_twice_an_ended_one_is_numbered(state: ActionState) -> None:
    of = shipment("PU")
    first = asked(of, Wish(ActionKind.TRACE))
    first = first if state is ActionState.REQUESTED else first.answered(answered(first, state)) or first
    if first.open:
        with pytest.raises(NotPossible, match="action_open"):
            asked(of, Wish(ActionKind.TRACE), first)
    else:
        assert asked(of, Wish(ActionKind.TRACE), first).request.action_id == "trace.s-1~~2"
    assert asked(of, Wish(ActionKind.HOLD), first).request.action_id == "hold.s-1"


def test_there_is_an_end_to_asking() -> None:
    of = shipment("PU")
    one = asked(of, Wish(ActionKind.TRACE))
    with pytest.raises(NotPossible, match="too_many_actions"):
        asked(of, Wish(ActionKind.HOLD), *[one] * MOST_ACTIONS)


@given(st.permutations([1, 2, 3, 2, 1]))
def test_answers_in_any_order_and_number_leave_the_newest(versions: list[int]) -> None:
    states = {1: ActionState.ACCEPTED, 2: ActionState.REFUSED, 3: ActionState.DONE}
    action = asked(shipment("PU"), Wish(ActionKind.TRACE))
    for version in versions:
        action = action.answered(answered(action, states[version], version)) or action
    assert (action.state, action.version) == (ActionState.DONE, 4)


def test_somebodys_word_ends_what_was_answered_and_only_that() -> None:
    waiting = asked(shipment("PU"), Wish(ActionKind.TRACE))
    with pytest.raises(NotPossible, match="action_waiting"):
        ends_by_word(waiting, ActionState.DONE, "told", "", NOW)
    open_one = waiting.answered(answered(waiting, ActionState.UNSUPPORTED)) or waiting
    told = ends_by_word(open_one, ActionState.DONE, "told", "T-7", NOW)
    assert (told.version, told.state, told.confirmation) == (2, ActionState.DONE, "T-7")
    with pytest.raises(NotPossible, match="action_ended"):
        ends_by_word(open_one.answered(told) or open_one, ActionState.REFUSED, "told", "", NOW)


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        ({"kind": "redirect"}, "send either consignee or pickup_point"),
        ({"kind": "trace", "pickup_point": "x"}, "leave pickup_point out"),
        ({"kind": "reship", "parcel": 1}, "leave parcel out"),
        ({"kind": "explode"}, "redirect"),
        ({"kind": "trace", "note": "ring twice"}, "extra"),
    ],
)
def test_bodies_that_mean_nothing_are_refused(body: dict[str, object], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        AskedAction.model_validate(body)


@given(st.sampled_from(KINDS))
def test_every_kind_has_a_body_and_words_in_both_languages(kind: ActionKind) -> None:
    point = {"pickup_point": "P1"} if kind is ActionKind.REDIRECT else {}
    assert AskedAction.model_validate({"kind": kind.value, **point}).action_kind is kind
    action = asked(shipment("PU"), Wish(kind, pickup_point="P1"))
    for state in ActionState:
        shown = action.answered(answered(action, state, 5)) or action
        assert action_document(shown, "en")["told"] != action_document(shown, "zh")["told"]
