"""How actions on parcels are answered: by what the carrier said, or by its own way where it takes no such call."""

from __future__ import annotations

from datetime import datetime

from linkstar_contracts.events import ActionAnswered, ActionRequested, ActionState
from linkstar_labeler.domain.carrier_ways import way_of
from linkstar_labeler.domain.carrier_words import as_token, printable
from linkstar_labeler.domain.connector import OutcomeUnknown, Refused
from linkstar_labeler.domain.interventions import Taken

__all__ = ["answer_of", "unsupported"]

_TAKEN = ("The carrier took the request; whether it succeeds, scans will tell", "承运商已受理，结果以后续轨迹为准")
_UNKNOWN = (
    "The carrier was asked and gave no answer that counts: ask it before asking again",
    "已向承运商提出请求，但未获有效答复：请先向承运商核实，再决定是否重新请求",
)


def unsupported(request: ActionRequested, now: datetime) -> ActionAnswered:
    """Answer with the carrier's own way."""
    way = way_of(request.carrier, request.kind.value)
    return _answer(request, ActionState.UNSUPPORTED, "no_carrier_call", (way.en, way.zh), now)


def answer_of(request: ActionRequested, outcome: Taken | Refused | OutcomeUnknown, now: datetime) -> ActionAnswered:
    """Answer with what the carrier said. Its code becomes a token; what it says is told as it said it."""
    if isinstance(outcome, Taken):
        return _answer(request, ActionState.ACCEPTED, "taken", _TAKEN, now, printable(outcome.confirmation, 64))
    if isinstance(outcome, Refused):
        return _answer(request, ActionState.REFUSED, as_token(outcome.code), (printable(outcome.detail), ""), now)
    return _answer(request, ActionState.UNCONFIRMED, as_token(outcome.code), _UNKNOWN, now)


def _answer(
    request: ActionRequested, state: ActionState, code: str, texts: tuple[str, str], now: datetime, confirmation: str = ""
) -> ActionAnswered:  # fmt: skip
    return ActionAnswered(
        tenant=request.tenant, order_id=request.order_id, shipment_id=request.shipment_id, version=1, occurred_at=now,
        action_id=request.action_id, kind=request.kind, state=state, code=code, detail=texts[0], detail_zh=texts[1],
        confirmation=confirmation,
    )  # fmt: skip
