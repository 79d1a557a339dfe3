"""Batch handlers of the tracker: labels and scans in, timelines and exceptions out. They commute in arrival order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    CarrierScan,
    ExceptionCode,
    ExceptionRaised,
    ExceptionState,
    LabelCreated,
    LabelVoided,
    ShipmentUpdated,
    TrackingUpdated,
)  # fmt: skip
from linkstar_runtime.handling import Linked, Outcome, Received, Reject, Transaction
from linkstar_tracker import store
from linkstar_tracker.domain.evidence import SCAN, scan_fact, told_at
from linkstar_tracker.domain.label import PENDING_NUMBER
from linkstar_tracker.domain.lessons import Lesson, arrival_of, given_up, heard_of_again, lesson_of, summed, thinned
from linkstar_tracker.domain.meanings import UNKNOWN
from linkstar_tracker.domain.policies import SellerPolicy
from linkstar_tracker.domain.roll_up import roll_up
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.store import NumberOwner, ShipmentKey, State

__all__ = ["Tracking"]

E = TypeVar("E", LabelCreated | LabelVoided, CarrierScan)


class Tracking:
    """The handlers, bound to the rules they judge by."""

    def __init__(self, rules: Rules, max_due: int = 500) -> None:
        self._rules = rules
        self._max_due = max_due

    async def on_labels(self, batch: Sequence[Received[LabelCreated | LabelVoided]], tx: Transaction) -> list[Outcome]:
        """Follow every label made, stop watching every label voided; scans that waited for their label are told now.

        They go to `carrier-scans`, too: that topic holds every scan of a known parcel.
        """
        own, foreign = _split(batch)
        shipments, known, events = await self._follow(own, tx)
        waiting = await self._register(tx, [r.event for r in own if isinstance(r.event, LabelCreated)])
        events += await self._record(
            tx, [(shipments[owner.tenant, owner.shipment_id], scan) for scan, owner in waiting]
        )
        events += [scan.event(owner.tenant, owner.order_id, owner.shipment_id) for scan, owner in waiting]
        await store.keep_papers(tx, shipments.values())
        changed = known | {(owner.tenant, owner.shipment_id) for _, owner in waiting}
        if changed:
            await store.save_shipments(tx, [self._state(shipments[key]) for key in sorted(changed)], labels=True)
        return [*_linked([*events, *self._latest(shipments.values(), events, tx)], shipments), *foreign]

    async def _follow(
        self, batch: Sequence[Received[LabelCreated | LabelVoided]], tx: Transaction
    ) -> tuple[dict[ShipmentKey, Shipment], set[ShipmentKey], list[Event]]:
        """Tell shipments of their labels. One not heard of before is stored as it is then; the others are locked before
        they are told, and named in the second result since they are not saved yet.
        """
        new, told = self._tell(batch, {}, tx)
        made = await store.make_shipments(tx, [self._state(shipment) for shipment in new.values()])
        known = new.keys() - made
        if known:
            rest = [received for received in batch if _key(received) in known]
            locked, retold = self._tell(rest, await store.lock_shipments(tx, known), tx)
            new, told = new | locked, told | retold
        return new, known, [event for events in told.values() for event in events]

    def _tell(
        self, batch: Iterable[Received[LabelCreated | LabelVoided]], known: Mapping[ShipmentKey, Shipment],
        tx: Transaction,
    ) -> tuple[dict[ShipmentKey, Shipment], dict[ShipmentKey, list[Event]]]:  # fmt: skip
        shipments, told = dict(known), dict[ShipmentKey, list[Event]]()
        for received in batch:
            key = _key(received)
            if key not in shipments:
                shipments[key] = Shipment(*_key_and_shard(received))
            match received.event:
                case LabelCreated() as created:
                    events = shipments[key].label_created(created, self._rules, tx.now, received.traceparent)
                case LabelVoided() as voided:
                    events = shipments[key].label_voided(voided, self._rules, tx.now)
            told.setdefault(key, []).extend(events)
        return shipments, told

    async def on_carrier_scans(self, batch: Sequence[Received[CarrierScan]], tx: Transaction) -> list[Outcome]:
        """Record every scan not seen before; a shipment whose timeline changes says so, once per scan."""
        own, foreign = _split(batch)
        shipments = await store.open_shipments(tx, map(_key_and_shard, own))
        events = await self._record(
            tx, [(shipments[r.event.tenant, r.event.shipment_id], Scan.of(r.event)) for r in own]
        )
        await store.save_shipments(tx, [self._state(shipment) for shipment in shipments.values()])
        await _learn(tx, [*_broken_silences(shipments.values()), *_heard_of_again(events, shipments)])
        return [*_linked([*events, *self._latest(shipments.values(), events, tx)], shipments), *foreign]

    async def raise_silences(self, shards: Sequence[int], tx: Transaction) -> list[Event | Linked]:
        """Raise the exceptions that only the passing of time reveals; at most `max_due` shipments in one run."""
        shipments = await store.due_shipments(tx, shards, self._max_due)
        await self._renew_policies(tx)
        events = [event for shipment in shipments.values() for event in shipment.watch(self._rules, tx.now)]
        if shipments:
            await store.save_shipments(tx, [self._state(shipment) for shipment in shipments.values()])
            await _learn(tx, self._given_up(events, shipments))
        return _linked(events, shipments)

    async def _renew_policies(self, tx: Transaction) -> None:
        """Read sellers' policies when one has changed: after the due shipments, so that those due by it are judged by it."""
        state = await store.policy_state(tx)
        if state != self._rules.policies.state:
            stored = await store.all_policies(tx)
            policies = {tenant: SellerPolicy.model_validate_json(text) for tenant, text in stored.items()}
            self._rules.policies.renew(policies, state)

    def _given_up(
        self, events: Iterable[Event], shipments: Mapping[ShipmentKey, Shipment]
    ) -> Iterable[tuple[int, Lesson]]:
        for shipment in _lost(events, shipments, ExceptionState.OPEN):
            lesson = given_up(shipment.parcels(self._rules).values(), shipment.lane)
            if lesson:
                yield shipment.shard, lesson

    async def _register(self, tx: Transaction, labels: Iterable[LabelCreated]) -> list[tuple[Scan, NumberOwner]]:
        numbers = {
            (label.carrier, parcel.tracking_number): NumberOwner(label.tenant, label.shipment_id, label.order_id)
            for label in labels
            for parcel in label.parcels
            if parcel.tracking_number != PENDING_NUMBER
        }
        if not numbers:
            return []
        await store.claim_numbers(tx, numbers)
        return sorted(await store.take_unmatched(tx, numbers), key=lambda each: (each[0].scanned_at, each[0].scan_id))

    async def _record(self, tx: Transaction, scans: Sequence[tuple[Shipment, Scan]]) -> list[Event]:
        """Add scans to their shipments and their chains in the order given, and store the new ones."""
        fresh, events, at = [], list[Event](), told_at(tx.now)
        for shipment, scan in scans:
            if scan.scan_id not in shipment.scans:
                trail = shipment.trail
                entry_hash = trail.add(shipment.tenant, shipment.shipment_id, SCAN, at, scan_fact(scan))
                fresh.append((shipment, scan, trail.count, entry_hash))
                events += shipment.record(scan, self._rules, tx.now)
        if fresh:
            await store.add_scans(tx, fresh)
            await self._count_unmapped(tx, (scan for _, scan, *_ in fresh))
        return events

    async def _count_unmapped(self, tx: Transaction, scans: Iterable[Scan]) -> None:
        seen: dict[tuple[str, str], tuple[int, str]] = {}
        for scan in scans:
            if scan.retracts is None and self._rules.meanings.meaning(scan.carrier, scan.code) is UNKNOWN:
                count, sample = seen.get((scan.carrier, scan.code), (0, scan.text))
                seen[scan.carrier, scan.code] = (count + 1, sample)
        if seen:
            await store.count_unmapped(tx, seen)

    def _state(self, shipment: Shipment) -> State:
        rolled = roll_up(shipment.parcels(self._rules).values()) if shipment.label else None
        status, last = (rolled.status.value, rolled.last_scan_at) if rolled else ("pending", None)
        return State(shipment, status, last, shipment.watch_due_at(self._rules))

    def _latest(self, shipments: Iterable[Shipment], events: Sequence[Event], tx: Transaction) -> list[Event]:
        """Return the latest state of the shipments whose version moved."""
        moved = {(event.tenant, event.shipment_id) for event in events if isinstance(event, TrackingUpdated)}
        latest = [s.current(self._rules, tx.now) for s in shipments if (s.tenant, s.shipment_id) in moved]
        return [state for state in latest if state is not None]


async def _learn(tx: Transaction, lessons: Iterable[tuple[int, Lesson]]) -> None:
    if told := summed(lessons):
        await store.count_silences(tx, told)


def _broken_silences(shipments: Iterable[Shipment]) -> Iterable[tuple[int, Lesson]]:
    """Yield what the scans of a batch teach; of a large one, every second or third is counted twice or thrice."""
    broken = [(shipment, each) for shipment in shipments for each in shipment.broken]
    weight = thinned(len(broken))
    for shipment, each in broken[::weight]:
        for lesson_from in (lesson_of, arrival_of):
            lesson = lesson_from(each, shipment.carrier, shipment.lane, weight)
            if lesson:
                yield shipment.shard, lesson


def _heard_of_again(
    events: Iterable[Event], shipments: Mapping[ShipmentKey, Shipment]
) -> Iterable[tuple[int, Lesson]]:  # fmt: skip
    for shipment in _lost(events, shipments, ExceptionState.RESOLVED):
        yield shipment.shard, heard_of_again(shipment.broken[0], shipment.lane)


def _lost(
    events: Iterable[Event], shipments: Mapping[ShipmentKey, Shipment], state: ExceptionState
) -> Iterable[Shipment]:
    """Yield the shipments that begin or cease to count as lost."""
    for event in events:
        if isinstance(event, ExceptionRaised) and event.code is ExceptionCode.LOST and event.state is state:
            yield shipments[event.tenant, event.shipment_id]


def _linked(events: Iterable[Event], shipments: Mapping[tuple[str, str], Shipment]) -> list[Event | Linked]:
    """Tie what happens days after the label to the label's trace; scans that are passed on stay as they are."""
    return [_tied(event, shipments) for event in events]


def _tied(event: Event, shipments: Mapping[tuple[str, str], Shipment]) -> Event | Linked:
    if not isinstance(event, TrackingUpdated | ShipmentUpdated | ExceptionRaised):
        return event
    label = shipments[event.tenant, event.shipment_id].label
    return Linked(event, (label.traceparent if label else None,))


def _key(received: Received[LabelCreated | LabelVoided]) -> ShipmentKey:
    return received.event.tenant, received.event.shipment_id


def _key_and_shard(received: Received[LabelCreated | LabelVoided | CarrierScan]) -> tuple[str, str, str, int]:
    event = received.event
    return event.tenant, event.shipment_id, event.order_id, received.shard


def _split(batch: Sequence[Received[E]]) -> tuple[list[Received[E]], list[Reject]]:
    """Part the records whose shipment belongs to another order: followed under a wrong key, they would lose their order."""
    own, foreign = [], []
    for received in batch:
        if received.event.shipment_id.partition("~")[0] == received.event.order_id:
            own.append(received)
        else:
            fix = "shipment_id must be the order_id, or begin with it followed by ~"
            foreign.append(Reject(received, "track.shipment_of_another_order", fix))
    return own, foreign
