"""What each topic means for labels and money. The handlers commute: whatever order the topics come in, the newest order
content and route attempt win, and one label at most is paid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from linkstar_contracts.event import Event, Head
from linkstar_contracts.events import (
    ExceptionCode,
    OrderCancelled,
    OrderChanged,
    RouteChosen,
    SettlementRequested,
    TrackingUpdated,
)
from linkstar_contracts.tracking_events import LABELLED
from linkstar_labeler import store
from linkstar_labeler.domain.exceptions import resolve
from linkstar_labeler.domain.ledger import CLAIMS, FEES, WALLET, Entry
from linkstar_labeler.domain.shipments import Shipment
from linkstar_labeler.handlers.first_scans import charge_first_scans
from linkstar_labeler.handlers.postings import post_or_wait
from linkstar_labeler.handlers.settlement import Settler
from linkstar_labeler.store.shipments import ShipmentKey
from linkstar_runtime.handling import Outcome, Received, Reject, Transaction

__all__ = ["Handlers", "only_labelled"]

E = TypeVar("E", bound=Event)

_SETTLEMENTS = {
    "claim_payout": (CLAIMS, WALLET),
    "refund": (FEES, WALLET),
    "return_fee": (WALLET, FEES),
}
"""From and to account of each kind of settlement."""


def only_labelled(head: Head) -> bool:
    """True for tracking of a shipment that no carrier has: it neither stops a void nor answers a late cancel."""
    return head.milestone == LABELLED


class Handlers:
    """The batch handlers of labeler."""

    def __init__(self, settler: Settler) -> None:
        self._settler = settler

    async def on_routes_chosen(self, batch: Sequence[Received[RouteChosen]], tx: Transaction) -> Sequence[Outcome]:
        """Buy a label for every newest route attempt; an attempt seen before or outdated changes nothing."""
        rejects = [_negative(received) for received in batch if received.event.route.total.amount_minor < 0]
        routes = [received for received in batch if received.event.route.total.amount_minor >= 0]
        named = [(_shipment_of(received, received.event.shipment_id), received.event) for received in routes]
        return [*await self._settler.settle(tx, await _told(tx, named, Shipment.choose)), *rejects]

    async def on_order_changes(
        self, batch: Sequence[Received[OrderChanged | OrderCancelled]], tx: Transaction
    ) -> Sequence[Outcome]:
        """Void labels of cancelled and changed orders; what comes before its route is remembered."""
        named = [(_shipment_of(received, _changed(received.event)), received.event) for received in batch]
        return await self._settler.settle(tx, await _told(tx, named, _stop))

    async def on_tracking_updated(
        self, batch: Sequence[Received[TrackingUpdated]], tx: Transaction
    ) -> Sequence[Outcome]:
        """Note who is under way, since no void is possible any more; a delivery answers a late cancel."""
        telling = [received.event for received in batch if received.event.accepted or received.event.delivered]
        if not telling:
            return []
        scanned: dict[ShipmentKey, set[str]] = {}
        for event in telling:
            scanned.setdefault((event.tenant, event.shipment_id), set()).add(event.tracking_number)
        delivered = {(event.tenant, event.shipment_id) for event in telling if event.delivered}
        disputed = await store.with_open_exceptions(tx, delivered) if delivered else []
        unusual, returned = await store.note_acceptance(tx, scanned, disputed)
        await charge_first_scans(tx, returned)
        return await self._judge(tx, telling, unusual, delivered) if unusual else []

    async def _judge(
        self, tx: Transaction, telling: Sequence[TrackingUpdated], keys: Sequence[ShipmentKey],
        delivered: set[ShipmentKey],
    ) -> Sequence[Outcome]:  # fmt: skip
        """Look closely at locked shipments: several numbers, another label's number, or an exception about them."""
        shipments = await store.lock_shipments(tx, keys)
        for event in telling:
            shipment = shipments.get((event.tenant, event.shipment_id))
            if shipment is not None:
                shipment.accept(event.tracking_number)
        started = [s.label.route for s in shipments.values() if s.label and s.label.bought and s.just_accepted]
        await charge_first_scans(tx, started)
        raised = await self._settler.settle(tx, list(shipments.values()))
        return [*raised, *await _resolve_late(tx, [shipments[key] for key in sorted(delivered & shipments.keys())])]

    async def on_settlements_requested(
        self, batch: Sequence[Received[SettlementRequested]], tx: Transaction
    ) -> Sequence[Outcome]:
        """Post what returns asks for, once; a fee the wallet does not cover waits for a top-up."""
        wrong = [received for received in batch if received.event.amount.amount_minor <= 0]
        asked = [(received.shard, _entry_of(received.event)) for received in batch if received not in wrong]
        await post_or_wait(tx, asked)
        return [Reject(r, "settlement.not_positive", "The amount of a settlement must be positive") for r in wrong]


def _negative(received: Received[RouteChosen]) -> Reject:
    return Reject(received, "label.negative_total", "The total of a route must not be negative")


def _changed(event: OrderChanged | OrderCancelled) -> str:
    """Return the shipment an order's change concerns: the order's own."""
    return event.shipment_id if isinstance(event, OrderChanged) else event.order_id


def _shipment_of(received: Received[Event], shipment_id: str) -> Shipment:
    return Shipment(received.event.tenant, shipment_id, received.event.order_id, received.shard)


def _stop(shipment: Shipment, event: OrderChanged | OrderCancelled) -> None:
    if isinstance(event, OrderCancelled):
        shipment.cancel()
    else:
        shipment.change(event.version)


async def _told(
    tx: Transaction, named: Sequence[tuple[Shipment, E]], tell: Callable[[Shipment, E], None]
) -> list[Shipment]:
    """Tell these shipments their events, in order and under their locks. One not heard of before is made as it is after
    them; of a known one, what was named is only the identity.
    """
    if not named:
        return []
    new: dict[ShipmentKey, Shipment] = {}
    for shipment, event in named:
        tell(new.setdefault(shipment.key, shipment), event)
    made = await store.start_shipments(tx, new.values())
    known = await store.lock_shipments(tx, new.keys() - made) if len(made) < len(new) else {}
    for shipment, event in named:
        if shipment.key in known:
            tell(known[shipment.key], event)
    return [known.get(key, shipment) for key, shipment in new.items()]


async def _resolve_late(tx: Transaction, delivered: Sequence[Shipment]) -> list[Event]:
    if not delivered:
        return []
    known = await store.known_exceptions(tx, [shipment.key for shipment in delivered])
    events = [
        event
        for shipment in delivered
        for event in resolve(shipment, ExceptionCode.CANCEL_TOO_LATE, known.get(shipment.key, []), tx.now)
    ]
    await store.save_exceptions(tx, events)
    return list(events)


def _entry_of(event: SettlementRequested) -> Entry:
    from_account, to_account = _SETTLEMENTS[event.kind]
    posting_id = f"{event.order_id}|settlement.{event.kind}|{event.settlement_id}"
    return Entry(event.tenant, posting_id, event.amount, from_account, to_account, event.order_id)
