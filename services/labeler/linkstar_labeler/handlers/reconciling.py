"""Compares what carriers list as sold with what we bought, and gives back what nobody pays for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, Protocol

from linkstar_labeler.domain.connector import (
    BillableLabel,
    CarrierConnector,
    LabelRequest,
    NotSent,
    OutcomeUnknown,
    PurchasedLabel,
    RecoverOutcome,
    VoidDeclined,
    Voided,
    VoidOutcome,
    VoidPending,
)
from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.store import AccountKey, OrphanLabel, SuspectedAttempt

_DAY_S = 86_400.0
__all__ = ["OrphanBook", "OrphanEnd", "Reconciler", "Suspect"]


class OrphanEnd(NamedTuple):
    """What became of an orphan: `voiding` is tried again after `again_s` real seconds."""

    state: str
    detail: str = ""
    again_s: float = 0.0


class Suspect(NamedTuple):
    """A suspected attempt to be looked up; without a request it cannot be, any more."""

    attempt: SuspectedAttempt
    connector: CarrierConnector
    request: LabelRequest | None


class OrphanBook(Protocol):
    """Where attempts and orphans stand, durably."""

    async def days_in_doubt(self) -> Sequence[tuple[AccountKey, CarrierConnector, date]]:
        """Return the days whose lists are to be read, by account."""

    async def compare(self, account: AccountKey, day: date, listed: Sequence[BillableLabel]) -> None:
        """Judge a day's list: note orphans, and clear the suspected attempts of a day that is over."""

    async def take_orphans(self, limit: int) -> Sequence[tuple[OrphanLabel, CarrierConnector]]:
        """Take orphans whose void is due, under a lease."""

    async def end_orphan(self, orphan: OrphanLabel, end: OrphanEnd) -> None:
        """Store what the carrier said, unless another has taken the orphan since."""

    async def take_suspects(self, limit: int) -> Sequence[Suspect]:
        """Take suspected attempts whose look-up is due, under a lease."""

    async def end_suspect(self, suspect: Suspect, outcome: RecoverOutcome) -> None:
        """Store what the look-up said: an orphan, nothing, or that it is to be asked again."""


class Reconciler:
    """Reads the carriers' lists and voids orphans."""

    def __init__(self, book: OrphanBook, patience: Patience, at_once: int = 50) -> None:
        self._book, self._patience, self._at_once = book, patience, at_once

    async def read_lists(self) -> None:
        """Compare every day in doubt; a list that cannot be read now is read the next time."""
        for account, connector, day in await self._book.days_in_doubt():
            listed = await _listed(connector, day)
            if not isinstance(listed, (NotSent, OutcomeUnknown)):
                await self._book.compare(account, day, listed)

    async def look_up_suspects(self) -> None:
        """Ask again for what suspected attempts may have bought, where the carrier can look it up."""
        while taken := await self._book.take_suspects(self._at_once):
            for suspect in taken:
                await self._book.end_suspect(suspect, await _looked_up(suspect))

    async def void_orphans(self) -> None:
        """Ask for the void of every orphan that is due."""
        while taken := await self._book.take_orphans(self._at_once):
            for orphan, connector in taken:
                outcome = await _voided(connector, orphan)
                await self._book.end_orphan(orphan, self._end(outcome))

    def _end(self, outcome: VoidOutcome) -> OrphanEnd:
        if isinstance(outcome, Voided):
            return OrphanEnd("voided")
        if isinstance(outcome, VoidDeclined):
            return OrphanEnd("kept", f"{outcome.code}: {outcome.detail}")
        if isinstance(outcome, VoidPending):
            return OrphanEnd("voiding", "the carrier decides later", self._patience.void_again_s)
        again_s = max(self._patience.backoff_s, outcome.after_s if isinstance(outcome, NotSent) else 0.0)
        return OrphanEnd("voiding", f"{outcome.code}: {outcome.detail}", again_s)


async def _looked_up(suspect: Suspect) -> RecoverOutcome:
    """Return what the carrier says; where it cannot be asked, only its list or its invoice tells, and that takes days."""
    can = suspect.connector.capabilities
    if suspect.request is None or not (can.recovers or can.finds):
        return NotSent("not_asked", "no look-up", _DAY_S)
    try:
        return await suspect.connector.recover(suspect.request)
    except Exception as error:  # noqa: BLE001 - one connector that breaks its promise must not stop the others
        return OutcomeUnknown("connector_failed", type(error).__name__)


async def _voided(connector: CarrierConnector, orphan: OrphanLabel) -> VoidOutcome:
    try:
        return await connector.void(PurchasedLabel(orphan.reference, orphan.carrier_id, orphan.tracking_numbers))
    except Exception as error:  # noqa: BLE001 - see above
        return OutcomeUnknown("connector_failed", type(error).__name__)


async def _listed(connector: CarrierConnector, day: date) -> Sequence[BillableLabel] | NotSent | OutcomeUnknown:
    try:
        return await connector.billable(day)
    except Exception as error:  # noqa: BLE001 - see above
        return OutcomeUnknown("connector_failed", type(error).__name__)
