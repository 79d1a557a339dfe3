"""What a seller's quotes are made under: price lists, rules in force, and the room left in capacity pools."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from linkstar_contracts.values import Warehouse
from linkstar_router.domain.capacity import Pool, PoolDay, pools_touched
from linkstar_router.domain.decision import Decision
from linkstar_router.domain.rules.compiled import NO_RULES, CompiledRules
from linkstar_router.domain.snapshot import Snapshot

__all__ = ["Terms"]

_MOST_FULL = 100
"""Of a question."""


class Terms(NamedTuple):
    """As they stood when they were read. A day of a pool that is not in `room` has its whole cap left."""

    snapshot: Snapshot
    rules: CompiledRules = NO_RULES
    pools: tuple[Pool, ...] = ()
    room: Mapping[PoolDay, int] = {}

    def full(self, decision: Decision, warehouse: Warehouse, moment: datetime, units: int) -> tuple[str, ...]:
        """Return the candidates without room for `units` parcels on the day they would ship, as a question tells them."""
        if not self.pools:
            return ()
        today = moment.astimezone(ZoneInfo(warehouse.timezone)).date()
        caps = {pool.pool: pool.cap for pool in self.pools}
        found = []
        for candidate in decision.candidates:
            touched = pools_touched(candidate, warehouse.code, today, self.pools)
            short = next((day for day in touched if self.room.get(day, caps[day[1]]) < units), None)
            if short is not None:
                found.append(f"{candidate.offer.service.key} {short[1]}")
        return tuple(found[:_MOST_FULL])
