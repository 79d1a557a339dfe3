"""Decides the orders of one transaction: under the rules in force, within the capacity that is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from linkstar_router.domain.capacity import Allotment, Pool, PoolDay, Use, pools_touched
from linkstar_router.domain.rules.compiled import NO_RULES, CompiledRules
from linkstar_router.domain.shipment import Content, Shipment, Step, routed
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.store import capacity
from linkstar_router.store.packbook import Packbook
from linkstar_router.store.rulebook import Rulebook
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Transaction
from linkstar_runtime.turns import Turns

__all__ = ["Desk", "Order", "open_desk"]


class Order(NamedTuple):
    """A shipment to route, and its content."""

    shipment: Shipment
    content: Content


class Desk:
    """What the orders of a batch are decided from. `capped` tells whether any of their tenants has capacity pools.

    A long batch lets others run every few milliseconds: quotes are answered meanwhile.
    """

    def __init__(
        self, snapshots: Mapping[str, Snapshot], penalty_minor: int, rules: Mapping[str, CompiledRules],
        pools: Iterable[Pool], tx: Transaction, clock: Clock,
    ) -> None:  # fmt: skip
        self._snapshots, self._penalty_minor, self._rules, self._tx = snapshots, penalty_minor, rules, tx
        self._turns = Turns(clock)
        self._pools: dict[str, list[Pool]] = {}
        for pool in pools:
            self._pools.setdefault(pool.tenant, []).append(pool)

    @property
    def capped(self) -> bool:
        return bool(self._pools)

    async def route(self, orders: Sequence[Order], former: Sequence[Use] = ()) -> list[Step]:
        """Choose a route for each order, in their order, and take the capacity it needs; `former` uses are given back."""
        steps = [await self._in_turn(order) for order in orders]
        if not self._pools and not former:
            return steps
        touched = [self._touched(order, step) for order, step in zip(orders, steps, strict=True)]
        days = {day for each in touched for candidate in each for day in candidate}
        caps = {(pool.tenant, pool.pool): pool.cap for pools in self._pools.values() for pool in pools}
        room = await capacity.lock_days(self._tx, days | {use.pool_day for use in former}, caps)
        allotment = Allotment(room)
        allotment.give_back(former)
        await capacity.give_back(self._tx, former)
        placed: list[tuple[Step, list[Use]]] = []
        for order, step, pools in zip(orders, steps, touched, strict=True):
            placed.append(self._placed(order, step, pools, allotment) if any(pools) else (step, []))
            await self._turns.pause()
        await capacity.take(self._tx, [use for _, uses in placed for use in uses])
        return [step for step, _ in placed]

    async def _in_turn(self, order: Order) -> Step:
        step = self._routed(order)
        await self._turns.pause()
        return step

    def _routed(self, order: Order, full: tuple[str, ...] = ()) -> Step:
        tenant = order.shipment.tenant
        rules = self._rules.get(tenant, NO_RULES)
        return routed(*order, self._snapshots[tenant], self._tx.now, self._penalty_minor, rules, full)

    def _touched(self, order: Order, step: Step) -> list[list[PoolDay]]:
        """Return the pools of each candidate; what travels back takes nothing of a warehouse's capacity."""
        pools = self._pools.get(order.shipment.tenant)
        if not pools or step.decision is None or order.content.kind == "return":
            return []
        warehouse = order.content.warehouse
        today = self._tx.now.astimezone(ZoneInfo(warehouse.timezone)).date()
        return [pools_touched(each, warehouse.code, today, pools) for each in step.decision.candidates]

    def _placed(
        self, order: Order, step: Step, touched: Sequence[Sequence[PoolDay]], allotment: Allotment
    ) -> tuple[Step, list[Use]]:
        candidates = step.decision.candidates if step.decision else ()
        units = len(order.content.parcels)
        placed = allotment.place(candidates, touched, units)
        if placed.full:
            step = self._routed(order, placed.full)
        tenant, shipment_id = step.shipment.key
        return step, [
            Use(tenant, shipment_id, pool, step.shipment.attempt, day, units) for _, pool, day in placed.pool_days
        ]


async def open_desk(
    packbook: Packbook, penalty_minor: int, rulebook: Rulebook, tx: Transaction, tenants: Iterable[str], clock: Clock
) -> Desk:
    """Return the desk for orders of these tenants, with what is in force as the transaction begins."""
    named = set(tenants)
    rules = await rulebook.in_force(tx, named)
    snapshots = await packbook.in_force(tx, named)
    return Desk(snapshots, penalty_minor, rules, await capacity.pools_of(tx, named), tx, clock)
