"""Asks carriers to do something about parcels. A request is stored before its carrier is asked, and never sent again once it
may have arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import cast

import structlog

from linkstar_contracts.event import Event
from linkstar_labeler import store
from linkstar_labeler.domain.action_answers import answer_of
from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown, Refused
from linkstar_labeler.domain.interventions import Intervenes, Intervention, InterventionOutcome
from linkstar_labeler.domain.purchase_steps import CARRIER_UNAVAILABLE, Patience
from linkstar_labeler.handlers.connectors import BoundConnector, Connectors
from linkstar_labeler.handlers.lasting import no_key, until_stored
from linkstar_labeler.handlers.purchase_book import Commands
from linkstar_labeler.store.carrier_actions import CarrierAction, due_actions, end_action, lock_action, put_off_action
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Transaction
from linkstar_runtime.ids import Ids
from linkstar_runtime.vault import Vault, VaultError

__all__ = ["Interventions"]

_log = structlog.get_logger(__name__)
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Errand:
    """One call, to be made before the monotonic `deadline`; or what is known without one."""

    action: CarrierAction
    token: str
    bound: BoundConnector
    wanted: Intervention | Refused | OutcomeUnknown
    deadline: float


class Interventions:
    """One replica's share of the calls: it takes what is due and nobody else has in hand."""

    def __init__(
        self, database: Database, writer: Commands, vault: Vault, connectors: Connectors, clock: Clock, patience: Patience
    ) -> None:  # fmt: skip
        self._database, self._writer, self._vault = database, writer, vault
        self._connectors, self._clock, self._patience = connectors, clock, patience
        self._ids = Ids()

    async def run(self) -> None:
        """Make every call that is due."""
        while errands := await self._take():
            await asyncio.gather(*(self._do(errand) for errand in errands))

    async def _take(self) -> list[_Errand]:
        deadline = self._clock.monotonic() + self._patience.lease_s
        async with self._database.transaction() as tx:
            return [
                await self._begin(tx, action, deadline)
                for action in await due_actions(tx, self._clock.wall(), _AT_ONCE)
            ]

    async def _begin(self, tx: Transaction, action: CarrierAction, deadline: float) -> _Errand:
        """Take an action in hand. Whoever had it before has not come back: nobody knows whether the carrier was asked."""
        token, lost = self._ids.hex(12), action.lease.held
        action.lease.begin(self._clock.wall(), token, self._patience)
        await put_off_action(tx, action)
        bound = await self._connectors.of(tx, action.sold.account)
        wanted: Intervention | Refused | OutcomeUnknown
        if lost:
            wanted = OutcomeUnknown("lease_over", "Whoever asked the carrier has not come back")
        else:
            wanted = await self._wanted(tx, action, bound)
        return _Errand(action, token, bound, wanted, deadline)

    async def _wanted(self, tx: Transaction, action: CarrierAction, bound: BoundConnector) -> Intervention | Refused:
        request, receiver = action.request, None
        route = (await store.purchased_routes(tx, {action.sold.key}))[action.sold.key]
        sender = bound.sender(route.warehouse.code, route.warehouse.country)
        if sender is None:
            return Refused("sender_unknown", f"The account has no address of warehouse {route.warehouse.code}")
        if request.consignee is not None:
            try:
                [receiver] = await self._vault.open_many(tx, [(request.tenant, request.order_id, request.consignee)])
            except VaultError as error:
                if no_key(error):
                    raise
                return Refused("consignee_unreadable", "The new address cannot be opened")
            if receiver is None:
                return Refused("consignee_erased", "The new address was erased before the carrier was asked")
        named = f"{request.tenant}|{request.action_id}".encode()
        reference = blake2b(named, digest_size=7).hexdigest()
        return Intervention(request.kind.value, request.tracking_number or "", reference, sender, receiver)

    async def _do(self, errand: _Errand) -> None:
        outcome: InterventionOutcome
        if not isinstance(errand.wanted, Intervention):
            outcome = errand.wanted
        elif self._clock.monotonic() >= errand.deadline:
            outcome = NotSent("lease_over", "This process was held up for too long")
        else:
            outcome = await _asked(errand.bound, errand.wanted)
        await until_stored(self._clock, lambda: self._settle(errand, outcome))

    async def _settle(self, errand: _Errand, outcome: InterventionOutcome) -> None:
        await self._writer.run(lambda tx: self._end(tx, errand, outcome))

    async def _end(self, tx: Transaction, errand: _Errand, outcome: InterventionOutcome) -> Sequence[Event]:
        """Store how a call ended, with its event; only the holder of the token may."""
        action = await lock_action(tx, errand.action.request.tenant, errand.action.request.action_id)
        if action is None or action.lease.token != errand.token:
            return ()
        if isinstance(outcome, NotSent):
            if not action.lease.overdue(self._clock.wall(), self._patience):
                action.lease.put_off(self._clock.wall(), self._patience, outcome.after_s)
                await put_off_action(tx, action)
                return ()
            outcome = Refused(CARRIER_UNAVAILABLE, outcome.detail)
        answer = answer_of(action.request, outcome, tx.now)
        await end_action(tx, answer)
        return (answer,)


async def _asked(bound: BoundConnector, wanted: Intervention) -> InterventionOutcome:
    """A connector that breaks its promise and raises leaves the outcome unknown."""
    try:
        return await cast("Intervenes", bound.connector).intervene(wanted)
    except Exception as error:  # noqa: BLE001 - whatever a connector does, the carrier may have been asked
        _log.exception("connector_failed", carrier=bound.connector.carrier, step="intervene")
        return OutcomeUnknown("connector_failed", type(error).__name__)
