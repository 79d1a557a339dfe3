"""Published rule sets. The newest version of a tenant is in force; publishing takes the tenant's lock first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from linkstar_router.domain.shipment import Content
from linkstar_runtime.handling import Transaction

__all__ = ["Published", "heads", "newest", "publish", "recent_contents", "rule_set", "rule_sets", "wake_held"]


class Published(NamedTuple):
    """One version of a tenant's rules."""

    version: int
    digest: str
    document: str
    note: str
    published_at: datetime
    published_by: str

    @property
    def name(self) -> str:
        """The version as decisions and events name it."""
        return f"{self.version}.{self.digest}"


_COLUMNS = "version, digest, document, note, published_at, published_by"


async def heads(tx: Transaction, tenants: Collection[str]) -> dict[str, str]:
    """Return the name of the version in force for each of these tenants that has rules."""
    rows = await tx.fetch(
        "SELECT DISTINCT ON (tenant) tenant, version || '.' || digest AS name FROM rule_set "
        "WHERE tenant = ANY($1::text[]) ORDER BY tenant, version DESC",
        sorted(tenants),
    )
    return {row["tenant"]: row["name"] for row in rows}


async def newest(tx: Transaction, tenant: str) -> Published | None:
    """Return the version in force, if the tenant has rules."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM rule_set WHERE tenant = $1 ORDER BY version DESC LIMIT 1",  # noqa: S608 - constants
        tenant,
    )
    return None if row is None else Published(*row)


async def rule_set(tx: Transaction, tenant: str, version: int) -> Published | None:
    """Return one version, if it was ever published."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM rule_set WHERE tenant = $1 AND version = $2",  # noqa: S608 - constants only
        tenant,
        version,
    )
    return None if row is None else Published(*row)


async def rule_sets(tx: Transaction, tenant: str, limit: int) -> list[Published]:
    """Return the newest versions, newest first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM rule_set WHERE tenant = $1 ORDER BY version DESC LIMIT $2",  # noqa: S608
        tenant,
        limit,
    )
    return [Published(*row) for row in rows]


async def publish(tx: Transaction, tenant: str, digest: str, document: str, note: str, key_id: str) -> Published:
    """Put a rule set in force and return it; publishing what is in force already changes nothing."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('rule_set ' || $1, 0))", tenant)
    known = await newest(tx, tenant)
    if known is not None and known.digest == digest:
        return known
    published = Published(known.version + 1 if known else 1, digest, document, note, tx.now, key_id)
    await tx.execute(
        f"INSERT INTO rule_set (tenant, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)",  # noqa: S608 - constants
        tenant,
        *published,
    )
    return published


async def wake_held(tx: Transaction, tenant: str) -> None:
    """Let every held shipment of a tenant be tried again soon: what held it may be gone."""
    await tx.execute("UPDATE shipment SET next_try_at = $2 WHERE tenant = $1 AND state = 'held'", tenant, tx.now)


async def recent_contents(tx: Transaction, tenant: str, since: datetime, limit: int) -> list[tuple[Content, datetime]]:
    """Return the newest content of a tenant's shipments decided since a time, with the time, latest first."""
    rows = await tx.fetch(
        "SELECT s.content, d.decided_at FROM decision d JOIN shipment s USING (tenant, shipment_id) "
        "WHERE d.tenant = $1 AND d.decided_at >= $2 AND d.sequence = s.decisions AND s.content IS NOT NULL "
        "ORDER BY d.decided_at DESC LIMIT $3",
        tenant,
        since,
        limit,
    )
    return [(Content.model_validate_json(row["content"]), row["decided_at"]) for row in rows]
