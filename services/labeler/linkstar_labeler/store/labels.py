"""Labels of each route attempt, and the numbers ever printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from linkstar_contracts.events import RouteChosen
from linkstar_labeler.domain.shipments import Release, Shipment
from linkstar_labeler.store.arrays import columns
from linkstar_runtime.handling import Transaction

__all__ = ["DatedLabel", "StoredLabel", "find_labels", "save_labels", "save_releases"]


_NOT_PRINTED = {"alternatives", "excluded"}


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """One route attempt's label as it stands in the table."""

    shipment: Shipment
    route: RouteChosen
    state: str
    hold_code: str | None
    charged_minor: int
    tracking_numbers: tuple[str, ...] = ()
    label_sha256: tuple[str, ...] = ()


DatedLabel = tuple[StoredLabel, datetime]
"""A label, and when it was made."""


async def save_releases(tx: Transaction, released: Sequence[tuple[Shipment, Release]]) -> None:
    """Mark labels voided, or withdrawn when they were never bought. Must come before new labels are saved."""
    await tx.execute(
        """UPDATE label l SET state = CASE l.state WHEN 'active' THEN 'voided' ELSE 'withdrawn' END, hold_code = NULL,
                  changed_at = $4
           FROM unnest($1::text[], $2::text[], $3::int[]) u(tenant, shipment_id, route_version)
           WHERE l.tenant = u.tenant AND l.shipment_id = u.shipment_id AND l.route_version = u.route_version""",
        *columns([s.key for s, _ in released]), [r.label.route.version for _, r in released], tx.now,
    )  # fmt: skip


async def save_labels(tx: Transaction, labels: Sequence[StoredLabel]) -> None:
    """Write bought and held labels; a held one that is bought at last keeps its place in line."""
    await tx.execute(
        """INSERT INTO label (tenant, shipment_id, route_version, shard, state, hold_code, carrier, service, currency,
             charged_minor, tracking_numbers, label_sha256, route, created_at, changed_at)
           SELECT tenant, shipment_id, route_version, shard, state, hold_code, carrier, service, currency, charged_minor,
             string_to_array(numbers, ' '), string_to_array(hashes, ' '), route, $14, $14
           FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[],
             $9::text[], $10::bigint[], $11::text[], $12::text[], $13::bytea[])
             u(tenant, shipment_id, route_version, shard, state, hold_code, carrier, service, currency, charged_minor,
               numbers, hashes, route)
           ON CONFLICT (tenant, shipment_id, route_version) DO UPDATE SET state = EXCLUDED.state,
             hold_code = EXCLUDED.hold_code, tracking_numbers = EXCLUDED.tracking_numbers,
             label_sha256 = EXCLUDED.label_sha256, created_at = EXCLUDED.created_at, changed_at = EXCLUDED.changed_at""",
        *columns([label.shipment.key for label in labels]),
        [label.route.version for label in labels], [label.shipment.shard for label in labels],
        [label.state for label in labels], [label.hold_code for label in labels],
        [label.route.route.carrier for label in labels], [label.route.route.service for label in labels],
        [label.route.route.total.currency for label in labels], [label.charged_minor for label in labels],
        [" ".join(label.tracking_numbers) for label in labels], [" ".join(label.label_sha256) for label in labels],
        [_printable(label.route) for label in labels], tx.now,
    )  # fmt: skip
    await _save_numbers(tx, labels)


def _printable(route: RouteChosen) -> bytes:
    """Return the route's JSON without what no label, reprint or refund needs."""
    return route.__pydantic_serializer__.to_json(route, exclude=_NOT_PRINTED, exclude_none=True)


async def _save_numbers(tx: Transaction, labels: Sequence[StoredLabel]) -> None:
    rows = [(label, parcel, number) for label in labels for parcel, number in enumerate(label.tracking_numbers, 1)]
    if not rows:
        return
    await tx.execute(
        """INSERT INTO tracking_number (carrier, number, tenant, shipment_id, route_version, parcel)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[])""",
        [label.route.route.carrier for label, _, _ in rows], [number for _, _, number in rows],
        *columns([label.shipment.key for label, _, _ in rows]),
        [label.route.version for label, _, _ in rows], [parcel for _, parcel, _ in rows],
    )  # fmt: skip


async def find_labels(tx: Transaction, tenant: str, shipment_ids: Sequence[str]) -> dict[str, DatedLabel]:
    """Return the newest label of each known shipment, paid or not, and when it was made."""
    rows = await tx.fetch(
        """SELECT DISTINCT ON (l.shipment_id) l.*, s.order_id
           FROM label l JOIN shipment s USING (tenant, shipment_id)
           WHERE l.tenant = $1 AND l.shipment_id = ANY($2::text[]) ORDER BY l.shipment_id, l.route_version DESC""",
        tenant, shipment_ids,
    )  # fmt: skip
    return {row["shipment_id"]: (_label(row), row["created_at"]) for row in rows}


def _label(row: Any) -> StoredLabel:
    return StoredLabel(
        Shipment(row["tenant"], row["shipment_id"], row["order_id"], row["shard"]),
        RouteChosen.model_validate_json(row["route"]), row["state"], row["hold_code"], row["charged_minor"],
        tuple(row["tracking_numbers"]), tuple(row["label_sha256"]),
    )  # fmt: skip
