"""Purchases over the network: begun with their label, taken by whoever is free, ended by the holder of the token."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple, fields
from datetime import datetime
from typing import Any, NamedTuple

from linkstar_contracts.events import RouteChosen
from linkstar_labeler.domain.connector import Document
from linkstar_labeler.domain.purchase_steps import PurchaseKey, PurchaseState
from linkstar_labeler.domain.purchasing import LabelPurchase, reference_of
from linkstar_labeler.store.accounts import AccountKey
from linkstar_labeler.store.arrays import columns, literal, transposed
from linkstar_runtime.handling import Transaction

__all__ = [
    "PrintedLabel", "TakenPurchase", "activate_labels", "attempts_sent_at", "due_purchases", "label_documents",
    "lock_purchases", "note_attempts", "note_suspected", "open_purchases", "purchase_of", "purchased_routes",
    "put_off_first", "save_documents", "save_purchases", "start_purchases", "withdraw_labels",
]  # fmt: skip

_COLUMNS = tuple(each.name for each in fields(LabelPurchase) if each.name != "key")
_TYPES = {
    "wanted": "bool", "captured": "bool", "given_back": "bool", "attempt": "int", "unknowns": "int", "tries": "int",
    "due_at": "timestamptz", "called_at": "timestamptz", "waiting_since": "timestamptz",
}  # fmt: skip
"""Of the columns that are no text."""
_SET = ", ".join(f"{name} = u.{name}{'::text[]' if name == 'tracking_numbers' else ''}" for name in _COLUMNS)
_ARRAYS = ", ".join(f"${number}::{_TYPES.get(name, 'text')}[]" for number, name in enumerate(_COLUMNS, 4))


class TakenPurchase(NamedTuple):
    """A locked purchase and the account it is made with."""

    purchase: LabelPurchase
    account: AccountKey


async def start_purchases(tx: Transaction, begun: Sequence[tuple[PurchaseKey, AccountKey]], due_at: datetime) -> None:
    """Begin one purchase for each of these labels, which were stored in this transaction and have none yet: the unique key
    refuses a second one. Each is due at `due_at`.
    """
    await tx.execute(
        """INSERT INTO purchase
             (tenant, shipment_id, route_version, account_tenant, carrier, account, state, due_at, month)
           SELECT *, 'intent', $7, $8 FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[])""",
        *transposed([(*key, *account) for key, account in begun]), due_at, tx.now.date().replace(day=1),
    )  # fmt: skip


async def due_purchases(tx: Transaction, now: datetime, limit: int) -> list[TakenPurchase]:
    """Lock purchases with something to do that nobody else has in hand, those that wait longest first."""
    rows = await tx.fetch(
        """SELECT * FROM purchase WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED""",
        now,
        limit,
    )
    return [_taken(row) for row in rows]


async def put_off_first(tx: Transaction, now: datetime, due_at: datetime) -> None:
    """Put off the purchase that `due_purchases` would take first."""
    await tx.execute(
        """UPDATE purchase p SET due_at = $2 FROM (
             SELECT tenant, shipment_id, route_version FROM purchase WHERE due_at <= $1 ORDER BY due_at LIMIT 1
             FOR NO KEY UPDATE SKIP LOCKED) d
           WHERE (p.tenant, p.shipment_id, p.route_version) = (d.tenant, d.shipment_id, d.route_version)""",
        now, due_at,
    )  # fmt: skip


async def lock_purchases(tx: Transaction, keys: Collection[PurchaseKey]) -> dict[PurchaseKey, TakenPurchase]:
    """Lock those of these labels that were bought over the network. The caller holds their shipments."""
    rows = await tx.fetch(
        """SELECT p.* FROM purchase p JOIN unnest($1::text[], $2::text[], $3::int[]) u(tenant, shipment_id, route_version)
             USING (tenant, shipment_id, route_version)
           ORDER BY p.tenant, p.shipment_id, p.route_version FOR NO KEY UPDATE OF p""",
        *transposed(sorted(keys)),
    )
    return {taken.purchase.key: taken for taken in map(_taken, rows)}


async def save_purchases(tx: Transaction, purchases: Sequence[LabelPurchase]) -> None:
    """Write locked purchases back."""
    if not purchases:
        return
    rows = [(*p.key, *astuple(p)[1:-1], literal(p.tracking_numbers)) for p in purchases]
    await tx.execute(
        f"""UPDATE purchase p SET {_SET}
            FROM unnest($1::text[], $2::text[], $3::int[], {_ARRAYS})
              u(tenant, shipment_id, route_version, {", ".join(_COLUMNS)})
            WHERE p.tenant = u.tenant AND p.shipment_id = u.shipment_id AND p.route_version = u.route_version""",  # noqa: S608 - names of our own fields
        *transposed(rows),
    )


async def note_attempts(tx: Transaction, attempts: Sequence[tuple[PurchaseKey, int, AccountKey]]) -> None:
    """Remember attempts before they are sent: whatever happens then, their references can be traced."""
    if not attempts:
        return
    await tx.execute(
        """INSERT INTO purchase_attempt
             (reference, tenant, shipment_id, route_version, attempt, account_tenant, carrier, account, sent_at)
           SELECT *, $9 FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::text[],
             $8::text[])""",
        *transposed([(reference_of(key, attempt), *key, attempt, *account) for key, attempt, account in attempts]), tx.now,
    )  # fmt: skip


async def note_suspected(tx: Transaction, references: Sequence[str], check_at: datetime) -> None:
    """Keep attempts under suspicion until the carrier's list of labels, or its look-ups, clear them."""
    if references:
        await tx.execute(
            "UPDATE purchase_attempt SET suspected = true, check_at = $2 WHERE reference = ANY ($1::text[])",
            references, check_at,
        )  # fmt: skip


async def attempts_sent_at(tx: Transaction, references: Sequence[str]) -> dict[str, datetime]:
    """Return the business times at which attempts were first sent."""
    rows = await tx.fetch(
        "SELECT reference, sent_at FROM purchase_attempt WHERE reference = ANY ($1::text[])", references
    )
    return {row["reference"]: row["sent_at"] for row in rows}


async def save_documents(tx: Transaction, printed: Sequence[tuple[PurchaseKey, int, Document]]) -> None:
    """Keep what carriers printed, sealed: of each parcel, by number, its document."""
    if not printed:
        return
    await tx.execute(
        """INSERT INTO label_document (tenant, shipment_id, route_version, parcel, media_type, content)
           SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::text[], $6::bytea[])""",
        *transposed([(*key, parcel, document.media_type, document.content) for key, parcel, document in printed]),
    )


async def label_documents(tx: Transaction, keys: Sequence[PurchaseKey]) -> dict[PurchaseKey, list[Document]]:
    """Return what carriers printed, in the order of the parcels; nothing for labels of our own."""
    rows = await tx.fetch(
        """SELECT d.* FROM label_document d JOIN unnest($1::text[], $2::text[], $3::int[])
             u(tenant, shipment_id, route_version) USING (tenant, shipment_id, route_version) ORDER BY d.parcel""",
        *(transposed(keys) if keys else ([], [], [])),
    )
    found: dict[PurchaseKey, list[Document]] = {}
    for row in rows:
        found.setdefault(_key(row), []).append(Document(row["media_type"], row["content"]))
    return found


async def open_purchases(tx: Transaction) -> dict[str, tuple[int, datetime]]:
    """Count the purchases that have not ended, by state, with when the longest waiting one was first sent."""
    rows = await tx.fetch(
        """SELECT state, count(*) AS open, min(coalesce(waiting_since, due_at)) AS since FROM purchase
           WHERE due_at IS NOT NULL GROUP BY state"""
    )
    return {row["state"]: (row["open"], row["since"]) for row in rows}


def purchase_of(row: Any) -> LabelPurchase:
    """Return the purchase a row holds."""
    values = {name: row[name] for name in _COLUMNS}
    values |= {"state": PurchaseState(values["state"]), "tracking_numbers": tuple(values["tracking_numbers"])}
    return LabelPurchase(_key(row), **values)


def _taken(row: Any) -> TakenPurchase:
    account = AccountKey(row["account_tenant"], row["carrier"], row["account"])
    return TakenPurchase(purchase_of(row), account)


async def purchased_routes(tx: Transaction, keys: Collection[PurchaseKey]) -> dict[PurchaseKey, RouteChosen]:
    """Return the routes these purchases are about, as their labels keep them."""
    if not keys:
        return {}
    rows = await tx.fetch(
        """SELECT l.tenant, l.shipment_id, l.route_version, l.route FROM label l
           JOIN unnest($1::text[], $2::text[], $3::int[]) u(tenant, shipment_id, route_version)
             USING (tenant, shipment_id, route_version)""",
        *transposed(sorted(keys)),
    )
    return {_key(row): RouteChosen.model_validate_json(row["route"]) for row in rows}


class PrintedLabel(NamedTuple):
    """A label that was being bought and is there: number and SHA-256 of each parcel."""

    key: PurchaseKey
    carrier: str
    parcels: Sequence[tuple[str, str]]


async def activate_labels(tx: Transaction, labels: Sequence[PrintedLabel]) -> None:
    """Make labels that were being bought their shipments' own."""
    if not labels:
        return
    rows = [(*label.key, *map(literal, columns(label.parcels))) for label in labels]
    await tx.execute(
        """UPDATE label l SET state = 'active', tracking_numbers = u.numbers::text[], label_sha256 = u.hashes::text[],
                  created_at = $6, changed_at = $6
           FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[])
             u(tenant, shipment_id, route_version, numbers, hashes)
           WHERE l.tenant = u.tenant AND l.shipment_id = u.shipment_id AND l.route_version = u.route_version
             AND l.state = 'buying'""",
        *transposed(rows), tx.now,
    )  # fmt: skip
    numbers = [
        (label.carrier, number, *label.key, parcel)
        for label in labels
        for parcel, (number, _) in enumerate(label.parcels, 1)
        if number != "pending"
    ]
    await tx.execute(
        """INSERT INTO tracking_number (carrier, number, tenant, shipment_id, route_version, parcel)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[])
           ON CONFLICT DO NOTHING""",
        *(transposed(numbers) if numbers else [[]] * 6),
    )


async def withdraw_labels(tx: Transaction, keys: Sequence[PurchaseKey]) -> None:
    """Give up labels that were not bought after all."""
    if not keys:
        return
    await tx.execute(
        """UPDATE label l SET state = 'withdrawn', changed_at = $4
           FROM unnest($1::text[], $2::text[], $3::int[]) u(tenant, shipment_id, route_version)
           WHERE l.tenant = u.tenant AND l.shipment_id = u.shipment_id AND l.route_version = u.route_version
             AND l.state = 'buying'""",
        *transposed(keys), tx.now,
    )  # fmt: skip


def _key(row: Any) -> PurchaseKey:
    return PurchaseKey(row["tenant"], row["shipment_id"], row["route_version"])
