"""The book of purchases in PostgreSQL: takes steps under leases, and settles their outcomes with money and events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Protocol

import structlog

from linkstar_contracts.event import Event
from linkstar_contracts.events import RouteChosen
from linkstar_contracts.values import Money
from linkstar_labeler import store
from linkstar_labeler.domain.charges import capture, refund, release
from linkstar_labeler.domain.connector import Purchased, Refused
from linkstar_labeler.domain.exceptions import open_kept
from linkstar_labeler.domain.ledger import HELD
from linkstar_labeler.domain.purchase_steps import Effects, Outcome, Patience, PurchaseKey, Step, StepKind
from linkstar_labeler.domain.purchasing import LabelPurchase, reference_of
from linkstar_labeler.domain.shipments import Shipment
from linkstar_labeler.handlers.buying import Errand
from linkstar_labeler.handlers.connectors import BoundConnector, Connectors
from linkstar_labeler.handlers.purchase import as_token, label_created, rejection
from linkstar_labeler.handlers.requests import write_request
from linkstar_labeler.store import AccountKey, OrphanLabel, TakenPurchase
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database, infrastructure_error
from linkstar_runtime.failpoints import afail
from linkstar_runtime.handling import Transaction
from linkstar_runtime.ids import Ids
from linkstar_runtime.vault import Vault, VaultError

__all__ = ["Commands", "StoredPurchases"]

_log = structlog.get_logger(__name__)
_EXTENSIONS = {"application/pdf": "pdf", "application/zpl": "zpl", "image/png": "png"}


class Commands(Protocol):
    """What runs a transaction and publishes the events it returns: the runtime's writer."""

    async def run(self, work: Callable[[Transaction], Awaitable[Sequence[Event]]]) -> Sequence[Event]:
        """Run `work`, possibly more than once, and commit it with its events."""


class StoredPurchases:
    """`PurchaseBook` over labeler's tables. Locks go shipment, purchase, wallet; taking locks purchases only."""

    def __init__(
        self,
        database: Database,
        writer: Commands,
        vault: Vault,
        connectors: Connectors,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self._database, self._writer, self._vault = database, writer, vault
        self._connectors, self._clock, self._patience = connectors, clock, patience
        self._ids = Ids()

    async def take(self, limit: int) -> Sequence[Errand]:
        """Begin steps that are due and commit; the calls come after. One that cannot begin is put off, alone."""
        try:
            errands = await self._take(limit)
        except Exception as error:
            if infrastructure_error(error) or _no_key(error):
                raise
            errands = [each for _ in range(limit) for each in await self._take_one()]
        await afail("label.after_calling")
        return errands

    async def _take(self, limit: int) -> list[Errand]:
        deadline = self._clock.monotonic() + self._patience.lease_s
        async with self._database.transaction() as tx:
            due = await store.due_purchases(tx, self._clock.wall(), limit)
            return [errand for taken in due if (errand := await self._begin(tx, taken, deadline))]

    async def _take_one(self) -> list[Errand]:
        try:
            return await self._take(1)
        except Exception as error:
            if infrastructure_error(error) or _no_key(error):
                raise
            _log.exception("purchase_put_off", error=type(error).__name__)
        async with self._database.transaction() as tx:
            wall = self._clock.wall()
            await store.put_off_first(tx, wall, wall + timedelta(seconds=self._patience.backoff_max_s))
        return []

    async def _begin(self, tx: Transaction, taken: TakenPurchase, deadline: float) -> Errand | None:
        purchase = taken.purchase
        bound = await self._connectors.of(tx, taken.account)
        step = purchase.take(self._clock.wall(), self._ids.hex(12), bound.connector.capabilities, self._patience)
        await store.save_purchase(tx, purchase)
        if step is None:
            return None
        if step.suspects:
            await self._suspect(tx, purchase.key, step.suspects)
        if step.kind is StepKind.BUY:
            await store.note_attempt(tx, purchase.key, step.attempt, taken.account)
        return await self._errand(tx, purchase, bound, step, deadline)

    async def _errand(
        self, tx: Transaction, purchase: LabelPurchase, bound: BoundConnector, step: Step, deadline: float
    ) -> Errand:
        key, connector = purchase.key, bound.connector
        if step.kind is StepKind.GIVE_UP:
            return Errand(key, step, connector, deadline)
        if step.kind is StepKind.VOID:
            route = await store.purchased_route(tx, key)
            return Errand(key, step, connector, deadline, label=purchase.label(route.route.service))
        request = await write_request(tx, self._vault, bound, key, step.attempt)
        if isinstance(request, Refused):
            return Errand(key, step, connector, deadline, impossible=request)
        return Errand(key, step, connector, deadline, request)

    async def settle(self, errand: Errand, outcome: Outcome | None) -> None:
        """Store how an errand ended. It may run more than once; only the holder of the token changes anything."""

        async def work(tx: Transaction) -> Sequence[Event]:
            shipments = await store.lock_shipments(tx, [errand.key[:2]])
            taken = await store.lock_purchase(tx, errand.key)
            bound = await self._connectors.of(tx, taken.account)
            route = await store.purchased_route(tx, errand.key)
            limit = _limit(route, bound.drift_percent)
            effects = taken.purchase.finish(errand.step, outcome, self._clock.wall(), self._patience, limit)
            await store.save_purchase(tx, taken.purchase)
            return await self._follow(tx, shipments[errand.key[:2]], taken, route, errand, effects)

        await self._writer.run(work)
        await afail("label.t2.commit_reply_lost")

    async def _follow(
        self, tx: Transaction, shipment: Shipment, taken: TakenPurchase, route: RouteChosen, errand: Errand,
        effects: Effects,
    ) -> list[Event]:  # fmt: skip
        """Carry out what follows from an outcome."""
        key, now = errand.key, tx.now
        if effects.suspects:
            await self._suspect(tx, key, effects.suspects)
        if effects.orphan:
            await store.found_orphan(tx, _orphan(taken.account, errand, effects.orphan), self._clock.wall())
        events: list[Event] = []
        if effects.created:
            guarantee = errand.connector.capabilities.guarantee
            printed, formats = _printed(effects.created)
            events.append(label_created(shipment, route, printed, guarantee, formats, now))
            await store.forget_orphan(tx, taken.account, effects.created.carrier_id)
            await store.activate_label(tx, key, taken.account.carrier, printed)
            await self._keep(tx, key, shipment.order_id, effects.created)
        if effects.refused:
            events.append(rejection(shipment, route, self._business_time(effects.refused), now))
            await store.withdraw_label(tx, key)
        if effects.declined:
            events += await _tell_kept(tx, shipment, taken.purchase, as_token(effects.declined.code))
        await _post(tx, route, effects.money)
        await store.save_shipments(tx, [shipment])
        return events

    async def _keep(self, tx: Transaction, key: PurchaseKey, order_id: str, bought: Purchased) -> None:
        """Keep what the carrier printed, sealed as the consignee it shows is; an erased one has no label to print."""
        documents = [parcel.document for parcel in bought.parcels if parcel.document]
        sealed = await self._vault.seal_bytes(tx, (key.tenant, order_id), [each.content for each in documents])
        if sealed is not None:
            kept = [replace(each, content=content) for each, content in zip(documents, sealed, strict=True)]
            await store.save_documents(tx, key, kept)

    async def _suspect(self, tx: Transaction, key: PurchaseKey, attempt: int) -> None:
        first = self._clock.wall() + timedelta(seconds=self._patience.suspect_checks_s[0])
        await store.note_suspected(tx, reference_of(key, attempt), first)

    def _business_time(self, refused: Refused) -> Refused:
        """Purchases count in real time; what others read is business time."""
        if refused.retry_at is None:
            return refused
        real = (refused.retry_at - self._clock.wall()).total_seconds()
        at = self._clock.now() + timedelta(seconds=max(real, 0.0) * self._clock.speed)
        return Refused(refused.code, refused.detail, at)


def _no_key(error: Exception) -> bool:
    return isinstance(error, VaultError) and error.code == "no_master_key"


def _limit(route: RouteChosen, drift_percent: int) -> Money | None:
    """Return the most a label may cost; a test label is free anyway."""
    if route.test:
        return None
    total = route.route.total
    return Money(amount_minor=total.amount_minor * (100 + drift_percent) // 100, currency=total.currency)


def _printed(bought: Purchased) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Return number and hash of each parcel's label, and the formats there are."""
    documents = [(parcel.tracking_number or "pending", parcel.document) for parcel in bought.parcels]
    printed = [(number, sha256(document.content if document else b"").hexdigest()) for number, document in documents]
    kinds = {_EXTENSIONS[document.media_type] for _, document in documents if document}
    return printed, tuple(sorted(kinds))


def _orphan(account: AccountKey, errand: Errand, bought: Purchased) -> OrphanLabel:
    numbers = tuple(parcel.tracking_number or "" for parcel in bought.parcels)
    return OrphanLabel(account, bought.carrier_id, reference_of(errand.key, errand.step.attempt), numbers)


async def _tell_kept(tx: Transaction, shipment: Shipment, purchase: LabelPurchase, reason: str) -> list[Event]:
    known = (await store.known_exceptions(tx, [shipment.key])).get(shipment.key, [])
    raised = open_kept(shipment, purchase.key.route_version, reason, purchase.given_back, known, tx.now)
    if raised:
        await store.save_exceptions(tx, raised)
    return list(raised)


async def _post(tx: Transaction, route: RouteChosen, money: str) -> None:
    entries = {
        "capture": lambda: capture(route, HELD),
        "release": lambda: release(route),
        "refund": lambda: refund(route),
    }
    wanted = entries[money]() if money else []
    if wanted:
        await store.available_funds(tx, [wanted[0].wallet])
        await store.post(tx, wanted)
