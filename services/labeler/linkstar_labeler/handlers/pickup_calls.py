"""Asks carriers for a driver. A pickup is stored before its carrier is asked, and never asked for again once it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown, PickupRequest, Refused
from linkstar_labeler.domain.hand_overs import zone_of
from linkstar_labeler.domain.pickups import Pickup, PickupOutcome
from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.handlers.connectors import BoundConnector, Connectors
from linkstar_labeler.handlers.lasting import until_stored
from linkstar_labeler.store import pickups as store
from linkstar_labeler.store.pickups import StoredPickup
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Transaction
from linkstar_runtime.ids import Ids

__all__ = ["PickupCalls"]

_log = structlog.get_logger(__name__)
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Errand:
    """One call for one pickup, to be made before the monotonic `deadline`."""

    pickup: Pickup
    token: str
    bound: BoundConnector
    timezone: str
    deadline: float


class PickupCalls:
    """One replica's share of the calls: it takes what is due and nobody else has in hand."""

    def __init__(self, database: Database, connectors: Connectors, clock: Clock, patience: Patience) -> None:
        self._database, self._connectors, self._clock, self._patience = database, connectors, clock, patience
        self._ids = Ids()

    async def run(self) -> None:
        """Make every call that is due."""
        while errands := await self._take():
            await asyncio.gather(*(self._do(errand) for errand in errands if errand))

    async def _take(self) -> list[_Errand | None]:
        deadline = self._clock.monotonic() + self._patience.lease_s
        async with self._database.transaction() as tx:
            due = await store.due_pickups(tx, self._clock.wall(), _AT_ONCE)
            return [await self._begin(tx, stored, deadline) for stored in due]

    async def _begin(self, tx: Transaction, stored: StoredPickup, deadline: float) -> _Errand | None:
        pickup, token = stored.pickup, self._ids.hex(12)
        begun = pickup.take(self._clock.wall(), token, self._patience)
        await store.save_pickup(tx, pickup)
        if not begun:
            return None
        return _Errand(pickup, token, await self._connectors.of(tx, stored.account), stored.timezone, deadline)

    async def _do(self, errand: _Errand) -> None:
        outcome: PickupOutcome
        if self._clock.monotonic() >= errand.deadline:
            outcome = NotSent("lease_over", "This process was held up for too long")
        else:
            outcome = await _asked(errand)
        await until_stored(self._clock, lambda: self._settle(errand, outcome))

    async def _settle(self, errand: _Errand, outcome: PickupOutcome) -> None:
        async with self._database.transaction() as tx:
            stored = await store.lock_pickup(tx, errand.pickup.key)
            if stored is None:
                raise LookupError(f"no pickup {errand.pickup.key}")
            stored.pickup.finish(errand.token, outcome, self._clock.wall(), self._patience)
            await store.save_pickup(tx, stored.pickup)


async def _asked(errand: _Errand) -> PickupOutcome:
    """A connector that breaks its promise and raises leaves the outcome unknown."""
    pickup, bound, zone = errand.pickup, errand.bound, zone_of(errand.timezone)
    address = bound.sender(pickup.warehouse, pickup.country)
    if address is None:
        return Refused("sender_unknown", f"The account has no address of warehouse {pickup.warehouse}")
    request = PickupRequest(
        pickup.key.pickup_id, address, pickup.ready_at.astimezone(zone), pickup.closes_at.astimezone(zone), pickup.parcels,
        pickup.weight_g,
    )  # fmt: skip
    try:
        return _credible(await bound.connector.book_pickup(request))
    except Exception as error:  # noqa: BLE001 - whatever a connector does, a driver may be on the way
        _log.exception("connector_failed", carrier=bound.connector.carrier, step="pickup")
        return OutcomeUnknown("connector_failed", type(error).__name__)


def _credible(outcome: PickupOutcome) -> PickupOutcome:
    """A booking has a confirmation that can be told; an answer without one is none."""
    if isinstance(outcome, str) and not (0 < len(outcome) <= 64 and outcome.isascii()):
        return OutcomeUnknown("no_confirmation", "The carrier's answer names no confirmation")
    return outcome
