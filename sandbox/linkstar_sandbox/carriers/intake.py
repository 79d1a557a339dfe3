"""Reads labels as the carriers' back office does: bought ones are planned, voided ones stay home."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from pydantic import ValidationError

from linkstar_contracts.event import read_headers
from linkstar_contracts.events import LabelCreated, LabelVoided
from linkstar_contracts.values import Destination, Warehouse
from linkstar_sandbox.carriers.codes import FAMILY_OF_CARRIER
from linkstar_sandbox.carriers.journey import Journey, PostedParcel, Stop, customer_stop
from linkstar_sandbox.carriers.ledger import Ledger

__all__ = ["LabelIntake", "posted_parcels"]

log = logging.getLogger(__name__)


class LabelIntake:
    """Consumes the topic `labels` into the ledger. A record may come twice; the ledger keeps it once."""

    def __init__(self, consumer: AIOKafkaConsumer, ledger: Ledger, plan: Callable[[PostedParcel], Journey]) -> None:
        self._consumer = consumer
        self._ledger = ledger
        self._plan = plan

    async def run(self) -> None:
        """Consume until cancelled; offsets are committed after the ledger has the labels."""
        while True:
            batches = await self._consumer.getmany(timeout_ms=200, max_records=500)
            records = [record for batch in batches.values() for record in batch]
            if records:
                self.take(records)
                await self._consumer.commit()

    def take(self, records: Sequence[ConsumerRecord]) -> None:
        """Record the labels and voids of `records`, in their order."""
        for record in records:
            head = read_headers(record.headers)
            if head is None or record.value is None:
                continue
            try:
                self._take_one(head.type, record.value)
            except ValidationError as error:
                log.warning("label record %s/%s not understood: %s", record.partition, record.offset, error)

    def _take_one(self, event_type: str, body: bytes) -> None:
        if event_type == LabelCreated.TYPE:
            label = LabelCreated.model_validate_json(body)
            self._ledger.post((parcel, self._plan(parcel)) for parcel in posted_parcels(label))
        elif event_type == LabelVoided.TYPE:
            void = LabelVoided.model_validate_json(body)
            self._ledger.void(void.tenant, void.shipment_id, void.route_version, void.occurred_at)


def posted_parcels(label: LabelCreated) -> list[PostedParcel]:
    """Return the label's parcels that a simulated carrier will carry."""
    if label.carrier not in FAMILY_OF_CARRIER:
        log.warning("carrier %s is not simulated; %s stays silent", label.carrier, label.shipment_id)
        return []
    warehouse, customer = _warehouse_stop(label.warehouse), _customer_stop(label.destination)
    return [
        PostedParcel(
            tenant=label.tenant, order_id=label.order_id, shipment_id=label.shipment_id,
            route_version=label.route_version, parcel=parcel.number, tracking_number=parcel.tracking_number,
            carrier=label.carrier, service=label.service, kind=label.kind, warehouse=warehouse, customer=customer,
            zone=label.zone, labelled_at=label.occurred_at,
        )
        for parcel in label.parcels if parcel.tracking_number != "pending"
    ]  # fmt: skip


def _warehouse_stop(warehouse: Warehouse) -> Stop:
    return Stop(warehouse.code, "", warehouse.postcode, warehouse.country, warehouse.timezone)


def _customer_stop(place: Destination) -> Stop:
    return customer_stop(place.country, place.region, place.city, place.postcode)
