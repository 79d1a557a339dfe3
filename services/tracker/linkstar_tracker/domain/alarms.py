"""Exceptions of one shipment: which ought to be open, how each is worded, and the dense versions of their states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from linkstar_contracts.events import ExceptionCode, ExceptionRaised, ExceptionState, ResponsibleParty, Severity
from linkstar_tracker.domain.troubles import Trouble
from linkstar_tracker.domain.wording import Wording

__all__ = ["Alarm", "Deadline", "opened", "raised", "reconcile", "resolved"]

Deadline: TypeAlias = Callable[[Trouble], datetime | None]
"""By when somebody must have acted on a trouble."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An exception and its newest state. `version` counts its states."""

    exception_id: str
    code: ExceptionCode
    severity: Severity
    party: ResponsibleParty
    detail: str
    action: str
    state: ExceptionState
    version: int
    opened_at: datetime
    changed_at: datetime
    deadline_at: datetime | None = None
    evidence: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        return self.state is not ExceptionState.RESOLVED


_ANSWERED_BY_SCANS = {
    ExceptionCode.NO_ACCEPTANCE, ExceptionCode.SILENT, ExceptionCode.LOST, ExceptionCode.DWELL
}  # fmt: skip


def reconcile(
    shipment_id: str, alarms: Mapping[str, Alarm], seen: Iterable[Trouble], timed: Iterable[Trouble], now: datetime,
    deadline: Deadline, *, may_open_timed: bool,
) -> tuple[Alarm, ...]:  # fmt: skip
    """Return the alarms that change: opened because their trouble is there, resolved because it is gone.

    What time brings is opened by the watch timer alone, so that scans caught up in a backlog raise no false alarm. Silence
    and dwelling are answered by scans alone: a limit that has become longer since does not take back what was said.
    """
    wanted = {trouble.code: trouble for trouble in timed} | {trouble.code: trouble for trouble in seen}
    openable = set(wanted) if may_open_timed else {trouble.code for trouble in seen}
    is_open = {alarm.code for alarm in alarms.values() if alarm.open}
    staying = set(wanted) | (_ANSWERED_BY_SCANS if may_open_timed else set())
    gone = [resolved(alarm, now) for alarm in alarms.values() if alarm.open and alarm.code not in staying]
    new = [opened(shipment_id, alarms, wanted[code], now, deadline) for code in wanted if code in openable - is_open]
    return (*gone, *new)


def resolved(alarm: Alarm, now: datetime, *evidence: str) -> Alarm:
    """Return the alarm's next state, in which nothing is wrong any more; it points to what shows that, too."""
    return replace(
        alarm, state=ExceptionState.RESOLVED, version=alarm.version + 1, changed_at=now,
        evidence=(*alarm.evidence, *evidence),
    )  # fmt: skip


def opened(
    shipment_id: str, alarms: Mapping[str, Alarm], trouble: Trouble, now: datetime, deadline: Deadline
) -> Alarm:  # fmt: skip
    """Return a new alarm. The first of its kind is `<code>.<shipment>`; later ones end in `~~2`, `~~3` and so on, as no
    shipment does: orders may well be called `A` and `A.2`.
    """
    recurrence = 1 + sum(alarm.code is trouble.code for alarm in alarms.values())
    exception_id = f"{trouble.code.value}.{shipment_id}" + (f"~~{recurrence}" if recurrence > 1 else "")
    words = Wording.shipped().of(trouble.code, trouble.stage)
    return Alarm(
        exception_id, trouble.code, words.severity, trouble.party, trouble.detail, words.action["en"],
        ExceptionState.OPEN, 1, now, now, deadline(trouble), trouble.evidence,
    )  # fmt: skip


def raised(alarm: Alarm, tenant: str, order_id: str, shipment_id: str) -> ExceptionRaised:
    """Return the event that tells an alarm's newest state."""
    return ExceptionRaised(
        tenant=tenant,
        order_id=order_id,
        version=alarm.version,
        occurred_at=alarm.changed_at,
        exception_id=alarm.exception_id,
        shipment_id=shipment_id,
        stage="track",
        code=alarm.code,
        severity=alarm.severity,
        party=alarm.party,
        detail=alarm.detail,
        action=alarm.action,
        state=alarm.state,
        deadline_at=alarm.deadline_at,
        evidence=alarm.evidence,
    )
