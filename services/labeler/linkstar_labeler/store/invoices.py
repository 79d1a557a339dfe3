"""Invoice lines, what they are matched against, and disputes about them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from linkstar_contracts.values import GRAMS_PER_UNIT
from linkstar_labeler.domain.charge_codes import expected_by_code
from linkstar_labeler.domain.invoice_matching import BilledBefore, BoughtParcel, Kind, Match
from linkstar_labeler.domain.invoices import BookedLine
from linkstar_labeler.domain.ledger import Account
from linkstar_labeler.store.arrays import columns
from linkstar_runtime.handling import Transaction

__all__ = [
    "PLATFORM", "add_lines", "billed_before", "booked_line", "bought_parcels", "known_lines", "lock_importer",
    "lock_line", "set_states", "set_tolerance", "tolerances",
]  # fmt: skip

PLATFORM = "platform"
"""The tenant whose invoices are about everybody's labels; any other's are about its own."""
_AT_ONCE = 5_000
_WRITTEN_AT_ONCE = 1_000
_GIVEN_UP = frozenset({"voided", "withdrawn"})


async def lock_importer(tx: Transaction, tenant: str, carrier: str) -> None:
    """Let one import of a tenant and carrier work at a time."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 20))", f"{tenant}|{carrier}")


async def bought_parcels(tx: Transaction, tenant: str, carrier: str, numbers: Sequence[str]) -> dict[str, BoughtParcel]:
    """Return what is known of these tracking numbers: of the tenant's labels, of all for the platform."""
    found: dict[str, BoughtParcel] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        rows = await tx.fetch(
            """SELECT n.number, n.parcel, l.tenant, l.shipment_id, l.shard, l.state, l.currency, l.route, s.accepted,
                      cardinality(l.tracking_numbers) AS parcels
               FROM tracking_number n JOIN label l USING (tenant, shipment_id, route_version)
               JOIN shipment s USING (tenant, shipment_id)
               WHERE n.carrier = $1 AND n.number = ANY($2::text[]) AND ($3 = $4 OR n.tenant = $3)""",
            carrier, numbers[start : start + _AT_ONCE], tenant, PLATFORM,
        )  # fmt: skip
        found |= await asyncio.to_thread(_parcels, rows)
    return found


def _parcels(rows: Iterable[Any]) -> dict[str, BoughtParcel]:
    return {row["number"]: _parcel(row) for row in rows}


def _parcel(row: Any) -> BoughtParcel:
    chosen = json.loads(row["route"])["route"]
    weight = chosen["billable_weight"]
    charged = [(line["code"], line["amount"]["amount_minor"]) for line in chosen["lines"]]
    grams = Decimal(str(weight["value"])) * GRAMS_PER_UNIT[weight["unit"]] if row["parcels"] == 1 else None
    return BoughtParcel(
        row["tenant"], row["shipment_id"], row["shard"], row["state"] not in _GIVEN_UP, row["accepted"], row["currency"],
        row["parcel"], row["parcels"], expected_by_code(charged), grams,
    )  # fmt: skip


async def billed_before(tx: Transaction, tenant: str, carrier: str, numbers: Sequence[str]) -> list[BilledBefore]:
    """Return what earlier imports billed under these tracking numbers."""
    rows = await tx.fetch(
        """SELECT tracking_number, charge_code, carrier_code, billed_minor FROM invoice_line
           WHERE tenant = $1 AND carrier = $2 AND tracking_number = ANY($3::text[]) AND tracking_number <> ''
           ORDER BY arrival""",
        tenant, carrier, numbers,
    )  # fmt: skip
    return [BilledBefore(*row) for row in rows]


async def known_lines(
    tx: Transaction, tenant: str, carrier: str, invoices: Sequence[str]
) -> dict[tuple[str, int], tuple[date, str, str, int, str]]:
    """Return the content of the lines that are there already, by invoice and line."""
    rows = await tx.fetch(
        """SELECT invoice_number, line, invoice_date, tracking_number, carrier_code, billed_minor, currency
           FROM invoice_line WHERE tenant = $1 AND carrier = $2 AND invoice_number = ANY($3::text[])""",
        tenant, carrier, invoices,
    )  # fmt: skip
    return {(row[0], row[1]): tuple(row)[2:] for row in rows}


async def add_lines(tx: Transaction, lines: Sequence[tuple[BookedLine, Match]], key_id: str) -> None:
    """Keep judged lines."""
    for start in range(0, len(lines), _WRITTEN_AT_ONCE):
        rows = [_row(booked, found) for booked, found in lines[start : start + _WRITTEN_AT_ONCE]]
        await tx.execute(
            """INSERT INTO invoice_line (tenant, carrier, invoice_number, line, invoice_date, tracking_number, charge_code,
                 carrier_code, description, currency, billed_minor, expected_minor, billed_grams, kind, state, owner,
                 shipment_id, shard, imported_at, changed_at, key_id)
               SELECT *, $19, $19, $20 FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::date[], $6::text[],
                 $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::numeric[], $14::text[],
                 $15::text[], $16::text[], $17::text[], $18::int[])""",
            *map(list, zip(*rows, strict=True)), tx.now, key_id,
        )  # fmt: skip


def _row(booked: BookedLine, found: Match) -> tuple[object, ...]:
    line = found.line
    return (
        booked.tenant, booked.carrier, line.invoice_number, line.line, line.invoice_date, line.tracking_number, line.code,
        line.carrier_code, line.description, booked.currency, booked.billed_minor, booked.expected_minor, line.grams,
        booked.kind.value, booked.state, booked.owner, booked.shipment_id, booked.shard,
    )  # fmt: skip


async def tolerances(tx: Transaction, accounts: Iterable[Account]) -> Mapping[Account, int]:
    """Return up to which excess each of these tenants pays at once, by tenant and currency; absent ones never do."""
    rows = await tx.fetch(
        """SELECT tenant, currency, auto_up_to_minor FROM invoice_policy
           JOIN unnest($1::text[], $2::text[]) u(tenant, currency) USING (tenant, currency)""",
        *columns(sorted(set(accounts))),
    )
    return {(row["tenant"], row["currency"]): row["auto_up_to_minor"] for row in rows}


async def set_tolerance(tx: Transaction, account: Account, auto_up_to_minor: int, key_id: str) -> None:
    """Set up to which excess a tenant pays at once."""
    await tx.execute(
        """INSERT INTO invoice_policy (tenant, currency, auto_up_to_minor, key_id, changed_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (tenant, currency) DO UPDATE SET auto_up_to_minor = EXCLUDED.auto_up_to_minor,
             key_id = EXCLUDED.key_id, changed_at = EXCLUDED.changed_at""",
        *account, auto_up_to_minor, key_id, tx.now,
    )  # fmt: skip


async def lock_line(tx: Transaction, tenant: str, carrier: str, invoice_number: str, line: int) -> BookedLine | None:
    """Lock and return a line."""
    row = await tx.fetchrow(
        """SELECT tenant, carrier, invoice_number, invoice_date, line, kind, state, currency, expected_minor, billed_minor,
                  owner, shipment_id, shard
           FROM invoice_line WHERE tenant = $1 AND carrier = $2 AND invoice_number = $3 AND line = $4
           FOR NO KEY UPDATE""",
        tenant, carrier, invoice_number, line,
    )  # fmt: skip
    return booked_line(row) if row else None


def booked_line(row: Any) -> BookedLine:
    """Return a row of the table as a line."""
    return BookedLine(**{**row, "kind": Kind(row["kind"])})


async def set_states(tx: Transaction, lines: Sequence[BookedLine], state: str) -> None:
    """Move locked lines on."""
    await tx.execute(
        """UPDATE invoice_line l SET state = $5, changed_at = $6
           FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) u(tenant, carrier, invoice_number, line)
           WHERE (l.tenant, l.carrier, l.invoice_number, l.line) = (u.tenant, u.carrier, u.invoice_number, u.line)""",
        [line.tenant for line in lines], [line.carrier for line in lines], [line.invoice_number for line in lines],
        [line.line for line in lines], state, tx.now,
    )  # fmt: skip
