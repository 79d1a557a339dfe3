"""Labels in: each is followed from now on, under its number and by whoever asks carriers, with what waited for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from linkstar_contracts.event import Event
from linkstar_contracts.events import LabelCreated, LabelVoided
from linkstar_runtime.handling import Linked, Outcome, Received, Transaction
from linkstar_tracker import store
from linkstar_tracker.domain.label import PENDING_NUMBER
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Shipment
from linkstar_tracker.handlers.judging import Judging, key_and_shard, own_and_foreign, tally
from linkstar_tracker.store import Changes, NumberOwner, ShipmentKey, State

__all__ = ["Following"]


@dataclass(slots=True)
class _Followed:
    """A shipment that labels were told to, and what came of it: events, and the same as they go out."""

    shipment: Shipment
    events: list[Event]
    outcomes: list[Linked] = field(default_factory=list)


class Following:
    """Follows labels, judged by the rules of now."""

    def __init__(self, judging: Judging) -> None:
        self._judging = judging

    async def on_labels(self, batch: Sequence[Received[LabelCreated | LabelVoided]], tx: Transaction) -> list[Outcome]:
        """Follow every label made, stop watching every label voided; scans that waited for their label are told now.

        They go to `carrier-scans`, too: that topic holds every scan of a known parcel. Labels are judged by the policies of
        now: the review of a new one has passed by before they are there.
        """
        own, foreign = own_and_foreign(batch)
        await self._judging.renew_policies(tx)
        followed, changed = await self._follow(own, tx)
        waiting = await self._register(tx, [r.event for r in own if isinstance(r.event, LabelCreated)])
        changes = store.Changes(tx.now)
        for scan, owner in waiting:
            each = followed[owner.tenant, owner.shipment_id]
            each.events += self._judging.record(each.shipment, scan, changes)
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
            shipment = Shipment(*key_and_shard(received[0]))
            events = self._tell(shipment, received, now)
            followed[key] = _Followed(shipment, events, self._judging.told(shipment, events, now))
            yield self._judging.state(shipment)

    def _tell(
        self, shipment: Shipment, labels: Iterable[Received[LabelCreated | LabelVoided]], now: datetime
    ) -> list[Event]:  # fmt: skip
        events: list[Event] = []
        for received in labels:
            match received.event:
                case LabelCreated() as created:
                    events += shipment.label_created(created, self._judging.rules, now, received.traceparent)
                case LabelVoided() as voided:
                    events += shipment.label_voided(voided, self._judging.rules, now)
        return events

    async def _save(self, changed: Sequence[_Followed], changes: Changes, tx: Transaction) -> None:
        """Save shipments that were known before, or had scans waiting, in sorted order."""
        for each in changed:
            changes.state(self._judging.state(each.shipment), label=True)
            each.outcomes = self._judging.told(each.shipment, each.events, tx.now)
        await changes.write(tx)
        events = [event for each in changed for event in each.events]
        await tally(tx, self._judging.outcomes(events, {each.shipment.key: each.shipment for each in changed}))

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


def _tests(labels: Iterable[LabelCreated]) -> list[tuple[str, str]]:
    return [(label.carrier, parcel.tracking_number) for label in labels if label.test for parcel in label.parcels]


def _key(received: Received[LabelCreated | LabelVoided]) -> ShipmentKey:
    return received.event.tenant, received.event.shipment_id
