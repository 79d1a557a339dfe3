"""Master data of a tenant: warehouses, products, what it wants done with corrections of addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from linkstar_contracts.values import Warehouse
from linkstar_ingest.domain.addresses import CorrectionPolicy
from linkstar_ingest.domain.products import Product


async def load_warehouses(tx: Any, tenants: Iterable[str]) -> dict[str, dict[str, Warehouse]]:
    """Return all warehouses of these tenants, by tenant and code."""
    rows = await tx.fetch(
        "SELECT tenant, code, country, postcode, timezone FROM warehouse WHERE tenant = ANY($1) ORDER BY tenant, code",
        sorted(set(tenants)),
    )
    found: dict[str, dict[str, Warehouse]] = {}
    for row in rows:
        values = {name: row[name] for name in ("code", "country", "postcode", "timezone")}
        found.setdefault(row["tenant"], {})[row["code"]] = Warehouse(**values)
    return found


async def put_warehouses(tx: Any, tenant: str, warehouses: Sequence[Warehouse]) -> None:
    """Insert or replace warehouses of a tenant."""
    await tx.execute(
        """INSERT INTO warehouse (tenant, code, country, postcode, timezone, updated_at)
           SELECT $1, u.*, $6 FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) u
           ON CONFLICT (tenant, code) DO UPDATE SET country = excluded.country, postcode = excluded.postcode,
               timezone = excluded.timezone, updated_at = excluded.updated_at""",
        tenant, [house.code for house in warehouses], [house.country for house in warehouses],
        [house.postcode for house in warehouses], [house.timezone for house in warehouses], tx.now,
    )  # fmt: skip


async def load_products(tx: Any, tenant: str, skus: Iterable[str]) -> dict[str, Product]:
    """Return the products of a tenant that exist among `skus`."""
    rows = await tx.fetch(
        "SELECT sku, body FROM product WHERE tenant = $1 AND sku = ANY($2)", tenant, sorted(set(skus))
    )
    return {row["sku"]: Product.model_validate_json(row["body"]) for row in rows}


async def put_products(tx: Any, tenant: str, products: Sequence[Product]) -> None:
    """Insert or replace products of a tenant."""
    await tx.execute(
        """INSERT INTO product (tenant, sku, body, updated_at)
           SELECT $1, u.sku, u.body, $4 FROM unnest($2::text[], $3::jsonb[]) u(sku, body)
           ON CONFLICT (tenant, sku) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at""",
        tenant, [product.sku for product in products], [product.model_dump_json() for product in products], tx.now,
    )  # fmt: skip


class Terms(NamedTuple):
    """What a tenant's orders are judged by."""

    warehouses: dict[str, Warehouse]
    corrections: CorrectionPolicy


async def load_terms(tx: Any, tenants: set[str]) -> dict[str, Terms]:
    """Return the terms of every one of these tenants."""
    warehouses, policies = await load_warehouses(tx, tenants), await load_policies(tx, tenants)
    return {tenant: Terms(warehouses.get(tenant, {}), policies.get(tenant, "apply")) for tenant in tenants}


async def load_policies(tx: Any, tenants: Iterable[str]) -> dict[str, CorrectionPolicy]:
    """Return what these tenants want done with corrections, where they said so."""
    rows = await tx.fetch("SELECT tenant, corrections FROM address_policy WHERE tenant = ANY($1)", sorted(set(tenants)))
    return {row["tenant"]: row["corrections"] for row in rows}


async def put_policy(tx: Any, tenant: str, policy: CorrectionPolicy) -> None:
    """Insert or replace a tenant's policy."""
    await tx.execute(
        """INSERT INTO address_policy (tenant, corrections, updated_at) VALUES ($1, $2, $3)
           ON CONFLICT (tenant) DO UPDATE SET corrections = excluded.corrections, updated_at = excluded.updated_at""",
        tenant, policy, tx.now,
    )  # fmt: skip
