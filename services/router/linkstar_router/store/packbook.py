"""The tariffs of each tenant, compiled once per set of imported packs: read as a batch begins, as rules are."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

import structlog

from linkstar_router.domain.layers import Layer, layered
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.store import tariff_packs
from linkstar_runtime.handling import Transaction

__all__ = ["PLATFORM", "Packbook"]

PLATFORM = "platform"
"""Tenant whose packs, the recommended lines, serve every other one, below the tenant's own."""
_PREFIX = f"{PLATFORM}/"
_REMEMBERED = 64
_log = structlog.get_logger()


class Packbook:
    """Snapshots by the packs they are made of, none of which ever changes."""

    def __init__(self, shipped: Snapshot) -> None:
        self.shipped = shipped
        self._known: dict[tuple[str, tuple[str, ...]], Snapshot] = {}

    async def in_force(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, Snapshot]:
        """Return what each of these tenants is priced from."""
        heads = await tariff_packs.heads(tx, {*tenants, PLATFORM}) if tenants else {}
        if not heads:
            return dict.fromkeys(tenants, self.shipped)
        common = [f"{_PREFIX}{name}" for name in heads.get(PLATFORM, ())]
        return {
            tenant: await self.made_of(tx, tenant, (*common, *(heads.get(tenant, ()) if tenant != PLATFORM else ())))
            for tenant in tenants
        }

    async def of(self, tx: Transaction, tenant: str) -> Snapshot:
        """Return what one tenant is priced from."""
        return (await self.in_force(tx, [tenant]))[tenant]

    async def made_of(self, tx: Transaction, tenant: str, packs: tuple[str, ...]) -> Snapshot:
        """Return the shipped lists with these packs of a tenant and of the platform on top, as decisions name them."""
        if not packs:
            return self.shipped
        key = ("" if all(name.startswith(_PREFIX) for name in packs) else tenant, packs)
        known = self._known.pop(key, None)
        if known is None:
            made, failed = await asyncio.to_thread(layered, self.shipped, await _layers(tx, tenant, packs))
            for layer, error in failed:
                _log.warning(
                    "tariff pack left out", action="pack_left_out", tenant=tenant, pack=layer.name, why=str(error)
                )
            known = made
            if len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
        self._known[key] = known
        return known


async def _layers(tx: Transaction, tenant: str, packs: Sequence[str]) -> list[Layer]:
    common = [name.removeprefix(_PREFIX) for name in packs if name.startswith(_PREFIX)]
    shared = await tariff_packs.texts_of(tx, PLATFORM, common) if common else {}
    own = await tariff_packs.texts_of(tx, tenant, [name for name in packs if not name.startswith(_PREFIX)])
    texts = {f"{_PREFIX}{name}": found for name, found in shared.items()} | own
    return [Layer(name, *texts[name]) for name in packs]
