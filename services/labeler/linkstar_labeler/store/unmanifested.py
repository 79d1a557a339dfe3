"""Labels that wait for their manifest, and the numbers that paper bears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any, NamedTuple

from linkstar_contracts.values import GRAMS_PER_UNIT
from linkstar_labeler.domain.manifests import ManifestedLabel
from linkstar_labeler.store.accounts import AccountKey, StoredAccount
from linkstar_runtime.handling import Transaction

__all__ = ["ToCollect", "WaitingLabel", "draw_numbers", "lock_series", "to_collect", "unmanifested", "warehouse_zone"]

_LOOK_BACK = timedelta(days=14)
"""Labels that waited for longer than this are not handed over any more."""
_READ_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class WaitingLabel:
    """A paid label that no manifest holds and no carrier has. Without an account it is of a number range."""

    label: ManifestedLabel
    made_at: datetime
    timezone: str
    country: str
    """Where its warehouse is."""
    account: AccountKey | None
    test: bool = False


class ToCollect(NamedTuple):
    """Parcels and weight for a driver of one account; time zone and country are the warehouse's, as its newest label that
    waits or its manifests tell them.
    """

    parcels: int
    weight_g: int
    timezone: str | None
    country: str


async def lock_series(tx: Transaction, tenant: str, kind: str) -> int:
    """Lock a tenant's paper of a kind and return the last number given."""
    issued: int = await tx.fetchval(
        """INSERT INTO paper_series (tenant, kind, issued) VALUES ($1, $2, 0)
           ON CONFLICT (tenant, kind) DO UPDATE SET issued = paper_series.issued RETURNING issued""",
        tenant, kind,
    )  # fmt: skip
    return issued


async def draw_numbers(tx: Transaction, tenant: str, kind: str, issued: int) -> None:
    """Keep the last number given of a locked series."""
    await tx.execute("UPDATE paper_series SET issued = $3 WHERE tenant = $1 AND kind = $2", tenant, kind, issued)


async def unmanifested(tx: Transaction, tenant: str, warehouse: str, carrier: str) -> list[WaitingLabel]:
    """Lock the shipments whose label of this warehouse and carrier waits, and return the labels in the order they were made.
    Test labels of number ranges never travel, and returns come from the consignee.
    """
    asked = (tenant, warehouse, carrier, tx.now - _LOOK_BACK)
    found = await tx.fetch(_WAITING.format(more=""), *asked)
    named = [row["shipment_id"] for row in found]
    await tx.execute(
        """SELECT FROM shipment WHERE tenant = $1 AND shipment_id = ANY ($2::text[])
           ORDER BY shipment_id FOR NO KEY UPDATE""",
        tenant, named,
    )  # fmt: skip
    rows = await tx.fetch(_WAITING.format(more="AND l.shipment_id = ANY ($5::text[])"), *asked, named)
    return await _read(rows)


_WAITING = """
WITH made AS MATERIALIZED (
  SELECT l.shipment_id, l.route_version, l.service, l.tracking_numbers, l.created_at, l.route, l.carrier,
    p.account_tenant, p.account, p.carrier_id, p.attempt
  FROM label l JOIN shipment s USING (tenant, shipment_id)
    LEFT JOIN purchase p ON (p.tenant, p.shipment_id, p.route_version) = (l.tenant, l.shipment_id, l.route_version)
  WHERE l.tenant = $1 AND l.carrier = $3 AND l.state = 'active' AND l.created_at > $4 AND NOT s.accepted {more}
    AND NOT EXISTS (SELECT FROM manifest_label m WHERE m.tenant = l.tenant AND m.shipment_id = l.shipment_id
      AND m.route_version = l.route_version AND m.held)),
told AS MATERIALIZED (SELECT made.*, convert_from(route, 'UTF8')::jsonb AS chosen FROM made)
SELECT shipment_id, route_version, service, tracking_numbers, created_at, carrier, account_tenant, account, carrier_id,
  attempt, coalesce(chosen ->> 'test', 'false') = 'true' AS test,
  chosen #>> '{{warehouse,timezone}}' AS timezone, chosen #>> '{{warehouse,country}}' AS country,
  chosen -> 'parcels' AS parcels
FROM told WHERE chosen #>> '{{warehouse,code}}' = $2 AND coalesce(chosen ->> 'kind', 'order') = 'order'
  AND (account IS NOT NULL OR coalesce(chosen ->> 'test', 'false') = 'false')
ORDER BY created_at, shipment_id
"""


async def to_collect(tx: Transaction, tenant: str, warehouse: str, account: StoredAccount, day: date) -> ToCollect:
    """Return what a driver of an account gets on a day: the day's manifests of this account, and its labels that wait for
    one. What other accounts bought counts for none of it, and test labels count for test accounts only.
    """
    [row] = await tx.fetch(
        """SELECT coalesce(sum(cardinality(l.tracking_numbers)) FILTER (WHERE its), 0)::int AS parcels,
                  coalesce(sum(l.weight_g) FILTER (WHERE its), 0)::bigint AS weight_g, max(m.country) AS country
           FROM manifest m JOIN manifest_label l USING (tenant, manifest_id),
             LATERAL (SELECT (m.account_tenant, m.account) IS NOT DISTINCT FROM ($5, $6) AS its) of_account
           WHERE m.tenant = $1 AND m.warehouse = $2 AND m.carrier = $3 AND m.day = $4 AND l.held""",
        tenant, warehouse, account.key.carrier, day, account.key.tenant, account.key.account,
    )  # fmt: skip
    found = await tx.fetch(_WAITING.format(more=""), tenant, warehouse, account.key.carrier, tx.now - _LOOK_BACK)
    waiting = await _read(found)
    its = [each for each in waiting if each.account == account.key and (account.test or not each.test)]
    return ToCollect(
        row["parcels"] + sum(len(each.label.tracking_numbers) for each in its),
        row["weight_g"] + sum(each.label.weight_g for each in its),
        waiting[-1].timezone if waiting else None,
        waiting[-1].country if waiting else row["country"] or "",
    )


async def warehouse_zone(tx: Transaction, tenant: str, warehouse: str) -> str | None:
    """Return the time zone of a warehouse as the newest manifest or plan tells it."""
    zone: str | None = await tx.fetchval(
        """SELECT timezone FROM (
             SELECT timezone, created_at AS at FROM manifest WHERE tenant = $1 AND warehouse = $2
             UNION ALL SELECT timezone, changed_at FROM hand_over WHERE tenant = $1 AND warehouse = $2) known
           ORDER BY at DESC LIMIT 1""",
        tenant, warehouse,
    )  # fmt: skip
    return zone


async def _read(rows: Sequence[Any]) -> list[WaitingLabel]:
    """Return what the rows hold; the event loop gets its turn meanwhile."""
    found = []
    for place, row in enumerate(rows, 1):
        found.append(_waiting(row))
        if place % _READ_AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


def _waiting(row: Any) -> WaitingLabel:
    label = ManifestedLabel(
        row["shipment_id"], row["route_version"], row["service"], tuple(row["tracking_numbers"]),
        _weight_g(json.loads(row["parcels"])), row["carrier_id"] or "", row["attempt"] or 0,
    )  # fmt: skip
    account = AccountKey(row["account_tenant"], row["carrier"], row["account"]) if row["account"] else None
    return WaitingLabel(label, row["created_at"], row["timezone"], row["country"], account, row["test"])


def _weight_g(parcels: Sequence[dict[str, Any]]) -> int:
    """Each parcel's weight as entered, in whole grams, rounded up."""
    return sum(ceil(Decimal(str(each["weight"]["value"])) * GRAMS_PER_UNIT[each["weight"]["unit"]]) for each in parcels)
