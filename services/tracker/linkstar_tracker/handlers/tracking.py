"""Scans in, timelines and exceptions out, and what the passing of time reveals. They commute in arrival order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from typing import TypeAlias

from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    CarrierScan,
    ExceptionCode,
    ExceptionRaised,
    ExceptionState,
)  # fmt: skip
from linkstar_runtime.handling import Linked, Outcome, Received, Transaction
from linkstar_tracker import store
from linkstar_tracker.domain.lessons import (
    Broken,
    arrival_of,
    given_up,
    heard_of_again,
    lesson_of,
    thinned,
)
from linkstar_tracker.domain.outcomes import LaneTally
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.handlers.following import Following
from linkstar_tracker.handlers.judging import Judging, Taught, key_and_shard, learn, linked, own_and_foreign, tally
from linkstar_tracker.store import Changes, ShipmentKey

__all__ = ["Tracking"]

Ended: TypeAlias = tuple[int, str, str, Broken]
"""A silence that a scan has ended, with its shard, carrier and lane."""


class Tracking:
    """The handlers, bound to the rules they judge by."""

    def __init__(
        self, rules: Rules, max_due: int = 500, ahead: timedelta = timedelta(hours=26), keep: timedelta = timedelta(days=30)
    ) -> None:  # fmt: skip
        self._rules, self._judging = rules, Judging(rules, keep)
        self._max_due, self._ahead = max_due, ahead
        self.on_labels = Following(self._judging).on_labels

    async def on_carrier_scans(
        self, batch: Sequence[Received[CarrierScan]], tx: Transaction
    ) -> AsyncGenerator[Sequence[Outcome], None]:
        """Record every scan not seen before; a shipment whose timeline changes says so, once per scan."""
        own, foreign = own_and_foreign(batch)
        own = await self._believed(own, tx)
        told: dict[ShipmentKey, list[CarrierScan]] = {}
        for received in own:
            told.setdefault((received.event.tenant, received.event.shipment_id), []).append(received.event)
        changes, broken, heard, ends = store.Changes(tx.now), list[Ended](), list[Taught](), list[LaneTally]()
        for shipment in await store.open_shipments(tx, map(key_and_shard, own)):
            events = self._take(shipment, told[shipment.key], changes)
            yield self._judging.told(shipment, events, tx.now)
            raised = [event for event in events if type(event) is ExceptionRaised]
            if raised:
                heard += _heard_of_again(raised, shipment)
            if shipment.broken:
                broken += [(shipment.shard, shipment.carrier, shipment.lane, each) for each in shipment.broken]
                ends += self._judging.outcomes(raised, {shipment.key: shipment})
        await changes.write(tx)
        await learn(tx, [*_broken_silences(broken), *heard])
        await tally(tx, ends)
        for reject in foreign:
            yield (reject,)

    def _take(self, shipment: Shipment, scans: Iterable[CarrierScan], changes: Changes) -> list[Event]:
        """Do all that a shipment's new scans ask for, while it is at hand."""
        events: list[Event] = []
        for scan in scans:
            events += self._judging.record(shipment, Scan.of(scan), changes)
        changes.state(self._judging.state(shipment))
        return events

    async def _believed(
        self, scans: list[Received[CarrierScan]], tx: Transaction
    ) -> list[Received[CarrierScan]]:  # fmt: skip
        """Set scans apart that lie further ahead of the clock than a wrong zone explains, as every door does.

        A process that has just begun reads sellers' policies first: no timer has run yet.
        """
        if self._rules.policies.state is None:
            await self._judging.renew_policies(tx)
        latest = tx.now + self._ahead
        ahead = [r.event for r in scans if r.event.occurred_at > latest]
        if not ahead:
            return scans
        until = tx.now + self._judging.keep
        await store.quarantine_scans(
            tx, [store.UnmatchedScan(Scan.of(each), each.tenant, tx.now, until) for each in ahead]
        )
        return [r for r in scans if r.event.occurred_at <= latest]

    async def raise_silences(self, shards: Sequence[int], tx: Transaction) -> list[Event | Linked]:
        """Raise the exceptions that only the passing of time reveals; at most `max_due` shipments in one run."""
        shipments = await store.due_shipments(tx, shards, self._max_due)
        await self._judging.renew_policies(tx)
        await self._judging.renew_incidents(tx)
        raised = {key: shipment.watch(self._rules, tx.now) for key, shipment in shipments.items()}
        events = list(chain.from_iterable(raised.values()))
        if shipments:
            await store.save_shipments(tx, [self._judging.state(shipment) for shipment in shipments.values()])
            await learn(tx, self._given_up(events, shipments))
            await store.count_alerts(tx, [shipments[each.tenant, each.shipment_id] for each in _silent(events)])
            await tally(tx, self._judging.outcomes(events, shipments))
        return [outcome for key, told in raised.items() for outcome in linked(told, shipments[key])]

    def _given_up(self, events: Iterable[Event], shipments: Mapping[ShipmentKey, Shipment]) -> Iterable[Taught]:
        for event in events:
            if isinstance(event, ExceptionRaised) and _lost(event, ExceptionState.OPEN):
                shipment = shipments[event.tenant, event.shipment_id]
                lesson = given_up(shipment.parcels(self._rules).values(), shipment.lane)
                if lesson:
                    yield shipment.shard, lesson


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
