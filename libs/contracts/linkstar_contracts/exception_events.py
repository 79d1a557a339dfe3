"""Exceptions: every stage raises them, and whoever raised one resolves it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from linkstar_contracts.event import Event
from linkstar_contracts.fields import (
    Detail,
)
from linkstar_contracts.text import SafeStr, ShipmentId, Token
from linkstar_contracts.values import (
    Instant,
    OpenEnum,
)  # fmt: skip

__all__ = ["ExceptionCode", "ExceptionRaised", "ExceptionState", "IncidentRaised", "ResponsibleParty", "Severity"]


class Severity(OpenEnum):
    """How urgently somebody should act."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class ResponsibleParty(OpenEnum):
    """Who caused it, as far as is known; `unset` needs a review."""

    CARRIER = "carrier"
    SELLER = "seller"
    CONSIGNEE = "consignee"
    CUSTOMS = "customs"
    WEATHER = "weather"
    PLATFORM = "platform"
    UNSET = "unset"
    UNKNOWN = "unknown"


class ExceptionState(OpenEnum):
    """State of an exception; each change of state is a version."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


class ExceptionCode(OpenEnum):
    """What went wrong. The prefix names the stage that raises it."""

    ADDRESS_UNDELIVERABLE = "ingest.address_undeliverable"
    CHANGE_TOO_LATE = "ingest.change_too_late"
    NO_CANDIDATE = "route.no_candidate"
    INSUFFICIENT_BALANCE = "label.insufficient_balance"
    LABEL_FAILED = "label.failed"
    ACCOUNT_LIMIT = "label.account_limit"
    CANCEL_TOO_LATE = "label.cancel_too_late"
    VOID_DECLINED = "label.void_declined"
    NO_ACCEPTANCE = "track.no_acceptance"
    SILENT = "track.silent"
    PROMISE_AT_RISK = "track.promise_at_risk"
    DELIVERY_FAILED = "track.delivery_failed"
    DAMAGED = "track.damaged"
    LOST = "track.lost"
    RETURN_TO_SENDER = "track.return_to_sender"
    HELD = "track.held"
    ADDRESS_PROBLEM = "track.address_problem"
    REFUSED = "track.refused"
    CUSTOMS = "track.customs"
    DWELL = "track.dwell"
    PROMISE_MISSED = "track.promise_missed"
    DELIVERY_DISPUTED = "track.delivery_disputed"
    INCIDENT = "track.incident"
    RETURN_REJECTED = "return.rejected"
    RETURN_EXPIRED = "return.expired"
    UNKNOWN = "unknown"


_ExceptionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:#~-]{0,159}$")]


class ExceptionRaised(Event):
    """Something needs attention, or no longer does. Aggregate: the exception; `version` counts its states from 1."""

    TYPE = "linkstar.exception.raised.v1"

    exception_id: _ExceptionId
    shipment_id: ShipmentId
    stage: Token
    code: ExceptionCode
    severity: Severity
    party: ResponsibleParty
    detail: Detail
    action: Annotated[str, SafeStr(300)]
    """Recommended action, one sentence."""
    state: ExceptionState
    deadline_at: Instant | None = None
    evidence: Annotated[tuple[Annotated[str, SafeStr(200)], ...], Field(max_length=20, strict=False)] = ()

    @property
    def aggregate_id(self) -> str:
        return self.exception_id


class IncidentRaised(Event):
    """A place or a lane stopped scanning the tenant's parcels, or scans them again: one event for all of them.

    It is about no single order. Aggregate: the incident; `version` counts its states from 1.
    """

    TYPE = "linkstar.incident.raised.v1"

    order_id: Annotated[str, Field(pattern=r"^~[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    """Stands for no order: `~` and the name of the lane, by which its incidents keep their order."""
    exception_id: _ExceptionId
    """Exceptions of single parcels point to it in `evidence`."""
    code: ExceptionCode
    severity: Severity
    party: ResponsibleParty
    carrier: Token
    lane: Annotated[str, SafeStr(80)]
    """Carrier and countries, such as `fedex US-US`."""
    place: Annotated[str, SafeStr(150)] = ""
    """Where nothing is scanned; empty when it is the whole lane."""
    parcels: Annotated[int, Field(ge=0, le=1_000_000_000)]
    """Parcels under way that were last seen there."""
    expected_scans: Annotated[int, Field(ge=0, le=1_000_000_000)]
    """Within the last working day of the carrier."""
    seen_scans: Annotated[int, Field(ge=0, le=1_000_000_000)]
    detail: Detail
    action: Annotated[str, SafeStr(300)]
    """Recommended action, one sentence."""
    state: ExceptionState

    @property
    def aggregate_id(self) -> str:
        return self.exception_id
