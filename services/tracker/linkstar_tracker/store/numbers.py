"""Tracking numbers, their owners, and the scans whose number nobody knows yet."""

# ruff: noqa: S608 - the only parts put together are constant column lists

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from linkstar_contracts.events import CarrierScan
from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.store.rows import PARTED, SCAN_COLUMNS, columns, joined, scan_of, scan_values

__all__ = [
    "NumberOwner", "UnmatchedScan", "claim_numbers", "expire_unmatched", "keep_unmatched", "owners_of",
    "quarantine_scans", "quarantined_scans", "shipments_of_number", "take_matched", "take_unmatched", "unmatched_scans",
]  # fmt: skip

Number: TypeAlias = tuple[str, str]
"""Carrier and tracking number."""


@dataclass(frozen=True, slots=True)
class NumberOwner:
    """The shipment a tracking number belongs to."""

    tenant: str
    shipment_id: str
    order_id: str
    stands_for: str | None = None
    """The label's number, of one that the parcel travels on under."""

    def event(self, scan: Scan) -> CarrierScan:
        """Return the event that records a scan of the number: under the label's, whichever the parcel travels under."""
        under = scan._replace(tracking_number=self.stands_for) if self.stands_for else scan
        return under.event(self.tenant, self.order_id, self.shipment_id)


@dataclass(frozen=True, slots=True)
class UnmatchedScan:
    """A scan of an unknown number, or one set apart; `reporter` is the tenant who told, `*` a carrier that serves all."""

    scan: Scan
    reporter: str
    received_at: datetime
    expires_at: datetime


class Known(NamedTuple):
    """What there is about some of a batch of numbers, whoever told it; what is kept at this very moment may be missed."""

    changed: bool
    """A change of number."""
    awaited: bool
    """A scan that waits for its label."""
    asked: bool
    """An account that may ask their carrier."""


_NUMBERS = ", ".join(f"string_to_array(${place}, {PARTED})" for place in range(1, 6))


async def claim_numbers(tx: Transaction, numbers: Mapping[Number, NumberOwner]) -> Known:
    """Register numbers for their shipments, and return what is known about them. A number that has an owner keeps it, and
    the newcomer is noted as a conflict; one that merely stands for another goes to the label that bears it.
    """
    flat = [(*number, o.tenant, o.shipment_id, o.order_id) for number, o in sorted(numbers.items(), key=lambda n: n[0])]
    values = columns(flat, 5)
    row = await tx.fetchrow(
        f"WITH u AS MATERIALIZED (SELECT * FROM unnest({_NUMBERS}) u(carrier, number, tenant, shipment_id, order_id)), "
        "claimed AS (INSERT INTO tracking_number SELECT u.*, $6 FROM u ORDER BY 1, 2 "
        "ON CONFLICT (carrier, tracking_number) DO UPDATE SET tenant = EXCLUDED.tenant, "
        "shipment_id = EXCLUDED.shipment_id, order_id = EXCLUDED.order_id, stands_for = NULL "
        "WHERE tracking_number.stands_for IS NOT NULL RETURNING 1) "
        "SELECT (SELECT count(*)::int FROM claimed), "
        "EXISTS (SELECT FROM u JOIN number_change c ON c.carrier = u.carrier AND c.tracking_number = u.number), "
        "EXISTS (SELECT FROM u JOIN unmatched_scan s ON s.carrier = u.carrier AND s.tracking_number = u.number), "
        "EXISTS (SELECT FROM tracking_account a WHERE a.carrier IN (SELECT carrier FROM u))",
        *[joined(texts) for texts in values], tx.now,
    )  # fmt: skip
    claimed, *known = row or (0, True, True, True)
    if claimed < len(numbers):
        await _note_conflicts(tx, values)
    return Known(*known)


async def _note_conflicts(tx: Transaction, values: Sequence[Sequence[str]]) -> None:
    """Note those newcomers whose number belongs to another shipment."""
    await tx.execute(
        "INSERT INTO number_conflict SELECT u.carrier, u.number, u.tenant, u.shipment_id, $5 FROM "
        "unnest($1::text[], $2::text[], $3::text[], $4::text[]) u(carrier, number, tenant, shipment_id) "
        "JOIN tracking_number n ON n.carrier = u.carrier AND n.tracking_number = u.number "
        "WHERE (n.tenant, n.shipment_id) <> (u.tenant, u.shipment_id) ON CONFLICT DO NOTHING",
        *values[:4], tx.now,
    )  # fmt: skip


async def owners_of(tx: Transaction, numbers: Iterable[Number]) -> dict[Number, NumberOwner]:
    """Return the owners of those numbers that have one."""
    rows = await tx.fetch(
        "SELECT n.* FROM tracking_number n JOIN unnest($1::text[], $2::text[]) u(carrier, tracking_number) "
        "USING (carrier, tracking_number)",
        *columns(sorted(set(numbers)), 2),
    )  # fmt: skip
    return {
        (row["carrier"], row["tracking_number"]): NumberOwner(
            row["tenant"], row["shipment_id"], row["order_id"], row["stands_for"]
        )
        for row in rows
    }


async def keep_unmatched(tx: Transaction, scans: Sequence[UnmatchedScan]) -> None:
    """Keep scans of unknown numbers until the number is known or they expire."""
    await _keep(tx, "unmatched_scan", scans)


async def quarantine_scans(tx: Transaction, scans: Sequence[UnmatchedScan]) -> None:
    """Set scans apart that cannot be believed, until they expire."""
    await _keep(tx, "quarantined_scan", scans)


async def _keep(tx: Transaction, table: str, scans: Sequence[UnmatchedScan]) -> None:
    flat = [(*scan_values(each.scan), each.reporter, each.received_at, each.expires_at) for each in scans]
    await tx.execute(
        f"INSERT INTO {table} ({SCAN_COLUMNS}, tenant, received_at, expires_at) "
        "SELECT u.carrier, u.number, u.id, u.code, u.body, u.at, u.local, u.zone, u.place::jsonb, u.source, u.retracts, "
        "u.tenant, u.received, u.expires FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
        "$6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], "
        "$13::timestamptz[], $14::timestamptz[]) u(carrier, number, id, code, body, at, local, zone, place, source, "
        "retracts, tenant, received, expires) ORDER BY 1, 2, 12, 3 ON CONFLICT DO NOTHING",
        *columns(flat, 14),
    )  # fmt: skip


_RETURNING = f"u.{SCAN_COLUMNS.replace(', ', ', u.')}, n.tenant AS owner, n.shipment_id, n.order_id, n.stands_for"


async def take_unmatched(tx: Transaction, numbers: Mapping[Number, NumberOwner]) -> list[tuple[Scan, NumberOwner]]:
    """Remove and return the waiting scans of those numbers that truly belong to the owner given."""
    flat = [(*number, owner.tenant, owner.shipment_id) for number, owner in numbers.items()]
    rows = await tx.fetch(
        "DELETE FROM unmatched_scan u USING tracking_number n, "
        "unnest($1::text[], $2::text[], $3::text[], $4::text[]) w(carrier, number, tenant, shipment_id) "
        "WHERE u.carrier = w.carrier AND u.tracking_number = w.number AND n.carrier = w.carrier "
        "AND n.tracking_number = w.number AND n.tenant = w.tenant AND n.shipment_id = w.shipment_id "
        f"AND u.tenant IN ('*', n.tenant) RETURNING {_RETURNING}",
        *columns(flat, 4),
    )  # fmt: skip
    return [(scan_of(row), _owner(row)) for row in rows]


async def take_matched(tx: Transaction, limit: int) -> list[tuple[Scan, NumberOwner]]:
    """Remove and return waiting scans whose number was registered while they were being stored."""
    rows = await tx.fetch(
        "WITH found AS (SELECT u.ctid FROM unmatched_scan u JOIN tracking_number n USING (carrier, tracking_number) "
        "WHERE u.tenant IN ('*', n.tenant) LIMIT $1 FOR UPDATE OF u SKIP LOCKED) "
        "DELETE FROM unmatched_scan u USING tracking_number n WHERE u.ctid IN (SELECT ctid FROM found) "
        f"AND n.carrier = u.carrier AND n.tracking_number = u.tracking_number RETURNING {_RETURNING}",
        limit,
    )  # fmt: skip
    return [(scan_of(row), _owner(row)) for row in rows]


def _owner(row: Any) -> NumberOwner:
    return NumberOwner(row["owner"], row["shipment_id"], row["order_id"], row["stands_for"])


async def expire_unmatched(tx: Transaction, limit: int) -> int:
    """Drop waiting scans and changes of number whose time is over, and scans set apart; return how many."""
    dropped = 0
    for table in ("unmatched_scan", "quarantined_scan", "number_change"):
        done = await tx.execute(
            f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE expires_at <= $1 "
            "ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
            tx.now, limit,
        )  # fmt: skip
        dropped += int(done.rpartition(" ")[2])
    return dropped


async def shipments_of_number(tx: Transaction, tenant: str, tracking_number: str) -> list[str]:
    """Return the tenant's shipments that travel under a tracking number."""
    rows = await tx.fetch(
        "SELECT shipment_id FROM tracking_number WHERE tenant = $1 AND tracking_number = $2 ORDER BY registered_at",
        tenant, tracking_number,
    )  # fmt: skip
    return [row["shipment_id"] for row in rows]


async def unmatched_scans(
    tx: Transaction, reporter: str, after: tuple[str, str, str], limit: int
) -> list[UnmatchedScan]:
    """Return a page of the scans a reporter has waiting, by carrier, number and scan id."""
    return await _page(tx, "unmatched_scan", reporter, after, limit)


async def quarantined_scans(
    tx: Transaction, reporter: str, after: tuple[str, str, str], limit: int
) -> list[UnmatchedScan]:
    """Return a page of a reporter's scans that were set apart, by carrier, number and scan id."""
    return await _page(tx, "quarantined_scan", reporter, after, limit)


async def _page(
    tx: Transaction, table: str, reporter: str, after: tuple[str, str, str], limit: int
) -> list[UnmatchedScan]:
    rows = await tx.fetch(
        f"SELECT {SCAN_COLUMNS}, tenant, received_at, expires_at FROM {table} WHERE tenant = $1 "
        "AND (carrier, tracking_number, scan_id) > ($2, $3, $4) ORDER BY carrier, tracking_number, scan_id LIMIT $5",
        reporter, *after, limit,
    )  # fmt: skip
    return [UnmatchedScan(scan_of(row), row["tenant"], row["received_at"], row["expires_at"]) for row in rows]
