"""Actions on shipments under way as aggregates: what may be asked for, and how each stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from linkstar_contracts.events import ActionAnswered, ActionKind, ActionRequested, ActionState, TrackingStatus
from linkstar_contracts.values import SealedConsignee
from linkstar_tracker.domain.shipment import Shipment
from linkstar_tracker.domain.timeline import TERMINAL, Timeline

__all__ = ["MOST_ACTIONS", "Action", "NotPossible", "Wish", "ask", "ends_by_word"]

MOST_ACTIONS = 50
"""So many may be asked for about one shipment."""
_OPEN = {ActionState.REQUESTED, ActionState.ACCEPTED, ActionState.UNCONFIRMED, ActionState.FOR_SELLER}
_WAITING_FOR_WORD = {
    ActionState.ACCEPTED, ActionState.UNSUPPORTED, ActionState.UNCONFIRMED, ActionState.FOR_SELLER
}  # fmt: skip
_WHOLE_SHIPMENT = {ActionKind.RESHIP}
_OF_A_PARCEL_AT_REST = {ActionKind.TRACE}
_BY_SELLER = (
    "LinkStar places no orders: submit the order again under an order id of its own",
    "LinkStar 不会自行下单：请以新的订单号重新提交该订单",
)


class NotPossible(ValueError):
    """Why an action is not asked for: a stable code, what is wrong, in which field, and how to mend it."""

    def __init__(self, code: str, title: str, fix: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {title}")
        self.code, self.title, self.fix, self.field = code, title, fix, field


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants done, or a rule of theirs."""

    kind: ActionKind
    parcel: int | None = None
    reason: str = "unspecified"
    pickup_point: str = ""
    consignee: SealedConsignee | None = None
    exception_id: str | None = None
    rule: str | None = None
    rules_version: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """An action and its newest answer. `version` counts its states from 1, which is `requested`."""

    request: ActionRequested
    answer: ActionAnswered | None = None
    asked_by: str = ""

    @property
    def state(self) -> ActionState:
        """How it stands."""
        return self.answer.state if self.answer else ActionState.REQUESTED

    @property
    def version(self) -> int:
        """The number of its state."""
        return 1 + self.answer.version if self.answer else 1

    @property
    def open(self) -> bool:
        """True while something may still come of it by itself, or by the seller."""
        return self.state in _OPEN

    def answered(self, answer: ActionAnswered) -> Action | None:
        """Return the action with this answer; None when it knew it, or a newer one."""
        return replace(self, answer=answer) if answer.version >= self.version else None


def ask(
    shipment: Shipment, parcels: Mapping[int, Timeline], known: Sequence[Action], wish: Wish, asked_by: str, now: datetime
) -> Action:  # fmt: skip
    """Return the action asked for. Raises NotPossible. What only the seller can do is answered at once."""
    label = shipment.label
    if label is None:
        raise NotPossible("label_unknown", "No label of this shipment is known", "Wait for LabelCreated.")
    if shipment.voided and not any(each.accepted_at for each in parcels.values()):
        raise NotPossible("shipment_cancelled", "The label was voided", "Nothing is under way.")
    if len(known) >= MOST_ACTIONS:
        raise NotPossible("too_many_actions", f"{MOST_ACTIONS} actions were asked for", "Call the carrier.")
    number = None if wish.kind in _WHOLE_SHIPMENT else _parcel(shipment, parcels, wish)
    _refuse_twice(known, wish.kind, number)
    request = ActionRequested(
        tenant=shipment.tenant, order_id=shipment.order_id, shipment_id=shipment.shipment_id, occurred_at=now,
        action_id=_identity(shipment.shipment_id, known, wish.kind), kind=wish.kind, carrier=label.carrier,
        service=label.service, parcel=number, tracking_number=_number_of(shipment, number), reason=wish.reason,
        consignee=wish.consignee, pickup_point=wish.pickup_point, exception_id=wish.exception_id, rule=wish.rule,
        rules_version=wish.rules_version, test=label.test,
    )  # fmt: skip
    return Action(request, _for_seller(request, now), asked_by)


def ends_by_word(action: Action, state: ActionState, reason: str, confirmation: str, now: datetime) -> ActionAnswered:
    """Return the answer of somebody who has heard how the action ended. Raises NotPossible."""
    if action.state is ActionState.REQUESTED:
        raise NotPossible("action_waiting", "The action was not answered yet", "Wait for its answer.")
    if action.state not in _WAITING_FOR_WORD:
        raise NotPossible("action_ended", f"The action is {action.state.value}", "Ask for another one.")
    return _answer(action.request, action.version, state, reason, now, confirmation=confirmation)


def _parcel(shipment: Shipment, parcels: Mapping[int, Timeline], wish: Wish) -> int:
    """Return the parcel that is meant, which must be where something can be done about it."""
    numbers = ", ".join(map(str, parcels))
    if wish.parcel is None and len(parcels) > 1:
        raise NotPossible("parcel_required", "The shipment has several parcels", f"Name one of {numbers}.", "parcel")
    number = wish.parcel if wish.parcel is not None else next(iter(parcels))
    if number not in parcels:
        raise NotPossible("parcel_unknown", "The shipment has no such parcel", f"Name one of {numbers}.", "parcel")
    if _number_of(shipment, number) is None:
        raise NotPossible("number_pending", "The parcel has no tracking number yet", "Wait for it.", "parcel")
    if wish.kind not in _OF_A_PARCEL_AT_REST:
        _refuse_ended(parcels[number].status)
    return number


def _refuse_ended(status: TrackingStatus) -> None:
    if status in TERMINAL:
        raise NotPossible("parcel_arrived", f"The parcel is {status.value}", "Open a return instead.", "parcel")
    if status is TrackingStatus.RETURN_TO_SENDER:
        raise NotPossible("parcel_returning", "The parcel is on its way back", "Ship anew with `reship`.", "parcel")


def _refuse_twice(known: Iterable[Action], kind: ActionKind, parcel: int | None) -> None:
    for each in known:
        if each.request.kind is kind and each.request.parcel == parcel and each.open:
            name, state = each.request.action_id, each.state.value
            raise NotPossible("action_open", f"{name} is {state}", "Wait until it has ended, or tell its end.", "kind")


def _identity(shipment_id: str, known: Iterable[Action], kind: ActionKind) -> str:
    """The first of its kind is `<kind>.<shipment>`; later ones end in `~~2`, `~~3` and so on, as no shipment does."""
    recurrence = 1 + sum(each.request.kind is kind for each in known)
    return f"{kind.value}.{shipment_id}" + (f"~~{recurrence}" if recurrence > 1 else "")


def _number_of(shipment: Shipment, parcel: int | None) -> str | None:
    numbered = shipment.label.numbered if shipment.label else ()
    return next((each.tracking_number for each in numbered if each.number == parcel), None)


def _for_seller(request: ActionRequested, now: datetime) -> ActionAnswered | None:
    if request.kind is not ActionKind.RESHIP:
        return None
    return _answer(request, 1, ActionState.FOR_SELLER, "reship_by_seller", now, _BY_SELLER)


def _answer(
    request: ActionRequested, version: int, state: ActionState, code: str, now: datetime,
    texts: tuple[str, str] = ("", ""), confirmation: str = "",
) -> ActionAnswered:  # fmt: skip
    return ActionAnswered(
        tenant=request.tenant, order_id=request.order_id, shipment_id=request.shipment_id, version=version,
        occurred_at=now, action_id=request.action_id, kind=request.kind, state=state, code=code, detail=texts[0],
        detail_zh=texts[1], confirmation=confirmation,
    )  # fmt: skip
