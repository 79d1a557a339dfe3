"""Manifests: which labels wait for one, which hold them, and where the calls to carriers stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from linkstar_labeler.domain.connector import Document
from linkstar_labeler.domain.leases import Lease
from linkstar_labeler.domain.manifests import (
    DayManifest,
    MadeBy,
    ManifestedLabel,
    ManifestKey,
    ManifestState,
    Totals,
)
from linkstar_labeler.store.accounts import AccountKey
from linkstar_labeler.store.arrays import transposed
from linkstar_runtime.handling import Transaction

__all__ = [
    "ManifestPage", "StoredManifest", "add_manifest", "drop_manifest_documents", "due_manifests", "find_manifest",
    "find_manifests", "handed_over", "hold_labels", "leave_out", "leave_out_voided", "lock_manifest",
    "manifest_document", "manifest_labels", "manifest_of_label", "manifest_totals", "open_manifests", "release_labels",
    "save_manifest", "save_manifest_document",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest with what its row adds."""

    manifest: DayManifest
    timezone: str
    account: AccountKey | None
    key_id: str
    created_at: datetime
    changed_at: datetime


class ManifestPage(NamedTuple):
    """Which manifests are asked for; empty fields ask for all."""

    warehouse: str | None = None
    carrier: str | None = None
    day: date | None = None
    state: str | None = None
    before: str | None = None
    """Only manifests with a lower number: the newest come first."""


async def add_manifest(
    tx: Transaction, manifest: DayManifest, account: AccountKey | None, timezone: str, key_id: str,
    labels: Sequence[ManifestedLabel],
) -> None:  # fmt: skip
    """Store a new manifest with its labels. A label that another one holds is refused by the unique key."""
    lease = manifest.lease
    await tx.execute(
        """INSERT INTO manifest (tenant, manifest_id, warehouse, country, carrier, day, timezone, account_tenant, account,
             made_by, state, due_at, created_at, changed_at, key_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)""",
        *manifest.key, manifest.warehouse, manifest.country, manifest.carrier, manifest.day, timezone,
        account and account.tenant, account and account.account, manifest.made_by, manifest.state, lease.due_at, tx.now,
        key_id,
    )  # fmt: skip
    await tx.execute(
        """INSERT INTO manifest_label (tenant, manifest_id, shipment_id, route_version, service, tracking_numbers,
             weight_g, carrier_id, attempt)
           SELECT $1, $2, shipment_id, route_version, service, string_to_array(numbers, ' '), weight_g, carrier_id, attempt
           FROM unnest($3::text[], $4::int[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::int[])
             u(shipment_id, route_version, service, numbers, weight_g, carrier_id, attempt)""",
        *manifest.key, *transposed([_columns(label) for label in labels]),
    )  # fmt: skip


def _columns(label: ManifestedLabel) -> tuple[object, ...]:
    numbers = " ".join(label.tracking_numbers)
    return (
        label.shipment_id, label.route_version, label.service, numbers, label.weight_g, label.carrier_id, label.attempt
    )  # fmt: skip


async def due_manifests(tx: Transaction, now: datetime, limit: int) -> list[StoredManifest]:
    """Lock manifests with a call to make that nobody else has in hand."""
    rows = await tx.fetch(
        "SELECT * FROM manifest WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED", now, limit
    )
    return [_stored(row) for row in rows]


async def lock_manifest(tx: Transaction, key: ManifestKey) -> StoredManifest | None:
    """Lock one manifest."""
    row = await tx.fetchrow("SELECT * FROM manifest WHERE tenant = $1 AND manifest_id = $2 FOR NO KEY UPDATE", *key)
    return _stored(row) if row else None


async def find_manifest(tx: Transaction, key: ManifestKey) -> StoredManifest | None:
    """Return one manifest."""
    row = await tx.fetchrow("SELECT * FROM manifest WHERE tenant = $1 AND manifest_id = $2", *key)
    return _stored(row) if row else None


async def find_manifests(tx: Transaction, tenant: str, page: ManifestPage, limit: int) -> list[StoredManifest]:
    """Return a tenant's manifests, the newest first."""
    rows = await tx.fetch(
        """SELECT * FROM manifest WHERE tenant = $1 AND ($2::text IS NULL OR warehouse = $2)
             AND ($3::text IS NULL OR carrier = $3) AND ($4::date IS NULL OR day = $4)
             AND ($5::text IS NULL OR state = $5) AND ($6::text IS NULL OR manifest_id < $6)
           ORDER BY manifest_id DESC LIMIT $7""",
        tenant, *page, limit,
    )  # fmt: skip
    return [_stored(row) for row in rows]


async def save_manifest(tx: Transaction, manifest: DayManifest) -> None:
    """Write a locked manifest back."""
    lease = manifest.lease
    await tx.execute(
        """UPDATE manifest SET state = $3, carrier_number = $4, code = $5, detail = $6, due_at = $7, token = $8, tries = $9,
             waiting_since = $10, changed_at = $11 WHERE tenant = $1 AND manifest_id = $2""",
        *manifest.key, manifest.state, manifest.carrier_number, manifest.code, manifest.detail, lease.due_at, lease.token,
        lease.tries, lease.waiting_since, tx.now,
    )  # fmt: skip


async def manifest_labels(tx: Transaction, keys: Sequence[ManifestKey]) -> Mapping[ManifestKey, list[ManifestedLabel]]:
    """Return the labels of manifests in the order they were put on, each with what became of it since."""
    found: dict[ManifestKey, list[ManifestedLabel]] = {key: [] for key in keys}
    rows = await tx.fetch(
        """SELECT m.*, coalesce(l.state, 'gone') AS state FROM manifest_label m
           JOIN unnest($1::text[], $2::text[]) u(tenant, manifest_id) USING (tenant, manifest_id)
           LEFT JOIN label l USING (tenant, shipment_id, route_version)
           ORDER BY m.tenant, m.manifest_id, l.carrier, l.service, m.shipment_id, m.route_version""",
        *(transposed(keys) if keys else ([], [])),
    )
    for row in rows:
        found[ManifestKey(row["tenant"], row["manifest_id"])].append(
            ManifestedLabel(
                row["shipment_id"], row["route_version"], row["service"], tuple(row["tracking_numbers"]),
                row["weight_g"], row["carrier_id"], row["attempt"], row["left_out"], row["state"],
            )
        )  # fmt: skip
    return found


async def manifest_totals(tx: Transaction, keys: Sequence[ManifestKey]) -> Mapping[ManifestKey, Totals]:
    """Return what the driver of each manifest gets: neither labels that were left out nor those voided since."""
    rows = await tx.fetch(
        """SELECT m.tenant, m.manifest_id, count(*) AS labels, sum(cardinality(m.tracking_numbers))::int AS parcels,
                  sum(m.weight_g)::bigint AS weight_g
           FROM manifest_label m JOIN unnest($1::text[], $2::text[]) u(tenant, manifest_id) USING (tenant, manifest_id)
           JOIN label l USING (tenant, shipment_id, route_version)
           WHERE m.left_out = '' AND l.state = 'active' GROUP BY m.tenant, m.manifest_id""",
        *(transposed(keys) if keys else ([], [])),
    )
    found = {
        ManifestKey(row["tenant"], row["manifest_id"]): Totals(row["labels"], row["parcels"], row["weight_g"])
        for row in rows
    }
    return {key: found.get(key, Totals(0, 0, 0)) for key in keys}


async def leave_out(tx: Transaction, key: ManifestKey, reasons: Mapping[str, str]) -> None:
    """Let labels wait for the next manifest of which every parcel is named here by its tracking number, with the reason."""
    if not reasons:
        return
    await tx.execute(
        """UPDATE manifest_label SET held = false, left_out = u.reason
           FROM (SELECT min(reason) AS reason, array_agg(number) AS numbers, m.shipment_id, m.route_version
                 FROM unnest($3::text[], $4::text[]) n(number, reason)
                 JOIN manifest_label m ON m.tenant = $1 AND m.manifest_id = $2 AND n.number = ANY (m.tracking_numbers)
                 GROUP BY m.shipment_id, m.route_version) u
           WHERE manifest_label.tenant = $1 AND manifest_label.manifest_id = $2
             AND manifest_label.shipment_id = u.shipment_id AND manifest_label.route_version = u.route_version
             AND manifest_label.tracking_numbers <@ u.numbers""",
        *key, list(reasons), list(reasons.values()),
    )  # fmt: skip


async def leave_out_voided(tx: Transaction, keys: Sequence[ManifestKey]) -> None:
    """Strike what was voided since the close from locked manifests: nobody hands it over."""
    if keys:
        await tx.execute(
            """UPDATE manifest_label m SET held = false, left_out = 'voided'
               FROM unnest($1::text[], $2::text[]) u(tenant, manifest_id)
               WHERE (m.tenant, m.manifest_id) = (u.tenant, u.manifest_id) AND m.left_out = '' AND NOT EXISTS (
                 SELECT FROM label l WHERE l.tenant = m.tenant AND l.shipment_id = m.shipment_id
                   AND l.route_version = m.route_version AND l.state = 'active')""",
            *transposed(keys),
        )


async def release_labels(tx: Transaction, key: ManifestKey) -> None:
    """Let all labels of a manifest wait for the next."""
    await tx.execute("UPDATE manifest_label SET held = false WHERE tenant = $1 AND manifest_id = $2", *key)


async def hold_labels(tx: Transaction, key: ManifestKey) -> None:
    """Let a manifest hold its labels but those left out, as far as no other holds them by now."""
    await tx.execute(
        """UPDATE manifest_label m SET held = true WHERE tenant = $1 AND manifest_id = $2 AND NOT held AND left_out = ''
             AND NOT EXISTS (
             SELECT FROM manifest_label o WHERE o.tenant = m.tenant AND o.shipment_id = m.shipment_id
               AND o.route_version = m.route_version AND o.held)""",
        *key,
    )


async def handed_over(tx: Transaction, key: ManifestKey) -> int:
    """Count the labels of a manifest of which the carrier has a parcel. Call it before the manifest is locked."""
    found: int = await tx.fetchval(
        """SELECT count(*) FROM manifest_label m JOIN shipment s USING (tenant, shipment_id)
           WHERE m.tenant = $1 AND m.manifest_id = $2 AND m.held AND s.accepted AND s.route_version = m.route_version""",
        *key,
    )
    return found


async def manifest_of_label(
    tx: Transaction, tenant: str, shipment_id: str, route_version: int
) -> StoredManifest | None:
    """Return the manifest that holds a label."""
    row = await tx.fetchrow(
        """SELECT m.* FROM manifest m JOIN manifest_label l USING (tenant, manifest_id)
           WHERE l.tenant = $1 AND l.shipment_id = $2 AND l.route_version = $3 AND l.held""",
        tenant, shipment_id, route_version,
    )  # fmt: skip
    return _stored(row) if row else None


async def open_manifests(tx: Transaction) -> dict[str, int]:
    """Count the manifests that their carrier has not confirmed, by state."""
    rows = await tx.fetch("SELECT state, count(*) AS open FROM manifest WHERE due_at IS NOT NULL GROUP BY state")
    return {row["state"]: row["open"] for row in rows}


async def save_manifest_document(tx: Transaction, key: ManifestKey, sealed: Document) -> None:
    """Keep a carrier's sheet, sealed."""
    await tx.execute(
        """INSERT INTO manifest_document (tenant, manifest_id, media_type, content, kept_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT DO NOTHING""",
        *key, sealed.media_type, sealed.content, tx.now,
    )  # fmt: skip


async def manifest_document(tx: Transaction, key: ManifestKey) -> Document | None:
    """Return a carrier's sheet, sealed, as long as it is kept."""
    row = await tx.fetchrow(
        "SELECT media_type, content FROM manifest_document WHERE tenant = $1 AND manifest_id = $2", *key
    )
    return Document(row["media_type"], row["content"]) if row else None


async def drop_manifest_documents(tx: Transaction, before: datetime) -> None:
    """Drop carriers' sheets kept since before an instant."""
    await tx.execute("DELETE FROM manifest_document WHERE kept_at < $1", before)


def _stored(row: Any) -> StoredManifest:
    key = ManifestKey(row["tenant"], row["manifest_id"])
    lease = Lease(row["due_at"], row["token"], row["tries"], row["waiting_since"])
    manifest = DayManifest(
        key, row["warehouse"], row["country"], row["carrier"], row["day"], MadeBy(row["made_by"]),
        ManifestState(row["state"]), lease, row["carrier_number"], row["code"], row["detail"],
    )  # fmt: skip
    account = AccountKey(row["account_tenant"], row["carrier"], row["account"]) if row["account"] else None
    return StoredManifest(manifest, row["timezone"], account, row["key_id"], row["created_at"], row["changed_at"])
