"""Batch handlers of ingest: orders and requests come in, labels and tracking tell what has become of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from linkstar_contracts.event import Event, Head
from linkstar_contracts.events import (
    ExceptionCode,
    ExceptionRaised,
    LabelCreated,
    LabelVoided,
    OrderCancelRequested,
    OrderChangeRequested,
    OrderSubmitted,
    TrackingUpdated,
)  # fmt: skip
from linkstar_contracts.tracking_events import LABELLED
from linkstar_ingest.domain.acceptance import Acceptance, accept, assess_change
from linkstar_ingest.domain.addresses import AssessedAddress
from linkstar_ingest.domain.content import ContentPatch
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.lifecycle import Order, OrderState, Outcome, Progress, RequestKind, noted_exceptions
from linkstar_ingest.store import catalogue, shipments
from linkstar_ingest.store import orders as order_store
from linkstar_ingest.store import requests as request_store
from linkstar_ingest.store.keys import Key
from linkstar_runtime.handling import Outcome as StageOutcome
from linkstar_runtime.handling import Received, Reject
from linkstar_runtime.vault import Vault

__all__ = ["Intake", "Verdict", "on_labels", "on_tracking_updated", "only_labelled", "outcomes"]

Inbound = OrderSubmitted | OrderChangeRequested | OrderCancelRequested
_ORDERS_PER_TURN = 50
"""Orders judged before other tasks of the process get their turn: about 3 ms."""
_CONFLICT = Fault(
    "order_conflict", "order_id", "an order with this id and other content was accepted before",
    "send a change request for that order, or use a new order id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about one inbound event, and the events that follow from it."""

    received: Received[Event]
    status: Literal["accepted", "duplicate", "rejected"]
    fault: Fault | None = None
    outcome: Outcome | None = None
    events: Sequence[Event] = field(default=())


def outcomes(verdicts: Iterable[Verdict]) -> list[StageOutcome]:
    """Return verdicts as the stage wants them: events, and rejects for what can never be processed."""
    found: list[StageOutcome] = []
    for verdict in verdicts:
        found += verdict.events
        if verdict.fault is not None:
            found.append(Reject(verdict.received, f"ingest.{verdict.fault.code}", str(verdict.fault)))
    return found


def _rejected(received: Received[Event], fault: Fault) -> Verdict:
    return Verdict(received, "rejected", fault)


class Intake:
    """Takes orders, changes and cancels in. Everything commutes: a request may come before its order."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def on_orders_inbound(self, batch: Sequence[Received[Inbound]], tx: Any) -> Sequence[StageOutcome]:
        """Accept every order not seen before and do every request once; repetitions change nothing."""
        return outcomes(await self.judge(batch, tx))

    async def judge(self, batch: Sequence[Received[Inbound]], tx: Any) -> list[Verdict]:
        """Do what `on_orders_inbound` does and tell the verdict on each event, orders first."""
        orders = [received for received in batch if isinstance(received.event, OrderSubmitted)]
        requests = [received for received in batch if not isinstance(received.event, OrderSubmitted)]
        verdicts = await self._take_orders(orders, tx) if orders else []
        return verdicts + (await self._do_requests(requests, tx) if requests else [])

    async def _take_orders(self, batch: Sequence[Received[Any]], tx: Any) -> list[Verdict]:
        terms = await catalogue.load_terms(tx, {received.event.tenant for received in batch})
        judged = []
        for count, received in enumerate(batch, start=1):
            judged.append((received, accept(received.event, *terms[received.event.tenant])))
            if count % _ORDERS_PER_TURN == 0:
                await asyncio.sleep(0)
        first: dict[Key, tuple[Received[Any], Acceptance]] = {}
        for received, acceptance in judged:
            if isinstance(acceptance, Acceptance):
                first.setdefault(acceptance.key, (received, acceptance))
        known = await order_store.lock_orders(tx, first)
        taken = await self._insert([entry for key, entry in first.items() if _is_new(known.get(key))], known, tx)
        return [_verdict(received, acceptance, first, known, taken) for received, acceptance in judged]

    async def _insert(
        self, fresh: Sequence[tuple[Received[Any], Acceptance]], known: dict[Key, Order], tx: Any
    ) -> dict[Key, Progress]:
        """Store orders that are new or only awaited; what another transaction stored meanwhile goes to `known`."""
        taken = await self._receive(fresh, known, tx)
        absent = {key: progress for key, progress in taken.items() if key not in known}
        inserted = (
            await order_store.insert_orders(tx, [progress.order for progress in absent.values()]) if absent else set()
        )
        if beaten := absent.keys() - inserted:
            known |= await order_store.lock_orders(tx, beaten)
            taken = {key: progress for key, progress in taken.items() if _is_new(known.get(key))}
        awaited = {key: progress for key, progress in taken.items() if key in known}
        if awaited:
            await _do_awaited(awaited, tx)
            await order_store.update_orders(tx, [progress.order for progress in awaited.values()])
        await _note_exceptions(taken.values(), tx)
        return taken

    async def _receive(
        self, fresh: Sequence[tuple[Received[Any], Acceptance]], known: Mapping[Key, Order], tx: Any
    ) -> dict[Key, Progress]:
        clear = [(*acceptance.key, acceptance.address.consignee) for _, acceptance in fresh]
        sealed = await self._vault.seal_many(tx, clear)
        taken: dict[Key, Progress] = {}
        for (received, acceptance), consignee in zip(fresh, sealed, strict=True):
            progress = Progress(known.get(acceptance.key) or Order(*acceptance.key, received.shard))
            content, problem = acceptance.content(consignee), acceptance.address.problem
            progress.receive(content, acceptance.fingerprint, problem, tx.now)
            taken[acceptance.key] = progress
            if len(taken) % _ORDERS_PER_TURN == 0:
                await asyncio.sleep(0)
        return taken

    async def _do_requests(self, batch: Sequence[Received[Any]], tx: Any) -> list[Verdict]:
        placeholders = {_key(received.event): Order(*_key(received.event), received.shard) for received in batch}
        await order_store.insert_orders(tx, list(placeholders.values()))
        orders = await order_store.lock_orders(tx, placeholders)
        exceptions = await request_store.load_exceptions(tx, orders)
        progress = {key: Progress(order, exceptions.get(key, {})) for key, order in orders.items()}
        desk = _RequestDesk(
            progress, {_request_key(done): done for done in await request_store.load_requests(tx, orders)}
        )
        verdicts = [desk.decide(received, patch, tx.now) for received, patch in await self._patches(batch, tx)]
        if desk.done:
            await request_store.put_requests(tx, desk.done)
            moved = [moved.order for key, moved in progress.items() if moved.order is not orders[key]]
            await order_store.update_orders(tx, moved)
        await _note_exceptions(progress.values(), tx)
        return verdicts

    async def _patches(
        self, batch: Sequence[Received[Any]], tx: Any
    ) -> list[tuple[Received[Any], ContentPatch | Fault | None]]:
        """Return each request with its patch, addresses sealed; None for a cancel."""
        policies = await catalogue.load_policies(tx, {received.event.tenant for received in batch})
        assessed = [(each, assess_change(each.event, policies.get(each.event.tenant, "apply"))) for each in batch]
        addressed: list[tuple[int, AssessedAddress]] = [
            (place, found[1]) for place, (_, found) in enumerate(assessed) if isinstance(found, tuple) and found[1]
        ]
        clear = [(*_key(batch[place].event), address.consignee) for place, address in addressed]
        sealed = dict(zip((place for place, _ in addressed), await self._vault.seal_many(tx, clear), strict=True))
        patches: list[tuple[Received[Any], ContentPatch | Fault | None]] = []
        for place, (received, found) in enumerate(assessed):
            patch = found[0] if isinstance(found, tuple) else found
            if isinstance(patch, ContentPatch) and place in sealed:
                patch = patch.model_copy(update={"consignee": sealed[place]})
            patches.append((received, patch))
        return patches


def _key(event: Event) -> Key:
    return event.tenant, event.order_id


def _is_new(order: Order | None) -> bool:
    return order is None or order.state is OrderState.AWAITED


def _verdict(
    received: Received[Any],
    acceptance: Acceptance | Fault,
    first: Mapping[Key, tuple[Received[Any], Acceptance]],
    known: Mapping[Key, Order],
    taken: Mapping[Key, Progress],
) -> Verdict:
    if isinstance(acceptance, Fault):
        return _rejected(received, acceptance)
    key = acceptance.key
    if key in taken and first[key][0] is received:
        return Verdict(received, "accepted", events=taken[key].events)
    stored = taken[key].order if key in taken else known[key]
    if stored.fingerprint == acceptance.fingerprint:
        return Verdict(received, "duplicate")
    return _rejected(received, _CONFLICT)


async def _do_awaited(awaited: Mapping[Key, Progress], tx: Any) -> None:
    """Do the requests that came before their order: changes in their order, then the cancel."""
    waiting = [
        request for request in await request_store.load_requests(tx, awaited) if request.outcome is Outcome.AWAITED
    ]
    done = []
    for request in sorted(waiting, key=lambda request: request.kind is RequestKind.CANCEL):
        progress = awaited[request.tenant, request.order_id]
        outcome = progress.change(request.patch, tx.now) if request.patch else progress.cancel(request.reason, tx.now)
        done.append(request_store.Request(*_request_key(request), outcome, request.reason))
    if done:
        await request_store.put_requests(tx, done)


async def _note_exceptions(moved: Iterable[Progress], tx: Any) -> None:
    if raised := noted_exceptions(list(moved)):
        await request_store.put_exceptions(tx, raised)


_RequestKey = tuple[str, str, RequestKind, str]


def _request_key(request: request_store.Request) -> _RequestKey:
    return request.tenant, request.order_id, request.kind, request.request_id


@dataclass
class _RequestDesk:
    """Decides requests one by one; each natural key is done once."""

    progress: Mapping[Key, Progress]
    known: dict[_RequestKey, request_store.Request]
    done: list[request_store.Request] = field(default_factory=list)

    def decide(self, received: Received[Any], patch: ContentPatch | Fault | None, now: Any) -> Verdict:
        event = received.event
        if isinstance(patch, Fault):
            return _rejected(received, patch)
        kind, request_id = (RequestKind.CHANGE, event.request_id) if patch else (RequestKind.CANCEL, "")
        before = self.known.get((*_key(event), kind, request_id))
        if before is not None:
            return Verdict(received, "duplicate", outcome=before.outcome)
        moved = self.progress[_key(event)]
        already = len(moved.events)
        reason = "" if patch else event.reason
        outcome = moved.change(patch, now) if patch else moved.cancel(reason, now)
        kept = patch if outcome is Outcome.AWAITED else None
        request = request_store.Request(*_key(event), kind, request_id, outcome, reason, kept)
        self.known[_request_key(request)] = request
        self.done.append(request)
        return Verdict(received, "accepted", outcome=outcome, events=moved.events[already:])


async def on_labels(batch: Sequence[Received[LabelCreated | LabelVoided]], tx: Any) -> Sequence[StageOutcome]:
    """Keep the newest label of each shipment, to tell the sales channel."""
    newest: dict[Key, tuple[int, LabelCreated | LabelVoided]] = {}
    for received in batch:
        event = received.event
        key = (event.tenant, event.shipment_id)
        if key not in newest or newest[key][1].version < event.version:
            newest[key] = (received.shard, event)
    await shipments.put_labels(tx, newest)
    return []


def only_labelled(head: Head) -> bool:
    """True for the first tracking of a shipment with nothing but a label: the label has told that already."""
    return head.version == 1 and head.milestone == LABELLED


async def on_tracking_updated(batch: Sequence[Received[TrackingUpdated]], tx: Any) -> Sequence[StageOutcome]:
    """Note when the carrier has the parcel, from when on changes are too late; a delivery settles what was too late."""
    outbound = [received for received in batch if received.event.kind == "order"]
    newest: dict[Key, tuple[int, TrackingUpdated]] = {}
    handed_over: dict[Key, Any] = {}
    for received in outbound:
        event = received.event
        shipment = (event.tenant, event.shipment_id)
        if shipment not in newest or newest[shipment][1].version < event.version:
            newest[shipment] = (received.shard, event)
        if event.accepted:
            handed_over.setdefault(_key(event), event.scanned_at)
    if handed_over:
        await order_store.mark_handed_over(tx, handed_over)
    if newest:
        await shipments.put_tracking(tx, newest)
    delivered = {_key(received.event) for received in outbound if received.event.delivered}
    return await _settle(delivered, tx) if delivered else []


async def _settle(delivered: set[Key], tx: Any) -> list[ExceptionRaised]:
    orders = await order_store.lock_orders(tx, delivered)
    exceptions = await request_store.load_exceptions(tx, orders)
    moved = [Progress(orders[key], found) for key, found in sorted(exceptions.items())]
    for progress in moved:
        progress.resolve(ExceptionCode.CHANGE_TOO_LATE, "the parcel was delivered", tx.now)
    await _note_exceptions(moved, tx)
    return [event for progress in moved for event in progress.events if isinstance(event, ExceptionRaised)]
