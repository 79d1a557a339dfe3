"""Parcels that carriers are asked for: which are due, who asks, and when next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.polling import Poll
from linkstar_tracker.store.numbers import Number, NumberOwner
from linkstar_tracker.store.rows import columns
from linkstar_tracker.store.tracking_accounts import TrackingAccountKey

__all__ = [
    "DueParcel", "drop_polls", "due_parcels", "enrol_next", "enrol_numbers", "heed_hints", "lease_polls", "plan_polls",
    "release_polls",
]  # fmt: skip


HINTED = "hinted"


class DueParcel(NamedTuple):
    """A parcel whose question is due."""

    carrier: str
    tracking_number: str
    tenant: str
    shipment_id: str
    asked_at: datetime | None
    failures: int
    last_end: str
    planned: bool
    """False of one that nobody has looked at yet."""
    stands_for: str | None
    """The label's number, of one that the parcel travels on under."""

    @property
    def hinted(self) -> bool:
        """The carrier hinted at it: it is asked for whatever its plan says."""
        return self.last_end == HINTED

    @property
    def number(self) -> Number:
        return self.carrier, self.tracking_number


async def enrol_numbers(tx: Transaction, numbers: Mapping[Number, NumberOwner], tests: Iterable[Number]) -> None:
    """Follow those of these numbers that an account can ask for and that belong to the owner given; due at once, which means
    only that it is then planned when to ask first.
    """
    flat = [(*number, owner.tenant, owner.shipment_id) for number, owner in sorted(numbers.items(), key=lambda n: n[0])]
    marked = set(tests)
    await tx.execute(
        "INSERT INTO poll_due (carrier, tracking_number, tenant, shipment_id, test, known_at, due_at) "
        "SELECT u.carrier, u.number, u.tenant, u.shipment_id, u.test, $6, $6 FROM unnest($1::text[], $2::text[], "
        "$3::text[], $4::text[], $5::bool[]) u(carrier, number, tenant, shipment_id, test) "
        "WHERE EXISTS (SELECT FROM tracking_account a WHERE a.carrier = u.carrier AND a.test = u.test "
        "AND a.tenant IN (u.tenant, '*')) AND EXISTS (SELECT FROM tracking_number n WHERE n.carrier = u.carrier "
        "AND n.tracking_number = u.number AND n.tenant = u.tenant AND n.shipment_id = u.shipment_id) "
        "ORDER BY 1, 2 ON CONFLICT (carrier, tracking_number) DO UPDATE SET tenant = EXCLUDED.tenant, "
        "shipment_id = EXCLUDED.shipment_id, test = EXCLUDED.test, known_at = EXCLUDED.known_at, due_at = EXCLUDED.due_at, "
        "asked_at = NULL, failures = 0, last_end = '' "
        "WHERE (poll_due.tenant, poll_due.shipment_id) <> (EXCLUDED.tenant, EXCLUDED.shipment_id)",
        *columns(flat, 4), [row[:2] in marked for row in flat], tx.now,
    )  # fmt: skip


async def enrol_next(tx: Transaction, carrier: str, wall: datetime, limit: int) -> bool:
    """Follow the next portion of parcels that were under way when an account was bound, and once a day all that were missed.
    True where there is more.
    """
    account = await tx.fetchrow(
        "SELECT * FROM tracking_account WHERE carrier = $1 AND (enrolled_to IS NOT NULL OR enrolled_at < $2::timestamptz "
        "- interval '1 day') ORDER BY enrolled_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
        carrier, wall,
    )  # fmt: skip
    if account is None:
        return False
    last = await tx.fetchval(
        "WITH page AS (SELECT * FROM tracking_number WHERE carrier = $1 AND tracking_number > $2 "
        "ORDER BY tracking_number LIMIT $3), made AS (INSERT INTO poll_due (carrier, tracking_number, tenant, shipment_id, "
        "test, known_at, due_at) SELECT n.carrier, n.tracking_number, n.tenant, n.shipment_id, $5, $6, $6 FROM page n "
        "JOIN tracker t USING (tenant, shipment_id) WHERE $4 IN (n.tenant, '*') AND NOT t.voided "
        "AND t.status NOT IN ('delivered', 'returned', 'cancelled') "
        "AND COALESCE((t.label::jsonb ->> 'test')::boolean, false) = $5 ORDER BY 1, 2 ON CONFLICT DO NOTHING) "
        "SELECT max(tracking_number) FROM page",
        carrier, account["enrolled_to"] or "", limit, account["tenant"], account["test"], tx.now,
    )  # fmt: skip
    await tx.execute(
        "UPDATE tracking_account SET enrolled_to = $4, enrolled_at = $5 WHERE tenant = $1 AND carrier = $2 AND test = $3",
        account["tenant"], carrier, account["test"], last, wall,
    )  # fmt: skip
    return True


async def heed_hints(tx: Transaction, key: TrackingAccountKey, wall: datetime, limit: int) -> None:
    """Make parcels due that their carrier hinted at and that have an owner, and drop those hints. A question under way may
    have been answered before the hint: its parcel waits until it has ended.
    """
    await tx.execute(
        "WITH hint AS (DELETE FROM poll_hint WHERE ctid IN (SELECT h.ctid FROM poll_hint h JOIN tracking_number n "
        "USING (carrier, tracking_number, tenant) JOIN tracker t USING (tenant, shipment_id) WHERE h.carrier = $2 "
        "AND $1 IN (h.tenant, '*') AND COALESCE((t.label::jsonb ->> 'test')::boolean, false) = $3 AND NOT EXISTS ("
        "SELECT FROM poll_due p WHERE p.carrier = h.carrier AND p.tracking_number = h.tracking_number "
        "AND p.leased_until >= $6) "
        "ORDER BY h.hinted_at LIMIT $4 FOR UPDATE OF h SKIP LOCKED) RETURNING carrier, tracking_number, tenant) "
        "INSERT INTO poll_due AS p (carrier, tracking_number, tenant, shipment_id, test, known_at, due_at, last_end) "
        "SELECT carrier, tracking_number, tenant, n.shipment_id, $3, to_timestamp(0), to_timestamp(0), $5 FROM hint "
        "JOIN tracking_number n USING (carrier, tracking_number, tenant) ORDER BY 1, 2 "
        "ON CONFLICT (carrier, tracking_number) DO UPDATE SET due_at = EXCLUDED.due_at, "
        "known_at = EXCLUDED.known_at, last_end = EXCLUDED.last_end",
        *key, limit, HINTED, wall,
    )  # fmt: skip


async def due_parcels(tx: Transaction, key: TrackingAccountKey, wall: datetime, limit: int) -> list[DueParcel]:
    """Return the parcels an account is to ask for, locked, the most urgent first: those whose bearable wait has passed most
    times over.
    """
    rows = await tx.fetch(
        "SELECT carrier, tracking_number, tenant, shipment_id, asked_at, failures, last_end, due_at > known_at, "
        "(SELECT n.stands_for FROM tracking_number n WHERE n.carrier = p.carrier AND n.tracking_number = p.tracking_number) "
        "FROM poll_due p WHERE p.carrier = $2 AND p.test = $3 AND p.due_at <= $4 "
        "AND (p.leased_until IS NULL OR p.leased_until < $5) "
        "AND (p.tenant = $1 OR $1 = '*' AND NOT EXISTS (SELECT FROM tracking_account o WHERE o.tenant = p.tenant "
        "AND o.carrier = p.carrier AND o.test = p.test)) "
        "ORDER BY extract(epoch FROM $4 - p.known_at) / greatest(extract(epoch FROM p.due_at - p.known_at), 1) DESC "
        "LIMIT $6 FOR UPDATE OF p SKIP LOCKED",
        *key, tx.now, wall, limit,
    )  # fmt: skip
    return [DueParcel(*row) for row in rows]


async def lease_polls(tx: Transaction, parcels: Sequence[DueParcel], until: datetime) -> None:
    """Keep other processes from asking for these parcels, until a moment of real time at most."""
    await tx.execute(
        "UPDATE poll_due p SET leased_until = $3 FROM unnest($1::text[], $2::text[]) u(carrier, number) "
        "WHERE p.carrier = u.carrier AND p.tracking_number = u.number",
        *columns([parcel.number for parcel in parcels], 2), until,
    )  # fmt: skip


async def plan_polls(
    tx: Transaction, plans: Sequence[tuple[Number, Poll, datetime | None, int, str]]
) -> None:  # fmt: skip
    """Store when parcels are asked for next, when they were last, how often that failed in a row and how it ended; end the
    lease.
    """
    flat = [(*number, *poll, *rest) for number, poll, *rest in plans]
    await tx.execute(
        "UPDATE poll_due p SET known_at = u.known_at, due_at = u.due_at, asked_at = u.asked_at, failures = u.failures, "
        "last_end = u.last_end, leased_until = NULL FROM unnest($1::text[], $2::text[], $3::timestamptz[], "
        "$4::timestamptz[], $5::timestamptz[], $6::int[], $7::text[]) "
        "u(carrier, number, known_at, due_at, asked_at, failures, last_end) "
        "WHERE p.carrier = u.carrier AND p.tracking_number = u.number",
        *columns(flat, 7),
    )  # fmt: skip


async def release_polls(tx: Transaction, numbers: Sequence[Number]) -> None:
    """End the lease of parcels that were not asked for: they stay due."""
    await tx.execute(
        "UPDATE poll_due p SET leased_until = NULL FROM unnest($1::text[], $2::text[]) u(carrier, number) "
        "WHERE p.carrier = u.carrier AND p.tracking_number = u.number",
        *columns(numbers, 2),
    )  # fmt: skip


async def drop_polls(tx: Transaction, numbers: Sequence[Number]) -> None:
    """Follow parcels no longer."""
    await tx.execute(
        "DELETE FROM poll_due p USING unnest($1::text[], $2::text[]) u(carrier, number) "
        "WHERE p.carrier = u.carrier AND p.tracking_number = u.number",
        *columns(numbers, 2),
    )  # fmt: skip
