"""What the sales channel is to be told about each shipment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linkstar_contracts.events import LabelCreated, LabelVoided, TrackingUpdated
from linkstar_ingest.store.keys import Key


async def put_labels(tx: Any, labels: Mapping[Key, tuple[int, LabelCreated | LabelVoided]]) -> None:
    """Keep the newest label event per shipment, given as (tenant, shipment id) -> (shard, event).

    Tracking numbers hold no blanks: those of one shipment are sent as one text.
    """
    rows = [labels[key] for key in sorted(labels)]
    await tx.execute(
        """INSERT INTO write_back AS w (tenant, shipment_id, order_id, shard, label_version, label_state, carrier, service,
                                        tracking_numbers, labelled_at)
           SELECT tenant, shipment_id, order_id, shard, version, label_state, carrier, service,
                  string_to_array(numbers, ' '), at
             FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::timestamptz[])
                  u(tenant, shipment_id, order_id, shard, version, label_state, carrier, service, numbers, at)
           ON CONFLICT (tenant, shipment_id)
           DO UPDATE SET label_version = excluded.label_version, label_state = excluded.label_state,
                         carrier = excluded.carrier, service = excluded.service, labelled_at = excluded.labelled_at,
                         tracking_numbers = excluded.tracking_numbers, state = 'pending'
            WHERE w.label_version < excluded.label_version""",
        [event.tenant for _, event in rows], [event.shipment_id for _, event in rows],
        [event.order_id for _, event in rows], [shard for shard, _ in rows], [event.version for _, event in rows],
        ["created" if isinstance(event, LabelCreated) else "voided" for _, event in rows],
        [event.carrier for _, event in rows], [event.service for _, event in rows],
        [" ".join(_numbers(event)) for _, event in rows], [event.occurred_at for _, event in rows],
    )  # fmt: skip


def _numbers(event: LabelCreated | LabelVoided) -> list[str]:
    if isinstance(event, LabelVoided):
        return list(event.tracking_numbers)
    return [parcel.tracking_number for parcel in event.parcels]


async def put_tracking(tx: Any, updates: Mapping[Key, tuple[int, TrackingUpdated]]) -> None:
    """Keep the newest tracking state per shipment, given as (tenant, shipment id) -> (shard, event)."""
    rows = [updates[key] for key in sorted(updates)]
    await tx.execute(
        """INSERT INTO write_back AS w (tenant, shipment_id, order_id, shard, tracking_version, status, delivered_at)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::timestamptz[])
           ON CONFLICT (tenant, shipment_id)
           DO UPDATE SET tracking_version = excluded.tracking_version, status = excluded.status,
                         delivered_at = excluded.delivered_at, state = 'pending'
            WHERE w.tracking_version < excluded.tracking_version""",
        [event.tenant for _, event in rows], [event.shipment_id for _, event in rows],
        [event.order_id for _, event in rows], [shard for shard, _ in rows], [event.version for _, event in rows],
        [event.status.value for _, event in rows],
        [event.scanned_at if event.delivered else None for _, event in rows],
    )  # fmt: skip


async def find_shipment(tx: Any, tenant: str, shipment_id: str) -> Mapping[str, Any] | None:
    """Return label and tracking state of a shipment, if there is any."""
    row: Mapping[str, Any] | None = await tx.fetchrow(
        "SELECT * FROM write_back WHERE tenant = $1 AND shipment_id = $2", tenant, shipment_id
    )
    return row
