"""Does at the carriers what purchases are due for: takes errands from the book, makes the calls, and hands back how they
ended. Everything durable is the book's; a process that dies here leaves a lease behind, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from linkstar_labeler.domain.connector import (
    CarrierConnector,
    LabelRequest,
    NotSent,
    OutcomeUnknown,
    PurchasedLabel,
    Refused,
)
from linkstar_labeler.domain.credibility import credible
from linkstar_labeler.domain.purchase_steps import Outcome, PurchaseKey, Step, StepKind
from linkstar_labeler.handlers.lasting import no_key
from linkstar_runtime.clock import Clock
from linkstar_runtime.failpoints import FailpointError, afail
from linkstar_runtime.ports import CommitUnknown, StoreConflict, StoreUnavailable
from linkstar_runtime.vault import VaultError

__all__ = ["Buyer", "Errand", "PurchaseBook"]

_log = structlog.get_logger(__name__)
_LOOK_AGAIN_S = 0.1
_SETTLE_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Errand:
    """One step of one purchase, to be done by its holder before the monotonic `deadline`."""

    key: PurchaseKey
    step: Step
    connector: CarrierConnector
    deadline: float
    request: LabelRequest | None = None
    label: PurchasedLabel | None = None
    impossible: Refused | None = None
    """Why there is nothing to ask the carrier: the consignee was erased, the sender has no address."""

    def asking(self, request: LabelRequest | Refused) -> Errand:
        """Return the errand with what it asks for, or with why that cannot be asked."""
        if isinstance(request, Refused):
            return replace(self, impossible=request)
        return replace(self, request=request)

    def voiding(self, label: PurchasedLabel) -> Errand:
        """Return the errand with the label it is to void."""
        return replace(self, label=label)


class PurchaseBook(Protocol):
    """Where purchases stand, durably."""

    async def take(self, limit: int) -> Sequence[Errand]:
        """Begin at most `limit` steps that are due, each under a token of its own, and commit."""

    async def settle(self, errand: Errand, outcome: Outcome | None) -> None:
        """Store how an errand ended, with the money and the events that follow, in one transaction."""


class Buyer:
    """Runs errands, at most `at_once` at the same time."""

    def __init__(self, book: PurchaseBook, clock: Clock, at_once: int) -> None:
        self._book, self._clock, self._at_once = book, clock, at_once

    async def run(self) -> None:
        """Work until nothing is due and nothing is under way."""
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                free = self._at_once - len(running)
                taken = await self._book.take(free) if free * 2 >= self._at_once else ()
                running |= {asyncio.create_task(self.do(errand)) for errand in taken}
                if not running:
                    return
                done, running = await asyncio.wait(running, timeout=_LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
                _report(done)
        except asyncio.CancelledError:
            for task in running:
                task.cancel()
            raise
        except Exception:
            await asyncio.gather(*running, return_exceptions=True)
            raise

    async def do(self, errand: Errand) -> None:
        """Make the call of one errand, unless its lease is over, and settle it."""
        outcome: Outcome | None
        if errand.step.kind is StepKind.GIVE_UP:
            outcome = None
        elif errand.impossible:
            outcome = _unasked(errand.impossible, errand.step.kind)
        elif self._clock.monotonic() >= errand.deadline:
            outcome = NotSent("lease_over", "This process was held up for too long")
        else:
            await afail("label.before_send")
            outcome = await _call(errand)
        await self._settle(errand, outcome)
        await afail("label.t2.after_commit")

    async def _settle(self, errand: Errand, outcome: Outcome | None) -> None:
        """Never let go of how a call ended while the database or the master key is away: settling twice is harmless."""
        while True:
            try:
                return await self._book.settle(errand, outcome)
            except (StoreUnavailable, StoreConflict, CommitUnknown, FailpointError, VaultError) as error:
                if isinstance(error, VaultError) and not no_key(error):
                    raise
                _log.warning("purchase_not_settled", step=errand.step.kind.value, error=type(error).__name__)
                await self._clock.sleep(_SETTLE_AGAIN_S)


def _unasked(impossible: Refused, kind: StepKind) -> Outcome:
    """What cannot be asked was not bought; but what was bought before is still unknown."""
    return impossible if kind is StepKind.BUY else NotSent(impossible.code, impossible.detail)


def _report(done: Iterable[asyncio.Task[None]]) -> None:
    """An errand that cannot be settled keeps its lease until it ends, and is resolved like an unanswered call."""
    for task in done:
        if error := task.exception():
            _log.error("purchase_not_settled", exc_info=error)


async def _call(errand: Errand) -> Outcome:
    """A connector that breaks its promise and raises leaves the outcome unknown."""
    connector, kind = errand.connector, errand.step.kind
    try:
        if errand.label:
            outcome: Outcome = await connector.void(errand.label)
            await afail("label.void.after_call")
        elif errand.request and kind is StepKind.LOOK_UP:
            outcome = credible(await connector.recover(errand.request), len(errand.request.parcels))
            await afail("label.resolve.after_lookup")
        elif errand.request:
            outcome = credible(await connector.buy(errand.request), len(errand.request.parcels))
            await afail("label.after_carrier_call")
        else:
            raise ValueError("an errand names what it is about")
        return outcome
    except Exception as error:  # noqa: BLE001 - whatever a connector does, money is at stake
        _log.exception("connector_failed", carrier=connector.carrier, step=kind.value)
        return OutcomeUnknown("connector_failed", type(error).__name__)
