"""What labeler raises about a shipment, and when it takes it back. Texts carry no personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from linkstar_contracts.events import ExceptionCode, ExceptionRaised, ExceptionState, ResponsibleParty, Severity
from linkstar_labeler.domain.shipments import Shipment

__all__ = ["HOLD_CODES", "KnownException", "open_kept", "open_late", "resolve", "settle_hold"]


@dataclass(frozen=True, slots=True)
class KnownException:
    """An exception raised before."""

    exception_id: str
    code: str
    open: bool
    version: int


@dataclass(frozen=True, slots=True)
class _Finding:
    code: ExceptionCode
    severity: Severity
    party: ResponsibleParty
    detail: str
    action: str


HOLD_CODES = {
    "insufficient_balance": _Finding(
        ExceptionCode.INSUFFICIENT_BALANCE, Severity.CRITICAL, ResponsibleParty.SELLER,
        "The wallet does not cover this label", "Top up the wallet; the label is then bought by itself.",
    ),
    "numbers_exhausted": _Finding(
        ExceptionCode.LABEL_FAILED, Severity.CRITICAL, ResponsibleParty.PLATFORM,
        "The carrier's number range is used up", "Add a number range; the label is then made by itself.",
    ),
    "account_limit": _Finding(
        ExceptionCode.ACCOUNT_LIMIT, Severity.CRITICAL, ResponsibleParty.SELLER,
        "The carrier account may not spend more this month",
        "Raise the account's monthly limit, or wait for the next month; the label is then bought by itself.",
    ),
    "consignee_erased": _Finding(
        ExceptionCode.LABEL_FAILED, Severity.CRITICAL, ResponsibleParty.SELLER,
        "The consignee's data was erased before the label was made", "Submit the order again with its address.",
    ),
}  # fmt: skip
"""Why a label can be held."""
_LATE = {
    "order_cancelled": "The order was cancelled after the carrier had taken the parcel",
    "order_changed": "The order was changed after the carrier had taken the parcel",
    "rerouted": "A new route was chosen after the carrier had taken the parcel",
    "voided_label_used": "The carrier has taken a parcel under a label that was voided",
}


def settle_hold(
    shipment: Shipment, hold_code: str | None, known: Sequence[KnownException], at: datetime
) -> list[ExceptionRaised]:
    """Open the exception of a hold unless it is open, and resolve those of earlier holds that no longer stand."""
    found = HOLD_CODES[hold_code] if hold_code else None
    wanted = _exception_id(shipment, found.code) if found else ""
    hold_codes = {finding.code.value for finding in HOLD_CODES.values()}
    events = [
        _event(shipment, other, ExceptionState.RESOLVED, _finding_of(other.code), at)
        for other in known
        if other.open and other.code in hold_codes and other.exception_id != wanted
    ]
    if found and not any(other.open and other.exception_id == wanted for other in known):
        events.append(_event(shipment, _before(wanted, found, known), ExceptionState.OPEN, found, at))
    return events


def open_late(shipment: Shipment, known: Sequence[KnownException], at: datetime) -> list[ExceptionRaised]:
    """Open the exception of a stop that came too late, once per shipment."""
    finding = _late(_LATE[shipment.late_reason])
    identity = f"label.cancel_too_late.{shipment.shipment_id}"
    if any(other.exception_id == identity for other in known):
        return []
    return [_event(shipment, _before(identity, finding, known), ExceptionState.OPEN, finding, at)]


def open_kept(
    shipment: Shipment, route_version: int, reason: str, given_back: bool, known: Sequence[KnownException], at: datetime
) -> list[ExceptionRaised]:
    """Open the exception of a label that the carrier bills though it was to be voided, once per route attempt. It stays
    open: the money is spent until the carrier gives it back.
    """
    attempt = f"~~{route_version}" if route_version > 1 else ""
    identity = f"label.void_declined.{shipment.shipment_id}{attempt}"
    if any(other.exception_id == identity for other in known):
        return []
    finding = _kept(reason, ResponsibleParty.PLATFORM if given_back else ResponsibleParty.SELLER)
    return [_event(shipment, _before(identity, finding, known), ExceptionState.OPEN, finding, at)]


def resolve(
    shipment: Shipment, code: ExceptionCode, known: Sequence[KnownException], at: datetime
) -> list[ExceptionRaised]:
    """Resolve what is open under `code`."""
    return [
        _event(shipment, other, ExceptionState.RESOLVED, _finding_of(other.code), at)
        for other in known
        if other.open and other.code == code.value
    ]


def _late(detail: str) -> _Finding:
    return _Finding(
        ExceptionCode.CANCEL_TOO_LATE, Severity.WARNING, ResponsibleParty.SELLER, detail,
        "Ask the carrier to intercept the parcel, or refuse it at delivery and open a return.",
    )  # fmt: skip


def _kept(reason: str, party: ResponsibleParty) -> _Finding:
    return _Finding(
        ExceptionCode.VOID_DECLINED, Severity.WARNING, party,
        f"The carrier declined the void and bills a label that nobody uses: {reason}",
        "Make sure that no parcel travels under this label, then ask the carrier for a refund.",
    )  # fmt: skip


def _finding_of(code: str) -> _Finding:
    return next((found for found in HOLD_CODES.values() if found.code.value == code), _late("No longer in question"))


def _exception_id(shipment: Shipment, code: ExceptionCode) -> str:
    """One id per route attempt: `label.<code>.<shipment>`, later attempts with `~~n`, as no shipment ends."""
    attempt = f"~~{shipment.route_version}" if shipment.route_version > 1 else ""
    return f"label.{code.value.split('.', 1)[1]}.{shipment.shipment_id}{attempt}"


def _before(identity: str, finding: _Finding, known: Sequence[KnownException]) -> KnownException:
    """Return the exception as it was, or as one that does not exist yet."""
    for other in known:
        if other.exception_id == identity:
            return other
    return KnownException(identity, finding.code.value, False, 0)


def _event(
    shipment: Shipment, before: KnownException, state: ExceptionState, finding: _Finding, at: datetime
) -> ExceptionRaised:
    return ExceptionRaised(
        tenant=shipment.tenant, order_id=shipment.order_id, version=before.version + 1, occurred_at=at,
        exception_id=before.exception_id, shipment_id=shipment.shipment_id, stage="labeler",
        code=ExceptionCode(before.code), severity=finding.severity, party=finding.party,
        detail=finding.detail, action=finding.action, state=state,
    )  # fmt: skip
