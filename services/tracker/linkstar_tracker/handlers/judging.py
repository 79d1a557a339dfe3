"""What labels and scans both need: scans recorded, shipments judged by the rules of now, and told and counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    CarrierScan,
    ExceptionCode,
    ExceptionRaised,
    LabelCreated,
    LabelVoided,
    TrackingUpdated,
)  # fmt: skip
from linkstar_runtime.bodies import body_of
from linkstar_runtime.handling import Linked, Received, Reject, Transaction
from linkstar_tracker import store
from linkstar_tracker.domain.evidence import SCAN, scan_fact
from linkstar_tracker.domain.lessons import Lesson, summed
from linkstar_tracker.domain.meanings import UNKNOWN
from linkstar_tracker.domain.outcomes import LaneTally, loss, outcome_changes, summed_tallies
from linkstar_tracker.domain.policies import SellerPolicy
from linkstar_tracker.domain.roll_up import roll_up
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import MOST_SCANS, Rules, Shipment
from linkstar_tracker.store import Changes, ShipmentKey, State

__all__ = ["Judging", "Taught", "key_and_shard", "learn", "linked", "own_and_foreign", "tally"]

E = TypeVar("E", LabelCreated | LabelVoided, CarrierScan)
Taught: TypeAlias = tuple[int, Lesson]
"""A lesson and the shard that counts it."""


class Judging:
    """Judges shipments by rules; scans that no journey has are set apart for as long as `keep`."""

    def __init__(self, rules: Rules, keep: timedelta) -> None:
        self.rules, self.keep = rules, keep

    def record(self, shipment: Shipment, scan: Scan, changes: Changes) -> list[Event]:
        """Add a scan to its shipment and to its chain, unless it was told before. What no journey has is set apart."""
        if scan.scan_id in shipment.scans:
            return []
        if len(shipment.scans) >= MOST_SCANS:
            changes.apart(store.UnmatchedScan(scan, shipment.tenant, changes.now, changes.now + self.keep))
            return []
        trail = shipment.trail
        entry_hash = trail.add(shipment.tenant, shipment.shipment_id, SCAN, changes.told_at, scan_fact(scan))
        changes.scan(shipment, scan, trail.count, entry_hash)
        if scan.retracts is None and self.rules.meanings.meaning(scan.carrier, scan.code) is UNKNOWN:
            changes.unmapped(shipment, scan)
        return shipment.record(scan, self.rules, changes.now)

    def state(self, shipment: Shipment) -> State:
        """Return the shipment with what is stored of it for those who look from outside."""
        rolled = roll_up(shipment.parcels(self.rules).values()) if shipment.label else None
        if rolled is None:
            return State(shipment, "pending", None, None)
        spot = (rolled.stay.waiting_at if rolled.stay else "") if shipment.broken else None
        return State(shipment, rolled.status.value, rolled.last_scan_at, shipment.watch_due_at(self.rules), spot)

    def told(self, shipment: Shipment, events: Sequence[Event], now: datetime) -> list[Linked]:
        """Return a shipment's events as they go out, and its latest state with them if its version moved."""
        moved = any(type(event) is TrackingUpdated for event in events)
        latest = shipment.current(self.rules, now) if moved else None
        return linked([*events, latest] if latest else events, shipment)

    def outcomes(self, events: Iterable[Event], shipments: Mapping[ShipmentKey, Shipment]) -> Iterator[LaneTally]:
        """Yield what parcels' ends, attempts and losses change in the counts of their lanes."""
        for shipment in shipments.values():
            yield from outcome_changes(shipment, self.rules)
        for event in events:
            if isinstance(event, ExceptionRaised) and event.code is ExceptionCode.LOST:
                tally = loss(shipments[event.tenant, event.shipment_id], event.state)
                if tally:
                    yield tally

    async def renew_policies(self, tx: Transaction) -> None:
        """Read sellers' policies when one has changed; the timer after the due shipments, so that they are judged by it."""
        state = await store.policy_state(tx)
        if state != self.rules.policies.state:
            stored = await store.all_policies(tx)
            policies = {tenant: SellerPolicy.model_validate_json(text) for tenant, text in stored.items()}
            self.rules.policies.renew(policies, state)

    async def renew_incidents(self, tx: Transaction) -> None:
        """Read incidents when one has begun or ended, as policies are."""
        incidents = self.rules.incidents
        state = await store.incidents_state(tx)
        if state != incidents.state:
            incidents.renew(await store.recent_incidents(tx), state)
        incidents.look(tx.now)


async def learn(tx: Transaction, lessons: Iterable[Taught]) -> None:
    """Count what ended and lasting silences teach about their lanes."""
    if told := summed(lessons):
        await store.count_silences(tx, told)


async def tally(tx: Transaction, tallies: Iterable[LaneTally]) -> None:
    """Count what became of parcels on their lanes."""
    if found := summed_tallies(tallies):
        await store.count_outcomes(tx, found)


def linked(events: Iterable[Event], shipment: Shipment) -> list[Linked]:
    """Tie what happens days after the label to the label's trace, and write it while it is at hand."""
    trace = shipment.label.traceparent if shipment.label else None
    return [Linked(event, (trace,), body_of(event)) for event in events]


def key_and_shard(received: Received[LabelCreated | LabelVoided | CarrierScan]) -> tuple[str, str, str, int]:
    """Return tenant, shipment id, order id and shard."""
    event = received.event
    return event.tenant, event.shipment_id, event.order_id, received.shard


def own_and_foreign(batch: Sequence[Received[E]]) -> tuple[list[Received[E]], list[Reject]]:
    """Part the records whose shipment belongs to another order: followed under a wrong key, they would lose their order."""
    own, foreign = [], []
    for received in batch:
        if received.event.shipment_id.partition("~")[0] == received.event.order_id:
            own.append(received)
        else:
            fix = "shipment_id must be the order_id, or begin with it followed by ~"
            foreign.append(Reject(received, "track.shipment_of_another_order", fix))
    return own, foreign
