"""Sellers' automation rules, the exceptions they have yet to be asked about, and what fired."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.store.rows import alarm_of, columns
from linkstar_tracker.store.shipments import ShipmentKey

__all__ = [
    "Fired", "PastException", "Published", "Review", "due_reviews", "end_reviews", "fired_rules", "firings_of_shipment",
    "newest_rules", "past_exceptions", "past_scans", "publish_rules", "put_off_reviews", "record_firings", "rules_version",
]  # fmt: skip


class Published(NamedTuple):
    """One version of a seller's rules."""

    version: int
    digest: str
    document: str
    changed_at: datetime
    changed_by: str


class Review(NamedTuple):
    """An exception that rules shall be asked about."""

    tenant: str
    exception_id: str
    shipment_id: str


class Fired(NamedTuple):
    """A rule that fired, as it is recorded."""

    tenant: str
    shipment_id: str
    exception_id: str
    rule: str
    rules_version: int
    outcome: str
    why: str
    facts: str
    actions: Sequence[str]
    assignee: str | None
    notify: Sequence[str]


class PastException(NamedTuple):
    """An exception that was, with the label of its shipment."""

    shipment_id: str
    alarm: Alarm
    label: TrackedLabel


_COLUMNS = "version, digest, document, changed_at, changed_by"


async def publish_rules(tx: Transaction, tenant: str, digest: str, document: str, key_id: str) -> Published:
    """Put a document in force and return it; the one in force changes nothing. Whoever waits is asked about at once.

    The caller holds the tenant's rules (`newest_rules(lock=True)`).
    """
    known = (await newest_rules(tx, [tenant])).get(tenant)
    if known is not None and known.digest == digest:
        return known
    published = Published(known.version + 1 if known else 1, digest, document, tx.now, key_id)
    await tx.execute(
        f"INSERT INTO automation (tenant, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)",  # noqa: S608 - constants
        tenant, *published,
    )  # fmt: skip
    await tx.execute(
        "UPDATE exception_review SET due_at = $2 WHERE tenant = $1 AND due_at > $2", tenant, tx.now
    )  # fmt: skip
    return published


async def newest_rules(tx: Transaction, tenants: Iterable[str], *, lock: bool = False) -> dict[str, Published]:
    """Return the rules in force of those of these tenants that have some; `lock` keeps others from changing them."""
    wanted = sorted(set(tenants))
    if lock:
        for tenant in wanted:
            await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('automation ' || $1, 0))", tenant)
    rows = await tx.fetch(
        f"SELECT DISTINCT ON (tenant) tenant, {_COLUMNS} FROM automation "  # noqa: S608 - constants
        "WHERE tenant = ANY($1::text[]) ORDER BY tenant, version DESC",
        wanted,
    )
    return {row["tenant"]: Published(*list(row)[1:]) for row in rows}


async def rules_version(tx: Transaction, tenant: str, version: int) -> Published | None:
    """Return one version, if it was ever in force."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM automation WHERE tenant = $1 AND version = $2",  # noqa: S608 - constants
        tenant, version,
    )  # fmt: skip
    return Published(*row) if row else None


async def due_reviews(tx: Transaction, shards: Sequence[int], limit: int) -> list[Review]:
    """Return up to `limit` exceptions that are due, the longest due first."""
    rows = await tx.fetch(
        "SELECT tenant, exception_id, shipment_id FROM exception_review WHERE shard = ANY($1::int[]) AND due_at <= $2 "
        "ORDER BY due_at LIMIT $3",
        list(shards), tx.now, limit,
    )  # fmt: skip
    return [Review(*row) for row in rows]


async def put_off_reviews(tx: Transaction, reviews: Sequence[tuple[Review, datetime]]) -> None:
    """Ask about these exceptions again at these times. The caller holds their shipments."""
    if reviews:
        await tx.execute(
            "UPDATE exception_review r SET due_at = u.due_at FROM unnest($1::text[], $2::text[], $3::timestamptz[]) "
            "u(tenant, exception_id, due_at) WHERE r.tenant = u.tenant AND r.exception_id = u.exception_id",
            *columns([(each.tenant, each.exception_id, due_at) for each, due_at in reviews], 3),
        )  # fmt: skip


async def end_reviews(tx: Transaction, reviews: Sequence[Review]) -> None:
    """Ask about these exceptions no more."""
    if reviews:
        await tx.execute(
            "DELETE FROM exception_review r USING unnest($1::text[], $2::text[]) u(tenant, exception_id) "
            "WHERE r.tenant = u.tenant AND r.exception_id = u.exception_id",
            *columns([each[:2] for each in reviews], 2),
        )  # fmt: skip


async def fired_rules(tx: Transaction, reviews: Sequence[Review]) -> dict[tuple[str, str], set[str]]:
    """Return which rules have fired about these exceptions, by tenant and exception id."""
    found: dict[tuple[str, str], set[str]] = {(each.tenant, each.exception_id): set() for each in reviews}
    for row in await tx.fetch(
        "SELECT f.tenant, f.exception_id, f.rule FROM rule_firing f JOIN unnest($1::text[], $2::text[], $3::text[]) "
        "u(tenant, exception_id, shipment_id) USING (tenant, shipment_id, exception_id)",
        *columns(reviews, 3),
    ):  # fmt: skip
        found[row["tenant"], row["exception_id"]].add(row["rule"])
    return found


async def record_firings(tx: Transaction, fired: Sequence[Fired]) -> None:
    """Record what fired; a rule that fired about an exception before is an error."""
    if fired:
        flat = [(*each[:8], " ".join(each.actions), each.assignee, " ".join(each.notify)) for each in fired]
        await tx.execute(
            "INSERT INTO rule_firing (tenant, shipment_id, exception_id, rule, rules_version, outcome, why, facts, actions, "
            "assignee, notify, fired_at) SELECT u.tenant, u.shipment, u.exception, u.rule, u.version, u.outcome, u.why, "
            "u.facts, string_to_array(u.actions, ' '), u.assignee, string_to_array(u.notify, ' '), $12 FROM "
            "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], "
            "$9::text[], $10::text[], $11::text[]) u(tenant, shipment, exception, rule, version, outcome, why, facts, "
            "actions, assignee, notify)",
            *columns(flat, 11), tx.now,
        )  # fmt: skip


async def firings_of_shipment(tx: Transaction, key: ShipmentKey, limit: int = 200) -> list[Mapping[str, Any]]:
    """Return what fired about a shipment, the oldest first, as JSON-ready data."""
    rows = await tx.fetch(
        "SELECT exception_id, rule, rules_version, fired_at, outcome, why, facts, actions, assignee, notify "
        "FROM rule_firing WHERE tenant = $1 AND shipment_id = $2 ORDER BY fired_at, exception_id, rule LIMIT $3",
        *key, limit,
    )  # fmt: skip
    return [dict(row) | {"fired_at": row["fired_at"].isoformat(), "facts": json.loads(row["facts"])} for row in rows]


async def past_exceptions(
    tx: Transaction, tenant: str, since: datetime, after: tuple[datetime, str], limit: int
) -> list[PastException]:
    """Return exceptions that opened since a time, in order of opening and id, beginning behind `after`."""
    rows = await tx.fetch(
        "SELECT e.*, t.label FROM shipment_exception e JOIN tracker t USING (tenant, shipment_id) WHERE e.tenant = $1 "
        "AND e.opened_at >= $2 AND (e.opened_at, e.exception_id) > ($3, $4) AND t.label IS NOT NULL "
        "ORDER BY e.opened_at, e.exception_id LIMIT $5",
        tenant, since, *after, limit,
    )  # fmt: skip
    return [PastException(row["shipment_id"], alarm_of(row), TrackedLabel.read(row["label"])) for row in rows]


async def past_scans(tx: Transaction, tenant: str, shipment_ids: Iterable[str]) -> dict[str, list[datetime]]:
    """Return when each of these shipments was scanned."""
    wanted = sorted(set(shipment_ids))
    found: dict[str, list[datetime]] = {each: [] for each in wanted}
    for row in await tx.fetch(
        "SELECT shipment_id, scanned_at FROM scan WHERE tenant = $1 AND shipment_id = ANY($2::text[])", tenant, wanted
    ):
        found[row["shipment_id"]].append(row["scanned_at"])
    return found
