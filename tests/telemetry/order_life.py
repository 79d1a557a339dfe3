"""One order's whole life in the real stack, ordered with unmistakable personal data, and all that the stack then holds."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer, ConsumerRecord
from ingest_orders import order_body

from linkstar_contracts.events import OrderSubmitted
from linkstar_contracts.topics import ORDERS_INBOUND
from linkstar_sandbox.demo.pipeline import Pipeline
from linkstar_sandbox.demo.verdict import rest
from linkstar_sandbox.topic_log import all_partitions, read_to_end

ORDER = "trace-1"
REFUSED = "trace-2"
CANARIES = ("Quendolyn Xavrithe", "Xavrithe", "4711 Wombatquell", "Wombatquell", "2025550188", "kanarie.zwitsch")
"""Name, street, phone and e-mail of the order, by the parts that would give the person away."""
CONSIGNEE = {
    "name": "Quendolyn Xavrithe", "street": "4711 Wombatquell Ave", "city": "Boston", "region": "MA",
    "postcode": "02108", "country": "US", "phone": "+1 2025550188", "email": "kanarie.zwitsch@example.com",
}  # fmt: skip
WAREHOUSE = {"code": "US-NJ", "country": "US", "postcode": "08817", "timezone": "America/New_York"}
PRODUCT = {
    "sku": "MUG", "weight": {"value": "1.5", "unit": "lb"}, "value": {"amount_minor": 1299, "currency": "USD"},
    "dimensions": {"length": "6", "width": "5", "height": "4", "unit": "in"}, "description": "Mug",
}  # fmt: skip
SCANS = {
    "usps": ("03", "02", "01"), "ups": ("OR", "X/48", "FS"), "fedex": ("PU", "DE", "DL"),
}  # fmt: skip
"""Accepted, attempt failed, delivered, in each carrier's own codes."""


@dataclass(frozen=True)
class Remains:
    """What stands in topics and tables when the life is over."""

    records: list[ConsumerRecord]
    rows: dict[str, list[str]]
    """Every value of every table as text, by `schema.table.column`; bytes are spelled in hexadecimal."""


class OrderLife:
    """Plays the seller and the carrier over the services' public doors."""

    def __init__(self, endpoints: Mapping[str, Any]) -> None:
        self._endpoints = endpoints

    def _client(self, service: str, key: str = "demo") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self._endpoints['keys'][key]}"}
        return httpx.AsyncClient(base_url=self._endpoints["services"][service][0], headers=headers, timeout=30)

    async def play(self) -> Remains:
        """Order, label, acceptance, a failed attempt, delivery, return; and an order that is refused."""
        await self._order()
        await self._publish_refused()
        label = await self._label()
        await self._scan(label)
        await self._return()
        await self._settled()
        return Remains(await self._records(), await self._rows())

    async def _order(self) -> None:
        async with self._client("ingest") as ingest, self._client("labeler") as labeler:
            await accepted(ingest.put("/v1/warehouses", json={"warehouses": [WAREHOUSE]}))
            await accepted(ingest.put("/v1/products", json={"products": [PRODUCT]}))
            money = {"amount_minor": 100_000, "currency": "USD", "reference": "trace"}
            await accepted(labeler.post("/v1/wallet/topups", json=money, headers={"Idempotency-Key": "trace"}))
            await accepted(ingest.post("/v1/orders", json=order_body(ORDER, consignee=CONSIGNEE)))

    async def _publish_refused(self) -> None:
        """An order for a warehouse nobody knows: a dead letter with the same personal data."""
        body = order_body(REFUSED, consignee=CONSIGNEE, warehouse="XX-NO")
        stated = {"tenant": "demo", "occurred_at": datetime.now(UTC).isoformat(), **body}
        event = OrderSubmitted.model_validate_json(json.dumps(stated))
        async with AIOKafkaProducer(bootstrap_servers=self._endpoints["kafka"], acks="all") as producer:
            await producer.send_and_wait(
                ORDERS_INBOUND.name, event.body(), key=event.key.encode(), headers=event.headers("/test")
            )

    async def _label(self) -> dict[str, Any]:
        async with self._client("tracker") as tracker, self._client("labeler") as labeler:
            shipment: dict[str, Any] = await eventually(lambda: found(tracker, f"/v1/trackers/{ORDER}"))
            printed = await labeler.get(f"/v1/labels/{ORDER}.zpl")
            assert CONSIGNEE["name"].casefold() in printed.text.casefold(), "the label itself names the consignee"
            return shipment

    async def _scan(self, shipment: Mapping[str, Any]) -> None:
        """Each scan only when the one before is told, so that each makes a trace of its own."""
        (parcel,) = shipment["parcels"]
        carrier, number = shipment["carrier"], parcel["tracking_number"]
        statuses = ("accepted", "attempt_failed", "delivered")
        async with self._client("tracker", "carrier") as door, self._client("tracker") as tracker:
            for code, status in zip(SCANS[carrier], statuses, strict=True):
                scan = {"carrier": carrier, "tracking_number": number, "code": code, "place": {"city": "Boston"}}
                scan["scanned_at"] = datetime.now(UTC).isoformat()
                answer = await accepted(door.post("/v1/scans", json={"scans": [scan]}))
                assert answer["accepted"] == 1, answer
                await eventually(lambda status=status: found(tracker, f"/v1/trackers/{ORDER}", status=status))

    async def _return(self) -> None:
        await self._settled()
        async with self._client("returns") as returns:
            await accepted(returns.post("/v1/returns", json={"order_id": ORDER, "request_id": "r", "reason": "size"}))
            await eventually(lambda: found(returns, f"/v1/returns/{ORDER}~R1", state="label_issued"))

    async def _settled(self) -> None:
        async with Pipeline(
            self._endpoints["kafka"], self._endpoints["database"], self._endpoints["services"]
        ) as pipeline:
            assert await rest(pipeline)

    async def _records(self) -> list[ConsumerRecord]:
        bootstrap = self._endpoints["kafka"]
        return [record async for record in read_to_end(bootstrap, await all_partitions(bootstrap))]

    async def _rows(self) -> dict[str, list[str]]:
        connection = await asyncpg.connect(self._endpoints["database"])
        try:
            tables = await connection.fetch(
                "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables "
                "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
            )
            values: dict[str, list[str]] = defaultdict(list)
            for (table,) in tables:
                for (row,) in await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table} t"):
                    for column, value in json.loads(row).items():
                        values[f"{table}.{column}"].append(json.dumps(value, ensure_ascii=False))
            return values
        finally:
            await connection.close()


async def accepted(request: Awaitable[httpx.Response]) -> Any:
    response = await request
    assert response.is_success, response.text
    return response.json()


async def found(client: httpx.AsyncClient, path: str, **wanted: str) -> Any:
    """The document once it is there and says what is wanted; None before."""
    response = await client.get(path)
    document = response.json()
    good = response.is_success and all(document[name] == value for name, value in wanted.items())
    return document if good else None


async def eventually(ask: Callable[[], Awaitable[Any]]) -> Any:
    deadline = time.monotonic() + 60
    while not (answer := await ask()):
        assert time.monotonic() < deadline, "did not come true"
        await asyncio.sleep(0.1)
    return answer
