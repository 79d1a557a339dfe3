"""A campaign: runs side by side, each with an account of its own; then calm, the carriers' invoices, and the evidence."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
from integration.labeler.carrier_rigs import RIGS

from label_chaos.billing import bill
from label_chaos.dispatch import Dispatcher, TrackedOrder
from label_chaos.evidence import Attempted, Evidence, Sold, Wanted
from label_chaos.ground import PROBE, TENANT, Ground, LabelStack, Slot
from label_chaos.saboteur import Saboteur
from label_chaos.schedule import draw_schedule
from linkstar_cli.ledger import examine
from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.domain.purchasing import purchase_key
from linkstar_sandbox.demo.pipeline import Pipeline

__all__ = ["CALM_S", "Campaign"]

STALL_S = 1.3
"""How long a simulated carrier says nothing: longer than a labeler waits."""
RUN_S = 90.0
"""After this long a run is left to the end of the campaign."""
CALM_S = 400.0
"""A circuit that opened again and again stays open for five minutes, and look-ups wait for it."""
_LOOK_S = 0.5
_TOLD_EVERY_S = 15.0

_STANDING = """
SELECT s.shipment_id, s.cancelled, s.route_version,
  EXISTS (SELECT FROM labeler.purchase p WHERE (p.tenant, p.shipment_id) = (s.tenant, s.shipment_id)
    AND p.due_at IS NOT NULL) AS open,
  EXISTS (SELECT FROM labeler.label l WHERE (l.tenant, l.shipment_id) = (s.tenant, s.shipment_id)
    AND l.state = 'active' AND l.route_version = s.route_version) AS active
FROM labeler.shipment s WHERE s.tenant = $1 AND s.shipment_id = ANY ($2::text[])"""
_DOCUMENTS = """
SELECT d.shipment_id, d.media_type, d.content FROM labeler.label_document d JOIN labeler.label l
  USING (tenant, shipment_id, route_version) WHERE l.state = 'active' AND d.tenant = $1 ORDER BY d.parcel"""
_ATTEMPTED = """
SELECT p.shipment_id, p.route_version, p.carrier, p.state, l.state AS label, p.carrier_id, p.tracking_numbers,
  p.unknowns = 0 AS answered,
  p.due_at IS NOT NULL AS open,
  ARRAY (SELECT a.reference FROM labeler.purchase_attempt a WHERE (a.tenant, a.shipment_id, a.route_version)
    = (p.tenant, p.shipment_id, p.route_version) ORDER BY a.attempt) AS references
FROM labeler.purchase p JOIN labeler.label l USING (tenant, shipment_id, route_version) WHERE p.tenant = $1"""
_RESTLESS = """
SELECT 'purchase ' || shipment_id || ' is ' || state AS what FROM labeler.purchase WHERE due_at IS NOT NULL
UNION ALL SELECT 'orphan ' || carrier_id || ' of ' || carrier FROM labeler.orphan_label WHERE state = 'voiding'
UNION ALL SELECT 'suspected ' || reference || ' of ' || carrier || ' until ' || check_at FROM labeler.purchase_attempt
  WHERE suspected AND carrier = ANY ($1::text[])
UNION ALL SELECT 'unsent event of shard ' || shard FROM labeler.outbox"""
_PAYABLE = """
SELECT substr(account, 17) AS carrier, sum(amount_minor)::bigint AS owed FROM labeler.ledger_leg
WHERE account LIKE 'carrier_payable:%' GROUP BY 1"""


_UNSCANNED = """
SELECT count(*) FROM labeler.shipment WHERE tenant = $1 AND NOT accepted AND shipment_id = ANY ($2::text[])"""


class Campaign:
    """Plays `runs` runs on a ground."""

    def __init__(
        self,
        ground: Ground,
        stack: LabelStack,
        seed: int,
        runs: int,
        tell: Callable[[str], None],
        calm_s: float = CALM_S,
    ) -> None:
        self._ground, self._stack, self._seed, self._runs, self._tell = ground, stack, seed, runs, tell
        self._calm_s = calm_s
        self.saboteur = Saboteur(stack, seed)
        self.faults: Counter[str] = Counter()
        self.unsettled: list[str] = []
        self._ended = 0

    async def perform(self) -> Evidence:
        """Do everything; returns what is to be judged."""
        await self._ground.prepare()
        async with AsyncExitStack() as stack:
            connection = await asyncpg.connect(self._stack.infrastructure.admin_url)
            stack.push_async_callback(connection.close)
            dispatcher = await stack.enter_async_context(Dispatcher(self._ground))
            attending = asyncio.create_task(self.saboteur.attend())
            stack.callback(attending.cancel)
            await self._play(dispatcher, connection)
            attending.cancel()
            self.saboteur.heal()
            self.faults.update(await self._ground.suffered())
            await self._ground.calm()
            await self._come_to_rest(dispatcher, connection)
            return await self._collect(dispatcher, connection)

    # -- runs --------------------------------------------------------------------------------------------------------

    async def _play(self, dispatcher: Dispatcher, connection: asyncpg.Connection) -> None:
        free: dict[str, asyncio.Queue[Slot]] = defaultdict(asyncio.Queue)
        for slot in self._ground.slots:
            free[slot.carrier].put_nowait(slot)
        watch = _Watch(connection, dispatcher)
        watching, telling = asyncio.create_task(watch.run()), asyncio.create_task(self._keep_telling(dispatcher))
        try:
            runs: set[asyncio.Task[None]] = set()
            for number in range(self._runs):
                slots = free[RIGS[number % len(RIGS)].connector]
                slot = await slots.get()
                runs.add(asyncio.create_task(self._run(number, slot, slots, dispatcher, watch)))
            await asyncio.gather(*runs)
        finally:
            watching.cancel()
            telling.cancel()

    async def _run(
        self, number: int, slot: Slot, slots: asyncio.Queue[Slot], dispatcher: Dispatcher, watch: _Watch
    ) -> None:
        schedule = draw_schedule(self._seed, number, several_parcels=slot.rig.multi_parcel)
        await self._ground.plan([
            {"kind": fault.kind, "operation": fault.operation, "account": slot.account, "carrier": slot.carrier,
             "seconds": STALL_S}
            for fault in schedule.faults
        ])  # fmt: skip
        await dispatcher.accept(schedule.orders, slot)
        if schedule.process:
            await asyncio.sleep(0.2)
            await self.saboteur.harm(schedule.process)
        await watch.ended([order.order_id for order in schedule.orders])
        self._ended += 1
        slots.put_nowait(slot)

    async def _keep_telling(self, dispatcher: Dispatcher) -> None:
        while True:
            await asyncio.sleep(_TOLD_EVERY_S)
            faults = sum((await self._ground.suffered()).values())
            self._tell(
                f"{self._ended} of {self._runs} runs, {len(dispatcher.orders)} orders, {faults} faults of carriers, "
                f"{sum(self.saboteur.done.values())} of processes, {sum(self.saboteur.hits().values())} at crash points"
            )

    # -- the end -----------------------------------------------------------------------------------------------------

    async def _come_to_rest(self, dispatcher: Dispatcher, connection: asyncpg.Connection) -> None:
        """Wait until no purchase, orphan or suspicion is open that can still end."""
        recovering = sorted(self._ground.recovering)
        endpoints, quiet = self._stack.endpoints, 0
        async with Pipeline(endpoints["kafka"], endpoints["database"], ["labeler"]) as pipeline:
            for _ in range(int(self._calm_s / _LOOK_S)):
                open_orders = await _open(connection, dispatcher, list(dispatcher.orders))
                restless = [row["what"] for row in await connection.fetch(_RESTLESS, recovering)]
                behind = (await pipeline.read()).lags["labeler"]
                quiet = quiet + 1 if not open_orders and not restless and not behind else 0
                if quiet * _LOOK_S >= 2.0:
                    return
                await asyncio.sleep(_LOOK_S)
        self.unsettled = [f"{what} did not end" for what in [*open_orders, *restless]]
        self.unsettled += [f"{behind} records were not read"] if behind else []

    async def _collect(self, dispatcher: Dispatcher, connection: asyncpg.Connection) -> Evidence:
        self._tell("the carriers scan and bill")
        documents: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
        for row in await connection.fetch(_DOCUMENTS, TENANT):
            documents[row["shipment_id"]].append((row["media_type"], row["content"]))
        printable = await dispatcher.printable(documents)
        attempted = [
            Attempted(
                row["shipment_id"], row["route_version"], row["carrier"], row["state"], row["label"], row["carrier_id"],
                tuple(row["tracking_numbers"]), _asked_as(row), row["open"], row["answered"],
                printable[row["shipment_id"]],
            )
            for row in await connection.fetch(_ATTEMPTED, TENANT)
        ]  # fmt: skip
        sold = [_sold(sale) for sale in await self._ground.sales() if not sale["account"].startswith(PROBE)]
        late = self._ground.billing_late
        active = {(each.carrier, each.carrier_id) for each in attempted if each.label == "active"}
        await self._scan(dispatcher, connection, {each.order_id for each in attempted if each.label == "active"})
        invoices: dict[str, list[Sold]] = defaultdict(list)
        for sale in sold:
            handed_over = (sale.carrier, sale.carrier_id) in active
            if not sale.voided and (sale.carrier not in late or handed_over):
                invoices[sale.carrier].append(sale)
        captured = {row["carrier"]: row["owed"] for row in await connection.fetch(_PAYABLE)}
        billed = await bill(self._ground, invoices, connection)
        orphans = await connection.fetch("SELECT carrier, carrier_id FROM labeler.orphan_label WHERE state = 'kept'")
        return Evidence(
            [_wanted(order) for order in dispatcher.orders.values()], sold, attempted,
            frozenset((row["carrier"], row["carrier_id"]) for row in orphans), billed,
            self._ground.prices, frozenset(self._ground.tell_prices), captured,
            {row["carrier"]: row["owed"] for row in await connection.fetch(_PAYABLE)},
            {carrier: sum(sale.charged_minor for sale in sales) for carrier, sales in invoices.items()},
            await examine(connection), self.unsettled, late, self._ground.recovering,
            dispatcher.rejected, await connection.fetchval("SELECT count(*) FROM labeler.orphan_label"),
        )  # fmt: skip

    async def _scan(self, dispatcher: Dispatcher, connection: asyncpg.Connection, order_ids: set[str]) -> None:
        """Hand the labelled parcels over: what no carrier has scanned waits for review when it is billed."""
        orders = [dispatcher.orders[each] for each in sorted(order_ids) if dispatcher.orders[each].created]
        await dispatcher.hand_over(orders)
        for _ in range(120):
            left = await connection.fetchval(_UNSCANNED, TENANT, [order.plan.order_id for order in orders])
            if not left:
                return
            await asyncio.sleep(_LOOK_S)
        self.unsettled.append(f"{left} first scans were not noted")


class _Watch:
    """Tells runs that all their orders have ended."""

    def __init__(self, connection: asyncpg.Connection, dispatcher: Dispatcher) -> None:
        self._connection, self._dispatcher = connection, dispatcher
        self._waiting: dict[str, asyncio.Event] = {}

    async def ended(self, order_ids: Sequence[str]) -> None:
        """Return when these orders have ended, or after a run's longest time."""
        events = [self._waiting.setdefault(order_id, asyncio.Event()) for order_id in order_ids]
        try:
            async with asyncio.timeout(RUN_S):
                await asyncio.gather(*(event.wait() for event in events))
        except TimeoutError:
            for order_id in order_ids:
                self._waiting.pop(order_id, None)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            asked = list(self._waiting)
            for order_id in set(asked) - set(await _open(self._connection, self._dispatcher, asked)):
                self._waiting.pop(order_id).set()
            await asyncio.sleep(_LOOK_S)


async def _open(connection: asyncpg.Connection, dispatcher: Dispatcher, order_ids: Sequence[str]) -> list[str]:
    """Return those of these orders that have not ended."""
    rows = {row["shipment_id"]: row for row in await connection.fetch(_STANDING, TENANT, order_ids)}
    return [order_id for order_id in order_ids if not _has_ended(dispatcher.orders[order_id], rows.get(order_id))]


def _has_ended(order: TrackedOrder, row: asyncpg.Record | None) -> bool:
    if row is None or row["open"]:
        return False
    if order.plan.cancel_after_s is not None:
        return bool(row["cancelled"])
    newest = row["route_version"] == order.version
    return newest and (order.refused or (bool(row["active"]) and order.version in order.created))


def _wanted(order: TrackedOrder) -> Wanted:
    end = "cancelled" if order.cancelled else "refused" if order.refused else "label"
    return Wanted(
        order.plan.order_id,
        order.slot.carrier,
        end,
        order.version,
        order.created,
        list(order.events.values()),
        order.slot.account,
    )


def _sold(sale: Mapping[str, Any]) -> Sold:
    names = tuple(sale[name].replace("-", "") for name in ("reference", "key") if sale[name])
    return Sold(
        sale["carrier"], sale["account"], sale["carrier_id"], names, tuple(sale["tracking_numbers"]),
        sale["charged_minor"], sale["voided"],
    )  # fmt: skip


def _asked_as(row: asyncpg.Record) -> tuple[str, ...]:
    key = purchase_key(PurchaseKey(TENANT, row["shipment_id"], row["route_version"]))
    return (*row["references"], key)
