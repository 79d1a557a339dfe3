"""Capacity pools: how many parcels a day go to a carrier, a service, a warehouse, and which parcel falls into which pools.

Every capped pool a service falls into has to have room. A seam is left for prices: a cost per pool would enter beside
`Allotment.place`, before the first candidate with room is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from linkstar_router.domain.choice import Candidate

__all__ = ["Allotment", "Placed", "Pool", "PoolDay", "Use", "pools_touched"]


class Pool(NamedTuple):
    """A cap per local day. Empty `service` or `warehouse` means any; `valid_to` is the last day, if there is one."""

    tenant: str
    pool: str
    carrier: str
    service: str
    warehouse: str
    cap: int
    minimum: int
    valid_from: date
    valid_to: date | None

    def takes(self, service: str, warehouse: str, day: date) -> bool:
        """True when a parcel of this service (`carrier/service`) from this warehouse on this day falls into it."""
        carrier, _, name = service.partition("/")
        return (
            carrier == self.carrier
            and self.service in ("", name)
            and self.warehouse in ("", warehouse)
            and self.valid_from <= day
            and (self.valid_to is None or day <= self.valid_to)
        )


PoolDay = tuple[str, str, date]
"""Tenant, pool, local day: in this order rows are locked."""


class Use(NamedTuple):
    """What one route attempt takes of one pool."""

    tenant: str
    shipment_id: str
    pool: str
    attempt: int
    day: date
    units: int

    @property
    def pool_day(self) -> PoolDay:
        """The row it counts against."""
        return self.tenant, self.pool, self.day


class Placed(NamedTuple):
    """The first candidate with room, if any, the pools it takes, and the better ones that were full.

    `full` has an entry `carrier/service pool` for each, as a question states it.
    """

    candidate: Candidate | None
    pool_days: tuple[PoolDay, ...]
    full: tuple[str, ...]


def pools_touched(candidate: Candidate, warehouse: str, today: date, pools: Iterable[Pool]) -> list[PoolDay]:
    """Return the pools a candidate falls into, on the local day it would ship."""
    service, dates = candidate.course.offer.service.key, candidate.course.dates
    day = date.fromordinal(dates.ship) if dates else today
    return [(pool.tenant, pool.pool, day) for pool in pools if pool.takes(service, warehouse, day)]


class Allotment:
    """Room left in the locked pools of one transaction. Units are parcels."""

    def __init__(self, room: dict[PoolDay, int]) -> None:
        self._room = dict(room)

    def give_back(self, uses: Iterable[Use]) -> None:
        """Add what these uses took."""
        for use in uses:
            self._room[use.pool_day] += use.units

    def place(self, candidates: Sequence[Candidate], touched: Sequence[Sequence[PoolDay]], units: int) -> Placed:
        """Take room for the first candidate whose pools all have it."""
        full: list[str] = []
        for candidate, pool_days in zip(candidates, touched, strict=True):
            short = next((each for each in pool_days if self._room[each] < units), None)
            if short is None:
                for each in pool_days:
                    self._room[each] -= units
                return Placed(candidate, tuple(pool_days), tuple(full))
            full.append(f"{candidate.course.offer.service.key} {short[1]}")
        return Placed(None, (), tuple(full))
