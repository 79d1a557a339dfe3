"""What callers say when they ask for an action, and how actions are shown to them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from linkstar_contracts.events import ActionKind
from linkstar_contracts.text import SafeStr, Token
from linkstar_contracts.values import Consignee, Value
from linkstar_tracker.domain.actions import Action
from linkstar_tracker.domain.vocabulary import Language

__all__ = ["ActionEnd", "AskedAction", "action_document"]

_PLACES = {"redirect", "hold"}
_TEXTS: dict[Language, dict[str, str]] = {
    "en": {"requested": "asked for", "accepted": "accepted by the carrier", "refused": "refused",
           "unsupported": "not offered over the network", "for_seller": "for the seller to do",
           "unconfirmed": "without an answer: ask the carrier", "done": "done", "unknown": "unknown"},
    "zh": {"requested": "已请求", "accepted": "承运商已受理", "refused": "已拒绝", "unsupported": "承运商无接口",
           "for_seller": "需卖家处理", "unconfirmed": "未获答复，请联系承运商", "done": "已完成", "unknown": "未知"},
}  # fmt: skip


class AskedAction(Value):
    """What shall be done. A redirect names the new address or a pickup point of the carrier; a hold may name a point."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["reattempt", "redirect", "hold", "intercept", "trace", "reship"]
    parcel: Annotated[int, Field(ge=1, le=99)] | None = None
    reason: Token = "unspecified"
    consignee: Consignee | None = None
    pickup_point: Annotated[str, SafeStr(40)] = ""
    exception_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:#~-]{0,159}$")] | None = None

    @model_validator(mode="after")
    def _says_where(self) -> AskedAction:
        if self.kind == "redirect" and (self.consignee is None) is not bool(self.pickup_point):
            raise ValueError("a redirect goes to one place; send either consignee or pickup_point")
        if self.consignee is not None and self.kind != "redirect":
            raise ValueError(f"a {self.kind} has no new address; leave consignee out")
        if self.pickup_point and self.kind not in _PLACES:
            raise ValueError(f"a {self.kind} goes to no pickup point; leave pickup_point out")
        if self.parcel is not None and self.kind == "reship":
            raise ValueError("a reship is about the whole shipment; leave parcel out")
        return self

    @property
    def action_kind(self) -> ActionKind:
        """The kind in the contract's terms."""
        return ActionKind(self.kind)


class ActionEnd(Value):
    """How an action ended, told by somebody who knows: the carrier was called, the order was placed anew."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["done", "refused"]
    reason: Token = "told"
    confirmation: Annotated[str, SafeStr(64)] = ""


def action_document(action: Action, language: Language = "en") -> dict[str, Any]:
    """Return an action as JSON-ready data, told in a language; a new address is never shown."""
    request, answer = action.request, action.answer
    detail = (answer.detail_zh if language == "zh" else "") or answer.detail if answer else ""
    return {
        "action_id": request.action_id,
        "shipment_id": request.shipment_id,
        "kind": request.kind.value,
        "parcel": request.parcel,
        "tracking_number": request.tracking_number,
        "state": action.state.value,
        "version": action.version,
        "told": _TEXTS[language][action.state.value],
        "code": answer.code if answer else None,
        "detail": detail,
        "confirmation": answer.confirmation if answer else "",
        "reason": request.reason,
        "new_address": request.consignee is not None,
        "pickup_point": request.pickup_point or None,
        "exception_id": request.exception_id,
        "asked_by": {"rule": request.rule, "rules_version": request.rules_version, "key_id": action.asked_by or None},
        "asked_at": request.occurred_at.isoformat().replace("+00:00", "Z"),
        "changed_at": (answer or request).occurred_at.isoformat().replace("+00:00", "Z"),
    }
