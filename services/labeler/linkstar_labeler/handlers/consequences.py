"""What follows from the outcomes of errands: states, money, labels and events, with one statement per table for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

from linkstar_contracts.event import Event
from linkstar_contracts.events import RouteChosen
from linkstar_contracts.values import Money
from linkstar_labeler import store
from linkstar_labeler.domain.carrier_words import as_token
from linkstar_labeler.domain.charges import capture, refund, release
from linkstar_labeler.domain.connector import Document, Purchased, Refused
from linkstar_labeler.domain.exceptions import open_kept
from linkstar_labeler.domain.ledger import HELD, Entry
from linkstar_labeler.domain.purchase_steps import Effects, Outcome, Patience, PurchaseKey
from linkstar_labeler.domain.purchasing import reference_of
from linkstar_labeler.domain.shipments import Shipment
from linkstar_labeler.handlers.buying import Errand
from linkstar_labeler.handlers.connectors import BoundConnector, Connectors
from linkstar_labeler.handlers.purchase import label_created, rejection
from linkstar_labeler.store import AccountKey, OrphanLabel, PrintedLabel, TakenPurchase
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Transaction
from linkstar_runtime.vault import Vault

__all__ = ["Consequences", "Ended"]

_EXTENSIONS = {"application/pdf": "pdf", "application/zpl": "zpl", "image/png": "png"}


class Ended(NamedTuple):
    """An errand and how it ended; None where it was no call."""

    errand: Errand
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class _Finished:
    """An ended errand taken into its purchase."""

    errand: Errand
    shipment: Shipment
    taken: TakenPurchase
    route: RouteChosen
    effects: Effects

    @property
    def key(self) -> PurchaseKey:
        return self.errand.key

    @property
    def account(self) -> AccountKey:
        return self.taken.account


class Consequences:
    """Carries out what follows from outcomes in a transaction that commits all of it. Locks go shipments, purchases,
    wallets, each in the order of their keys.
    """

    def __init__(self, vault: Vault, connectors: Connectors, clock: Clock, patience: Patience) -> None:
        self._vault, self._connectors, self._clock, self._patience = vault, connectors, clock, patience

    async def follow(self, tx: Transaction, ended: Sequence[Ended]) -> list[Event]:
        """Store how errands ended, in their order, and return the events. Only the holder of a token changes anything."""
        finished = await self._finish(tx, ended)
        await self._doubt(tx, finished)
        created = [(each, each.effects.created) for each in finished if each.effects.created]
        events = await self._create(tx, created) if created else []
        events += await self._reject(tx, [each for each in finished if each.effects.refused])
        events += await _tell_kept(tx, [each for each in finished if each.effects.declined])
        await _post(tx, [entry for each in finished for entry in _entries(each)])
        await store.save_shipments(tx, {each.shipment.key: each.shipment for each in finished}.values())
        return events

    async def _finish(self, tx: Transaction, ended: Sequence[Ended]) -> list[_Finished]:
        keys = {each.errand.key for each in ended}
        shipments = await store.lock_shipments(tx, {key[:2] for key in keys}, labelled=False)
        taken = await store.lock_purchases(tx, keys)
        routes = await store.purchased_routes(tx, keys)
        bound = await self._bound(tx, {each.account for each in taken.values()})
        now, finished = self._clock.wall(), []
        for errand, outcome in ended:
            of, route = taken[errand.key], routes[errand.key]
            limit = _limit(route, bound[of.account].drift_percent)
            effects = of.purchase.finish(errand.step, outcome, now, self._patience, limit)
            finished.append(_Finished(errand, shipments[errand.key[:2]], of, route, effects))
        await store.save_purchases(tx, [each.purchase for each in taken.values()])
        return finished

    async def _bound(self, tx: Transaction, accounts: Collection[AccountKey]) -> dict[AccountKey, BoundConnector]:
        return {account: await self._connectors.of(tx, account) for account in sorted(accounts)}

    async def _doubt(self, tx: Transaction, finished: Sequence[_Finished]) -> None:
        """Suspect attempts, and note what late callers bought beside others."""
        suspects = [reference_of(each.key, each.effects.suspects) for each in finished if each.effects.suspects]
        wall = self._clock.wall()
        await store.note_suspected(tx, suspects, wall + timedelta(seconds=self._patience.suspect_checks_s[0]))
        for each in finished:
            if each.effects.orphan:
                await store.found_orphan(tx, _orphan(each, each.effects.orphan), wall)

    async def _create(self, tx: Transaction, created: Sequence[tuple[_Finished, Purchased]]) -> list[Event]:
        events: list[Event] = []
        labels = []
        for each, bought in created:
            printed, formats = _printed(bought)
            guarantee = each.errand.connector.capabilities.guarantee
            events.append(label_created(each.shipment, each.route, printed, guarantee, formats, tx.now))
            labels.append(PrintedLabel(each.key, each.account.carrier, printed))
        await store.forget_orphans(tx, [(each.account, bought.carrier_id) for each, bought in created])
        await store.activate_labels(tx, labels)
        await self._keep(tx, created)
        return events

    async def _keep(self, tx: Transaction, created: Sequence[tuple[_Finished, Purchased]]) -> None:
        """Keep what carriers printed, sealed as the consignees they show are; an erased one has no label to print."""
        printed = [
            (each, number, document)
            for each, bought in created
            for number, document in enumerate((p.document for p in bought.parcels if p.document), 1)
        ]
        orders = [((each.key.tenant, each.shipment.order_id), document.content) for each, _, document in printed]
        sealed = await self._vault.seal_bytes(tx, orders)
        kept: list[tuple[PurchaseKey, int, Document]] = [
            (each.key, number, replace(document, content=content))
            for (each, number, document), content in zip(printed, sealed, strict=True)
            if content is not None
        ]
        await store.save_documents(tx, kept)

    async def _reject(self, tx: Transaction, refused: Sequence[_Finished]) -> list[Event]:
        await store.withdraw_labels(tx, [each.key for each in refused])
        return [
            rejection(each.shipment, each.route, self._business_time(each.effects.refused), tx.now)
            for each in refused
            if each.effects.refused
        ]

    def _business_time(self, refused: Refused) -> Refused:
        """Purchases count in real time; what others read is business time."""
        if refused.retry_at is None:
            return refused
        real = (refused.retry_at - self._clock.wall()).total_seconds()
        at = self._clock.now() + timedelta(seconds=max(real, 0.0) * self._clock.speed)
        return Refused(refused.code, refused.detail, at)


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


def _orphan(finished: _Finished, bought: Purchased) -> OrphanLabel:
    numbers = tuple(parcel.tracking_number or "" for parcel in bought.parcels)
    reference = reference_of(finished.key, finished.errand.step.attempt)
    return OrphanLabel(finished.account, bought.carrier_id, reference, numbers)


async def _tell_kept(tx: Transaction, declined: Sequence[_Finished]) -> list[Event]:
    """Open an exception for each label that is billed though it was to be voided."""
    if not declined:
        return []
    known, raised = await store.known_exceptions(tx, [each.shipment.key for each in declined]), []
    for each in declined:
        reason = as_token(each.effects.declined.code if each.effects.declined else "")
        before, given_back = known.get(each.shipment.key, []), each.taken.purchase.given_back
        raised += open_kept(each.shipment, each.key.route_version, reason, given_back, before, tx.now)
    if raised:
        await store.save_exceptions(tx, raised)
    return list(raised)


def _entries(finished: _Finished) -> Iterable[Entry]:
    money, route = finished.effects.money, finished.route
    if money == "capture":
        return capture(route, HELD)
    if money == "release":
        return release(route)
    return refund(route) if money == "refund" else ()


async def _post(tx: Transaction, entries: Sequence[Entry]) -> None:
    changed = {entry.wallet for entry in entries if entry.wallet_change}
    if changed:
        await store.available_funds(tx, changed)
    await store.post(tx, entries)
