"""Sellers' own tariff packs, by tenant, name and version. Importing takes the tenant's lock; rows never change."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from linkstar_runtime.handling import Transaction

__all__ = ["Extent", "Imported", "heads", "import_pack", "in_force", "texts_of", "version_of", "withdraw"]

_COLUMNS = "pack, version, digest, valid_from, valid_to, services, withdrawn, imported_at, imported_by"


class Imported(NamedTuple):
    """One version of a pack, without its files."""

    pack: str
    version: int
    digest: str
    valid_from: date | None
    valid_to: date | None
    services: Sequence[str]
    withdrawn: bool
    imported_at: datetime
    imported_by: str


class Extent(NamedTuple):
    """What a pack is about, as far as it is stored beside its files."""

    valid_from: date | None
    valid_to: date | None
    services: Sequence[str]


async def heads(tx: Transaction, tenants: Collection[str]) -> dict[str, list[str]]:
    """Return the packs of each of these tenants that are not withdrawn, as `name.version`, that imported last at the end."""
    rows = await tx.fetch(
        "SELECT tenant, pack || '.' || version AS name FROM (SELECT DISTINCT ON (tenant, pack) tenant, pack, version, "
        "withdrawn, imported_at FROM tariff_pack WHERE tenant = ANY($1::text[]) ORDER BY tenant, pack, version DESC) "
        "AS newest WHERE NOT withdrawn ORDER BY tenant, imported_at, pack",
        sorted(tenants),
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["tenant"], []).append(row["name"])
    return found


async def texts_of(tx: Transaction, tenant: str, names: Sequence[str]) -> dict[str, tuple[str, dict[str, str]]]:
    """Return hash and files of imported versions by their `name.version`; those that were never imported are left out."""
    parts = [name.rpartition(".") for name in names]
    rows = await tx.fetch(
        "SELECT pack || '.' || version AS name, digest, texts FROM tariff_pack "
        "WHERE tenant = $1 AND (pack, version) IN (SELECT * FROM unnest($2::text[], $3::int[]))",
        tenant,
        [pack for pack, _, _ in parts],
        [int(version) for _, _, version in parts],
    )
    return {row["name"]: (row["digest"], _texts(row["texts"])) for row in rows}


async def in_force(tx: Transaction, tenant: str) -> list[Imported]:
    """Return the newest version of every pack of a tenant, withdrawn ones too, by name."""
    rows = await tx.fetch(
        f"SELECT DISTINCT ON (pack) {_COLUMNS} FROM tariff_pack WHERE tenant = $1 "  # noqa: S608 - constants only
        "ORDER BY pack, version DESC",
        tenant,
    )
    return [Imported(*row) for row in rows]


async def version_of(tx: Transaction, tenant: str, pack: str, version: int) -> tuple[Imported, dict[str, str]] | None:
    """Return one version with its files, if it was ever imported."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS}, texts FROM tariff_pack "  # noqa: S608 - constants only
        "WHERE tenant = $1 AND pack = $2 AND version = $3",
        tenant,
        pack,
        version,
    )
    return None if row is None else (Imported(*tuple(row)[:-1]), _texts(row["texts"]))


async def import_pack(
    tx: Transaction, tenant: str, pack: str, texts: Mapping[str, str], digest: str, extent: Extent, key_id: str
) -> tuple[Imported, bool]:
    """Store a pack as its next version; True when it is new, False when the newest version is the same already."""
    known = await _newest(tx, tenant, pack)
    if known is not None and known.digest == digest and not known.withdrawn:
        return known, False
    made = Imported(pack, _next(known), digest, *extent, False, tx.now, key_id)
    await _insert(tx, tenant, made, texts)
    return made, True


async def withdraw(tx: Transaction, tenant: str, pack: str, key_id: str) -> Imported | None:
    """Put a pack out of force with a version of its own; None when the tenant has no such pack."""
    known = await _newest(tx, tenant, pack)
    if known is None or known.withdrawn:
        return known
    made = known._replace(version=known.version + 1, withdrawn=True, imported_at=tx.now, imported_by=key_id)
    await _insert(tx, tenant, made, {})
    return made


async def _newest(tx: Transaction, tenant: str, pack: str) -> Imported | None:
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('tariff_pack ' || $1, 0))", tenant)
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM tariff_pack WHERE tenant = $1 AND pack = $2 "  # noqa: S608 - constants only
        "ORDER BY version DESC LIMIT 1",
        tenant,
        pack,
    )
    return None if row is None else Imported(*row)


def _next(known: Imported | None) -> int:
    return 1 if known is None else known.version + 1


async def _insert(tx: Transaction, tenant: str, made: Imported, texts: Mapping[str, str]) -> None:
    await tx.execute(
        f"INSERT INTO tariff_pack (tenant, {_COLUMNS}, texts) "  # noqa: S608 - constants only
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb)",
        tenant,
        *made,
        json.dumps(dict(texts)),
    )


def _texts(stored: Any) -> dict[str, str]:
    texts: dict[str, str] = json.loads(stored) if isinstance(stored, str) else dict(stored)
    return texts
