"""The story of a demo run: stack up, orders in, weeks pass, account settled, stack down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer

from linkstar_contracts.topics import ORDERS_INBOUND
from linkstar_runtime.clock import Clock
from linkstar_runtime.settings import ClockSettings
from linkstar_sandbox.demo.options import DAY_S, DemoOptions
from linkstar_sandbox.demo.pipeline import Pipeline
from linkstar_sandbox.demo.returning import Customers
from linkstar_sandbox.demo.screen import Screen
from linkstar_sandbox.demo.seller import Seller
from linkstar_sandbox.demo.verdict import judge, settled
from linkstar_sandbox.home import Home
from linkstar_sandbox.order_files import OrderBook, build_order_book
from linkstar_sandbox.reader.account import Account
from linkstar_sandbox.reader.evidence import Evidence

__all__ = ["DemoRun", "told_clock"]

FIRST_TOP_UP = {"USD": 2_500_000, "CAD": 300_000, "EUR": 400_000, "GBP": 12_000}
SECOND_TOP_UP = {"GBP": 400_000}
"""Pounds are short at first: some labels are held, and bought by themselves after the second payment."""
_LOOK_S = 0.25
_SHORT_FOR_S = 4.0


class DemoRun:
    """One run against a stack that is up, described by its endpoints."""

    def __init__(self, options: DemoOptions, endpoints: Mapping[str, Any], home: Home, screen_of: Any) -> None:
        self.options, self.endpoints, self.home = options, endpoints, home
        self.clock = Clock.from_settings(ClockSettings.model_validate(endpoints["clock"]))
        self.began_at = self.clock.now()
        self.book: OrderBook = build_order_book(options.seed, self.began_at)
        self.screen: Screen = screen_of(self.began_at)
        self.imports: dict[str, dict[str, Any]] = {}
        self._activity = "registering master data"

    async def perform(self) -> tuple[Evidence, Account]:
        """Play the whole story and return its evidence with the reader's account."""
        self.book.save(self.options.output / "orders")
        self.screen.say(told_clock(self.options, self.began_at))
        seller = Seller(self.endpoints["services"], self.endpoints["keys"]["demo"])
        try:
            async with (
                Pipeline(self.endpoints["kafka"], self.endpoints["database"], self.endpoints["services"]) as pipeline,
                Customers(self.endpoints["kafka"], seller) as customers,
            ):
                with self.screen:
                    watching = asyncio.create_task(self._watch(pipeline))
                    try:
                        await self._take_orders(seller)
                        await self._let_time_pass(customers)
                    finally:
                        watching.cancel()
                        await asyncio.gather(watching, return_exceptions=True)
                return await self._settle(pipeline)
        finally:
            await seller.close()

    async def _watch(self, pipeline: Pipeline) -> None:
        while True:
            reading = await pipeline.read()
            self.screen.show(reading, self.clock.now(), self.clock.monotonic(), self._activity)
            await asyncio.sleep(_LOOK_S)

    async def _take_orders(self, seller: Seller) -> None:
        await seller.register_master_data()
        await asyncio.gather(*(seller.top_up(n, currency, "first") for currency, n in FIRST_TOP_UP.items()))
        self._activity = "importing orders"
        await asyncio.gather(self._publish_orders(), self._import_files(seller))
        self._activity = "pounds are short: some labels are held"
        await self.clock.sleep(_SHORT_FOR_S)
        await asyncio.gather(*(seller.top_up(n, currency, "second") for currency, n in SECOND_TOP_UP.items()))
        self.screen.say("Topped up the pound wallet: held labels are bought by themselves.")

    async def _publish_orders(self) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.endpoints["kafka"], acks="all")
        await producer.start()
        try:
            for message in self.book.messages:
                await producer.send(
                    ORDERS_INBOUND.name, message.value, key=message.key, headers=list(message.headers)
                )  # fmt: skip
            await producer.flush()
        finally:
            await producer.stop()
        self.screen.say(f"Published {len(self.book.messages)} records on {ORDERS_INBOUND.name}.")

    async def _import_files(self, seller: Seller) -> None:
        for file in self.book.files:
            import_id = await seller.start_import(file)
            report = await seller.finished_import(import_id)
            self.imports[file.name] = report
            counts = ", ".join(f"{report[name]} {name}" for name in ("orders", "accepted", "duplicates", "rejected"))
            self.screen.say(f"Imported {file.name} ({report['rows']} rows): {counts}.")
        (self.options.output / "imports.json").write_text(
            json.dumps(self.imports, ensure_ascii=False, indent=1), "utf-8"
        )

    async def _let_time_pass(self, customers: Customers) -> None:
        until: datetime = self.clock.now() + timedelta(days=self.options.days)
        self._activity = "parcels travel"
        while self.clock.now() < until:
            if returns := await customers.act():
                self.screen.say(f"Customers ask to send something back: {returns} of those who have their parcel.")
            await self.clock.sleep(_LOOK_S)

    async def _settle(self, pipeline: Pipeline) -> tuple[Evidence, Account]:
        async with settled(pipeline, self.home) as at_rest:
            if not at_rest:
                self.screen.say("The pipeline did not come to rest: somebody is still behind.")
            return await judge(self.endpoints, self.home, self.book, self.imports)


def told_clock(options: DemoOptions, began_at: datetime) -> str:
    """One line about the time all that follows is told in."""
    seconds = options.days * DAY_S / options.speed
    return (
        f"A virtual clock runs, {options.speed:,.0f} times as fast as the real one: it starts at "
        f"{began_at:%a %Y-%m-%d %H:%M} UTC, and its {options.days:g} days take about {seconds:.0f} s."
    )
