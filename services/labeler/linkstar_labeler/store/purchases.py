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
from linkstar_labeler.store.arrays import columns, transposed
from linkstar_runtime.handling import Transaction

__all__ = [
    "TakenPurchase", "activate_label", "attempt_sent_at", "due_purchases", "label_documents", "lock_purchase",
    "lock_purchases", "note_attempt", "note_suspected", "open_purchases", "purchase_of", "purchased_route",
    "put_off_first", "save_documents", "save_purchase", "start_purchases", "withdraw_label",
]  # fmt: skip

_COLUMNS = tuple(each.name for each in fields(LabelPurchase) if each.name != "key")
_SET = ", ".join(f"{name} = ${number}" for number, name in enumerate(_COLUMNS, 4))


class TakenPurchase(NamedTuple):
    """A locked purchase and the account it is made with."""

    purchase: LabelPurchase
    account: AccountKey


async def start_purchases(tx: Transaction, begun: Sequence[tuple[PurchaseKey, AccountKey]], due_at: datetime) -> None:
    """Begin one purchase for each of these labels, which were stored in this transaction and have none yet: the unique key
    refuses a second one. Each is due at `due_at`.
    """
    await tx.execute(
        """INSERT INTO purchase (tenant, shipment_id, route_version, account_tenant, carrier, account, state, due_at)
           SELECT *, 'intent', $7 FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[])""",
        *transposed([(*key, *account) for key, account in begun]), due_at,
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


async def lock_purchase(tx: Transaction, key: PurchaseKey) -> TakenPurchase:
    """Lock one purchase, which exists. The caller holds its shipment."""
    row = await tx.fetchrow(
        "SELECT * FROM purchase WHERE tenant = $1 AND shipment_id = $2 AND route_version = $3 FOR NO KEY UPDATE", *key
    )
    if row is None:
        raise LookupError(f"no purchase {key}")
    return _taken(row)


async def lock_purchases(tx: Transaction, keys: Collection[PurchaseKey]) -> dict[PurchaseKey, TakenPurchase]:
    """Lock those of these labels that were bought over the network. The caller holds their shipments."""
    rows = await tx.fetch(
        """SELECT p.* FROM purchase p JOIN unnest($1::text[], $2::text[], $3::int[]) u(tenant, shipment_id, route_version)
             USING (tenant, shipment_id, route_version)
           ORDER BY p.tenant, p.shipment_id, p.route_version FOR NO KEY UPDATE OF p""",
        *transposed(sorted(keys)),
    )
    return {taken.purchase.key: taken for taken in map(_taken, rows)}


async def save_purchase(tx: Transaction, purchase: LabelPurchase) -> None:
    """Write a locked purchase back."""
    await tx.execute(
        f"UPDATE purchase SET {_SET} WHERE tenant = $1 AND shipment_id = $2 AND route_version = $3",  # noqa: S608 - names of our own fields
        *purchase.key, *astuple(purchase)[1:],
    )  # fmt: skip


async def note_attempt(tx: Transaction, key: PurchaseKey, attempt: int, account: AccountKey) -> None:
    """Remember an attempt before it is sent: whatever happens then, its reference can be traced."""
    await tx.execute(
        """INSERT INTO purchase_attempt
             (reference, tenant, shipment_id, route_version, attempt, account_tenant, carrier, account, sent_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        reference_of(key, attempt), *key, attempt, *account, tx.now,
    )  # fmt: skip


async def note_suspected(tx: Transaction, reference: str, check_at: datetime) -> None:
    """Keep an attempt under suspicion until the carrier's list of labels, or its look-ups, clear it."""
    await tx.execute(
        "UPDATE purchase_attempt SET suspected = true, check_at = $2 WHERE reference = $1", reference, check_at
    )


async def attempt_sent_at(tx: Transaction, reference: str) -> datetime:
    """Return the business time at which an attempt was first sent."""
    found: datetime = await tx.fetchval("SELECT sent_at FROM purchase_attempt WHERE reference = $1", reference)
    return found


async def save_documents(tx: Transaction, key: PurchaseKey, documents: Sequence[Document]) -> None:
    """Keep what the carrier printed, sealed, parcel by parcel."""
    await tx.execute(
        """INSERT INTO label_document (tenant, shipment_id, route_version, parcel, media_type, content)
           SELECT $1, $2, $3, * FROM unnest($4::int[], $5::text[], $6::bytea[])""",
        *key, list(range(1, len(documents) + 1)), [each.media_type for each in documents],
        [each.content for each in documents],
    )  # fmt: skip


async def label_documents(tx: Transaction, keys: Sequence[PurchaseKey]) -> dict[PurchaseKey, list[Document]]:
    """Return what carriers printed, in the order of the parcels; nothing for labels of our own."""
    rows = await tx.fetch(
        """SELECT d.* FROM label_document d JOIN unnest($1::text[], $2::text[], $3::int[])
             u(tenant, shipment_id, route_version) USING (tenant, shipment_id, route_version) ORDER BY d.parcel""",
        *(transposed(keys) if keys else ([], [], [])),
    )
    found: dict[PurchaseKey, list[Document]] = {}
    for row in rows:
        key = PurchaseKey(row["tenant"], row["shipment_id"], row["route_version"])
        found.setdefault(key, []).append(Document(row["media_type"], row["content"]))
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
    return LabelPurchase(PurchaseKey(row["tenant"], row["shipment_id"], row["route_version"]), **values)


def _taken(row: Any) -> TakenPurchase:
    account = AccountKey(row["account_tenant"], row["carrier"], row["account"])
    return TakenPurchase(purchase_of(row), account)


async def purchased_route(tx: Transaction, key: PurchaseKey) -> RouteChosen:
    """Return the route a purchase is about, as its label keeps it."""
    kept = await tx.fetchval(
        "SELECT route FROM label WHERE tenant = $1 AND shipment_id = $2 AND route_version = $3", *key
    )
    return RouteChosen.model_validate_json(kept)


async def activate_label(tx: Transaction, key: PurchaseKey, carrier: str, printed: Sequence[tuple[str, str]]) -> None:
    """Make the label that was being bought the shipment's own; `printed` holds number and SHA-256 of each parcel."""
    numbers, hashes = columns(printed)
    await tx.execute(
        """UPDATE label SET state = 'active', tracking_numbers = $4, label_sha256 = $5, created_at = $6, changed_at = $6
           WHERE tenant = $1 AND shipment_id = $2 AND route_version = $3 AND state = 'buying'""",
        *key, numbers, hashes, tx.now,
    )  # fmt: skip
    await tx.execute(
        """INSERT INTO tracking_number (carrier, number, tenant, shipment_id, route_version, parcel)
           SELECT $1, number, $2, $3, $4, parcel FROM unnest($5::text[]) WITH ORDINALITY u(number, parcel)
           WHERE number <> 'pending' ON CONFLICT DO NOTHING""",
        carrier, *key, numbers,
    )  # fmt: skip


async def withdraw_label(tx: Transaction, key: PurchaseKey) -> None:
    """Give up a label that was not bought after all."""
    await tx.execute(
        """UPDATE label SET state = 'withdrawn', changed_at = $4
           WHERE tenant = $1 AND shipment_id = $2 AND route_version = $3 AND state = 'buying'""",
        *key, tx.now,
    )  # fmt: skip
