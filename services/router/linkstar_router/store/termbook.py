"""The terms of each seller's quotes, read at most once a second: quotes come by the hundred, terms seldom change."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from linkstar_router.domain.rules.compiled import NO_RULES
from linkstar_router.domain.terms import Terms
from linkstar_router.store import capacity
from linkstar_router.store.packbook import Packbook
from linkstar_router.store.rulebook import Rulebook
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Transaction

__all__ = ["Termbook"]

_FRESH_S = 1.0
_REMEMBERED = 1024
_DAYS_READ = 5000


class _Read(NamedTuple):
    at: float
    terms: Terms


class Termbook:
    """What this process changes is seen by its next quote, what another one changes a second later."""

    def __init__(self, packbook: Packbook, rulebook: Rulebook, database: Database, clock: Clock) -> None:
        self._packbook, self._rulebook, self._database, self._clock = packbook, rulebook, database, clock
        self._known: dict[str, _Read] = {}

    def forget(self) -> None:
        """Read anew: a pack, a rule or a pool has changed."""
        self._known.clear()

    async def of(self, tenant: str) -> Terms:
        """Return the terms of a seller."""
        now, known = self._clock.monotonic(), self._known.get(tenant)
        if known is not None and now - known.at < _FRESH_S:
            return known.terms
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        async with self._database.transaction() as tx:
            terms = await self._read(tx, tenant)
        self._known[tenant] = _Read(now, terms)
        return terms

    async def _read(self, tx: Transaction, tenant: str) -> Terms:
        rules = await self._rulebook.in_force(tx, [tenant])
        snapshot = await self._packbook.of(tx, tenant)
        pools = await capacity.pools_of(tx, [tenant])
        days = (
            await capacity.days_of(tx, tenant, tx.now.date() - timedelta(days=1), _DAYS_READ) if pools else ()
        )  # fmt: skip
        room = {(tenant, day["pool"], day["day"]): day["cap"] - day["used"] for day in days}
        return Terms(snapshot, rules.get(tenant, NO_RULES), tuple(pools), room)
