"""Batch handlers of the tracker: labels and scans in, timelines and exceptions out. They commute in arrival order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

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
from linkstar_tracker.domain.evidence import SCAN, scan_fact
from linkstar_tracker.domain.label import PENDING_NUMBER
from linkstar_tracker.domain.lessons import (
    Broken,
    Lesson,
    arrival_of,
    given_up,
    heard_of_again,
    lesson_of,
    summed,
    thinned,
)
from linkstar_tracker.domain.meanings import UNKNOWN
from linkstar_tracker.domain.outcomes import LaneTally, loss, outcome_changes, summed_tallies
from linkstar_tracker.domain.policies import SellerPolicy
from linkstar_tracker.domain.roll_up import roll_up
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import MOST_SCANS, Rules, Shipment
from linkstar_tracker.store import Changes, NumberOwner, ShipmentKey, State

__all__ = ["Tracking"]

E = TypeVar("E", LabelCreated | LabelVoided, CarrierScan)
Taught: TypeAlias = tuple[int, Lesson]
"""A lesson and the shard that counts it."""
Ended: TypeAlias = tuple[int, str, str, Broken]
"""A silence that a scan has ended, with its shard, carrier and lane."""


@dataclass(slots=True)
class _Followed:
    """A shipment that labels were told to, and what came of it: events, and the same as they go out."""

    shipment: Shipment
    events: list[Event]
    outcomes: list[Linked] = field(default_factory=list)


class Tracking:
    """The handlers, bound to the rules they judge by."""

    def __init__(
        self, rules: Rules, max_due: int = 500, ahead: timedelta = timedelta(hours=26), keep: timedelta = timedelta(days=30)
    ) -> None:  # fmt: skip
        self._rules = rules
        self._max_due = max_due
        self._ahead, self._keep = ahead, keep

    async def on_labels(self, batch: Sequence[Received[LabelCreated | LabelVoided]], tx: Transaction) -> list[Outcome]:
        """Follow every label made, stop watching every label voided; scans that waited for their label are told now.

        They go to `carrier-scans`, too: that topic holds every scan of a known parcel. Labels are judged by the policies of
        now: the review of a new one has passed by before they are there.
        """
        own, foreign = _split(batch)
        await self._renew_policies(tx)
        followed, changed = await self._follow(own, tx)
        waiting = await self._register(tx, [r.event for r in own if isinstance(r.event, LabelCreated)])
        changes = store.Changes(tx.now)
        for scan, owner in waiting:
            each = followed[owner.tenant, owner.shipment_id]
            each.events += self._record(each.shipment, scan, changes)
            changed.add(each.shipment.key)
        await store.keep_papers(tx, [each.shipment for each in followed.values()])
        if changed:
            await self._save([followed[key] for key in sorted(changed)], changes, tx)
        told = [outcome for each in followed.values() for outcome in each.outcomes]
        return [*told, *[owner.event(scan) for scan, owner in waiting], *foreign]

    async def _follow(
        self, batch: Sequence[Received[LabelCreated | LabelVoided]], tx: Transaction
    ) -> tuple[dict[ShipmentKey, _Followed], set[ShipmentKey]]:
        """Tell shipments of their labels. One not heard of before is stored as it is then; the others are locked before
        they are told, and named in the second result since they are not saved yet.
        """
        labels: dict[ShipmentKey, list[Received[LabelCreated | LabelVoided]]] = {}
        for received in batch:
            labels.setdefault(_key(received), []).append(received)
        followed: dict[ShipmentKey, _Followed] = {}
        made = await store.make_shipments(tx, self._begin(labels, followed, tx.now))
        await store.count_parcels(tx, [followed[key].shipment for key in made])
        known = labels.keys() - made
        for key, shipment in (await store.lock_shipments(tx, known)).items():
            followed[key] = _Followed(shipment, self._tell(shipment, labels[key], tx.now))
        return followed, known

    def _begin(
        self, labels: Mapping[ShipmentKey, Sequence[Received[LabelCreated | LabelVoided]]],
        followed: dict[ShipmentKey, _Followed], now: datetime,
    ) -> Iterator[State]:  # fmt: skip
        """Yield the shipments of these labels as they are if nothing was heard of them before: all that is to be said and
        written of each while the processor's cache holds it.
        """
        for key, received in labels.items():
            shipment = Shipment(*_key_and_shard(received[0]))
            events = self._tell(shipment, received, now)
            followed[key] = _Followed(shipment, events, self._told(shipment, events, now))
            yield self._state(shipment)

    def _tell(
        self, shipment: Shipment, labels: Iterable[Received[LabelCreated | LabelVoided]], now: datetime
    ) -> list[Event]:  # fmt: skip
        events: list[Event] = []
        for received in labels:
            match received.event:
                case LabelCreated() as created:
                    events += shipment.label_created(created, self._rules, now, received.traceparent)
                case LabelVoided() as voided:
                    events += shipment.label_voided(voided, self._rules, now)
        return events

    def _told(self, shipment: Shipment, events: Sequence[Event], now: datetime) -> list[Linked]:
        """Return a shipment's events as they go out, and its latest state with them."""
        return _linked([*events, *self._latest([shipment], events, now)], shipment)

    async def _save(self, changed: Sequence[_Followed], changes: Changes, tx: Transaction) -> None:
        """Save shipments that were known before, or had scans waiting, in sorted order."""
        for each in changed:
            changes.state(self._state(each.shipment), label=True)
            each.outcomes = self._told(each.shipment, each.events, tx.now)
        await changes.write(tx)
        events = [event for each in changed for event in each.events]
        await _tally(tx, self._outcomes(events, {each.shipment.key: each.shipment for each in changed}))

    async def on_carrier_scans(
        self, batch: Sequence[Received[CarrierScan]], tx: Transaction
    ) -> AsyncGenerator[Outcome, None]:
        """Record every scan not seen before; a shipment whose timeline changes says so, once per scan."""
        own, foreign = _split(batch)
        own = await self._believed(own, tx)
        told: dict[ShipmentKey, list[CarrierScan]] = {}
        for received in own:
            told.setdefault((received.event.tenant, received.event.shipment_id), []).append(received.event)
        changes, broken, heard, ends = store.Changes(tx.now), list[Ended](), list[Taught](), list[LaneTally]()
        for shipment in await store.open_shipments(tx, map(_key_and_shard, own)):
            events = self._take(shipment, told[shipment.key], changes)
            for linked in _linked(events, shipment):
                yield linked
            raised = [event for event in events if type(event) is ExceptionRaised]
            if raised:
                heard += _heard_of_again(raised, shipment)
            if shipment.broken:
                broken += [(shipment.shard, shipment.carrier, shipment.lane, each) for each in shipment.broken]
                ends += self._outcomes(raised, {shipment.key: shipment})
        await changes.write(tx)
        await _learn(tx, [*_broken_silences(broken), *heard])
        await _tally(tx, ends)
        for reject in foreign:
            yield reject

    def _take(self, shipment: Shipment, scans: Iterable[CarrierScan], changes: Changes) -> list[Event]:
        """Do all that a shipment's new scans ask for, while it is at hand."""
        events: list[Event] = []
        for scan in scans:
            events += self._record(shipment, Scan.of(scan), changes)
        changes.state(self._state(shipment))
        return [*events, *self._latest([shipment], events, changes.now)]

    async def _believed(
        self, scans: list[Received[CarrierScan]], tx: Transaction
    ) -> list[Received[CarrierScan]]:  # fmt: skip
        """Set scans apart that lie further ahead of the clock than a wrong zone explains, as every door does.

        A process that has just begun reads sellers' policies first: no timer has run yet.
        """
        if self._rules.policies.state is None:
            await self._renew_policies(tx)
        latest = tx.now + self._ahead
        ahead = [r.event for r in scans if r.event.occurred_at > latest]
        if not ahead:
            return scans
        until = tx.now + self._keep
        await store.quarantine_scans(
            tx, [store.UnmatchedScan(Scan.of(each), each.tenant, tx.now, until) for each in ahead]
        )
        return [r for r in scans if r.event.occurred_at <= latest]

    async def raise_silences(self, shards: Sequence[int], tx: Transaction) -> list[Event | Linked]:
        """Raise the exceptions that only the passing of time reveals; at most `max_due` shipments in one run."""
        shipments = await store.due_shipments(tx, shards, self._max_due)
        await self._renew_policies(tx)
        await self._renew_incidents(tx)
        events = [event for shipment in shipments.values() for event in shipment.watch(self._rules, tx.now)]
        if shipments:
            await store.save_shipments(tx, [self._state(shipment) for shipment in shipments.values()])
            await _learn(tx, self._given_up(events, shipments))
            await store.count_alerts(tx, [shipments[each.tenant, each.shipment_id] for each in _silent(events)])
            await _tally(tx, self._outcomes(events, shipments))
        return _all_linked(events, shipments)

    async def _renew_policies(self, tx: Transaction) -> None:
        """Read sellers' policies when one has changed; the timer after the due shipments, so that they are judged by it."""
        state = await store.policy_state(tx)
        if state != self._rules.policies.state:
            stored = await store.all_policies(tx)
            policies = {tenant: SellerPolicy.model_validate_json(text) for tenant, text in stored.items()}
            self._rules.policies.renew(policies, state)

    async def _renew_incidents(self, tx: Transaction) -> None:
        """Read incidents when one has begun or ended, as policies are."""
        incidents = self._rules.incidents
        state = await store.incidents_state(tx)
        if state != incidents.state:
            incidents.renew(await store.recent_incidents(tx), state)
        incidents.look(tx.now)

    def _given_up(self, events: Iterable[Event], shipments: Mapping[ShipmentKey, Shipment]) -> Iterable[Taught]:
        for event in events:
            if isinstance(event, ExceptionRaised) and _lost(event, ExceptionState.OPEN):
                shipment = shipments[event.tenant, event.shipment_id]
                lesson = given_up(shipment.parcels(self._rules).values(), shipment.lane)
                if lesson:
                    yield shipment.shard, lesson

    def _outcomes(self, events: Iterable[Event], shipments: Mapping[ShipmentKey, Shipment]) -> Iterator[LaneTally]:
        """Yield what parcels' ends, attempts and losses change in the counts of their lanes."""
        for shipment in shipments.values():
            yield from outcome_changes(shipment, self._rules)
        for event in events:
            if isinstance(event, ExceptionRaised) and event.code is ExceptionCode.LOST:
                tally = loss(shipments[event.tenant, event.shipment_id], event.state)
                if tally:
                    yield tally

    async def _register(self, tx: Transaction, labels: Sequence[LabelCreated]) -> list[tuple[Scan, NumberOwner]]:
        numbers = {
            (label.carrier, parcel.tracking_number): NumberOwner(label.tenant, label.shipment_id, label.order_id)
            for label in labels
            for parcel in label.parcels
            if parcel.tracking_number != PENDING_NUMBER
        }
        if not numbers:
            return []
        known = await store.claim_numbers(tx, numbers)
        if known.changed:
            await store.follow_changes(tx, numbers)
        if known.asked:
            await store.enrol_numbers(tx, numbers, _tests(labels))
        waiting = await store.take_unmatched(tx, numbers) if known.awaited else []
        return sorted(waiting, key=lambda each: (each[0].scanned_at, each[0].scan_id))

    def _record(self, shipment: Shipment, scan: Scan, changes: Changes) -> list[Event]:
        """Add a scan to its shipment and to its chain, unless it was told before. What no journey has is set apart."""
        if scan.scan_id in shipment.scans:
            return []
        if len(shipment.scans) >= MOST_SCANS:
            changes.apart(store.UnmatchedScan(scan, shipment.tenant, changes.now, changes.now + self._keep))
            return []
        trail = shipment.trail
        entry_hash = trail.add(shipment.tenant, shipment.shipment_id, SCAN, changes.told_at, scan_fact(scan))
        changes.scan(shipment, scan, trail.count, entry_hash)
        if scan.retracts is None and self._rules.meanings.meaning(scan.carrier, scan.code) is UNKNOWN:
            changes.unmapped(shipment, scan)
        return shipment.record(scan, self._rules, changes.now)

    def _state(self, shipment: Shipment) -> State:
        rolled = roll_up(shipment.parcels(self._rules).values()) if shipment.label else None
        if rolled is None:
            return State(shipment, "pending", None, None)
        spot = (rolled.stay.waiting_at if rolled.stay else "") if shipment.broken else None
        return State(shipment, rolled.status.value, rolled.last_scan_at, shipment.watch_due_at(self._rules), spot)

    def _latest(self, shipments: Iterable[Shipment], events: Iterable[Event], now: datetime) -> list[ShipmentUpdated]:
        """Return the latest state of the shipments whose version moved."""
        moved = {(event.tenant, event.shipment_id) for event in events if type(event) is TrackingUpdated}
        latest = [shipment.current(self._rules, now) for shipment in shipments if shipment.key in moved]
        return [state for state in latest if state is not None]


async def _learn(tx: Transaction, lessons: Iterable[Taught]) -> None:
    if told := summed(lessons):
        await store.count_silences(tx, told)


async def _tally(tx: Transaction, tallies: Iterable[LaneTally]) -> None:
    if found := summed_tallies(tallies):
        await store.count_outcomes(tx, found)


def _broken_silences(broken: Sequence[Ended]) -> Iterable[Taught]:
    """Yield what the scans of a batch teach; of a large one, every second or third is counted twice or thrice."""
    weight = thinned(len(broken))
    for shard, carrier, lane, each in broken[::weight]:
        for lesson_from in (lesson_of, arrival_of):
            lesson = lesson_from(each, carrier, lane, weight)
            if lesson:
                yield shard, lesson


def _heard_of_again(raised: Iterable[ExceptionRaised], shipment: Shipment) -> Iterable[Taught]:
    for event in raised:
        if _lost(event, ExceptionState.RESOLVED):
            yield shipment.shard, heard_of_again(shipment.broken[0], shipment.lane)


def _silent(events: Iterable[Event]) -> Iterable[ExceptionRaised]:
    """Return the events that a shipment is silent from now on."""
    raised = (event for event in events if isinstance(event, ExceptionRaised))
    return (event for event in raised if event.code is ExceptionCode.SILENT and event.state is ExceptionState.OPEN)


def _lost(event: ExceptionRaised, state: ExceptionState) -> bool:
    """True when a shipment begins or ceases to count as lost."""
    return event.code is ExceptionCode.LOST and event.state is state


def _all_linked(events: Iterable[Event], shipments: Mapping[ShipmentKey, Shipment]) -> list[Event | Linked]:
    """Tie what happens days after the label to the label's trace; scans that are passed on stay as they are."""
    linked: list[Event | Linked] = []
    for event in events:
        if isinstance(event, TrackingUpdated | ShipmentUpdated | ExceptionRaised):
            linked += _linked([event], shipments[event.tenant, event.shipment_id])
        else:
            linked.append(event)
    return linked


def _linked(events: Iterable[Event], shipment: Shipment) -> list[Linked]:
    """Tie what happens days after the label to the label's trace, and write it while it is at hand."""
    trace = shipment.label.traceparent if shipment.label else None
    return [Linked(event, (trace,), event.body()) for event in events]


def _tests(labels: Iterable[LabelCreated]) -> list[tuple[str, str]]:
    return [(label.carrier, parcel.tracking_number) for label in labels if label.test for parcel in label.parcels]


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
