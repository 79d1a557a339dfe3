"""What is to be done about a shipment under way: asked for by a person or a rule, answered by whoever can tell."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from linkstar_contracts.event import Version
from linkstar_contracts.exception_events import ExceptionCode, Severity
from linkstar_contracts.fields import Detail, ShipmentEvent, TrackingNumber
from linkstar_contracts.text import SafeStr, Token
from linkstar_contracts.values import OpenEnum, SealedConsignee

__all__ = ["ActionAnswered", "ActionKind", "ActionRequested", "ActionState", "RuleFired", "RuleOutcome"]

ActionId = Annotated[str, Field(pattern=r"^[a-z]{4,16}\.[A-Za-z0-9][A-Za-z0-9._:#~-]{0,99}$")]
"""`<kind>.<shipment>`; later ones of a kind end in `~~2`, `~~3`, and so on, as no shipment does."""
ExceptionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:#~-]{0,159}$")]


class ActionKind(OpenEnum):
    """What a seller may ask for."""

    REATTEMPT = "reattempt"
    REDIRECT = "redirect"
    HOLD = "hold"
    INTERCEPT = "intercept"
    TRACE = "trace"
    RESHIP = "reship"
    UNKNOWN = "unknown"


class ActionState(OpenEnum):
    """Where an action stands. `unsupported`: the carrier has no call for it, the answer tells its own way. `for_seller`: the
    seller's own systems must do it. `unconfirmed`: the carrier was asked and gave no answer that counts.
    """

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    FOR_SELLER = "for_seller"
    UNCONFIRMED = "unconfirmed"
    DONE = "done"
    UNKNOWN = "unknown"


class RuleOutcome(OpenEnum):
    """What became of a rule's wish for an action. `outranked`: a rule before it asked at that moment."""

    ASKED = "asked"
    TOLD = "told"
    OUTRANKED = "outranked"
    NOT_POSSIBLE = "not_possible"
    SHADOW = "shadow"
    UNKNOWN = "unknown"


class ActionRequested(ShipmentEvent):
    """An action was asked for, about one parcel or, without one, the whole shipment. Aggregate: the action; `version` 1."""

    TYPE = "linkstar.action.requested.v1"

    version: Version = 1
    action_id: ActionId
    kind: ActionKind
    carrier: Token
    service: Token
    parcel: Annotated[int, Field(ge=1, le=99)] | None = None
    tracking_number: TrackingNumber | None = None
    reason: Token = "unspecified"
    consignee: SealedConsignee | None = None
    """Of a redirect: the new address, sealed with the order's key."""
    pickup_point: Annotated[str, SafeStr(40)] = ""
    """Of a redirect or hold: the carrier's own id of the place."""
    exception_id: ExceptionId | None = None
    rule: Token | None = None
    """The rule that asks; None where a person does."""
    rules_version: Version | None = None
    test: bool = False

    @property
    def aggregate_id(self) -> str:
        return self.action_id


class ActionAnswered(ShipmentEvent):
    """An action has another state. Aggregate: the action; `version` counts its answers from 1.

    The first answer is that of whoever carries it out; later ones are what people or scans tell.
    """

    TYPE = "linkstar.action.answered.v1"

    action_id: ActionId
    kind: ActionKind
    state: ActionState
    code: Token
    """Why, in a word: our own code, or the carrier's."""
    detail: Detail = ""
    detail_zh: Detail = ""
    """The same in Chinese, where it is our own text."""
    confirmation: Annotated[str, SafeStr(64)] = ""
    """What the carrier calls the request."""

    @property
    def aggregate_id(self) -> str:
        return self.action_id


class RuleFired(ShipmentEvent):
    """A seller's automation rule fired about an exception: who shall look at it, who be told, which actions it asked for.

    Aggregate: rule and exception; `version` 1, since a rule fires once per exception.
    """

    TYPE = "linkstar.rule.fired.v1"

    version: Version = 1
    rule: Token
    rules_version: Version
    exception_id: ExceptionId
    code: ExceptionCode
    severity: Severity
    outcome: RuleOutcome
    assignee: Token | None = None
    notify: Annotated[tuple[Token, ...], Field(max_length=10, strict=False)] = ()
    actions: Annotated[tuple[ActionId, ...], Field(max_length=20, strict=False)] = ()

    @property
    def aggregate_id(self) -> str:
        return f"{self.exception_id}/{self.rule}"
