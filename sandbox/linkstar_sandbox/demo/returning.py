"""Customers of the demo who send something back: watches deliveries and asks for a few returns, by HTTP and by Kafka."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from linkstar_contracts.event import event_id
from linkstar_contracts.topics import ORDERS_RECEIVED, RETURNS_REQUESTED, TRACKING_UPDATED
from linkstar_sandbox.demo.seller import Seller

__all__ = ["Customers"]

BY_HTTP = 7
BY_KAFKA = 2
_TYPE = "linkstar.return.requested.v1"


class Customers:
    """Asks for returns of the first delivered orders. Use as an async context manager."""

    def __init__(self, bootstrap: str, seller: Seller) -> None:
        names = (ORDERS_RECEIVED.name, TRACKING_UPDATED.name)
        self._consumer = AIOKafkaConsumer(*names, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        self._seller = seller
        self._items: dict[str, list[dict[str, Any]]] = {}
        self._delivered: list[Mapping[str, Any]] = []
        self.requested: list[str] = []

    async def __aenter__(self) -> Customers:
        await self._consumer.start()
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._producer.stop()

    async def act(self) -> int:
        """Look at what was delivered since the last time, ask for the returns still wanted, say how many those were."""
        before = len(self.requested)
        for batch in (await self._consumer.getmany(timeout_ms=20)).values():
            for record in batch:
                self._take(json.loads(record.value), record.topic)
        while self._delivered and len(self.requested) < BY_HTTP + BY_KAFKA:
            event = self._delivered.pop(0)
            if event["order_id"] not in self.requested and event["order_id"] in self._items:
                await self._request(event)
        return len(self.requested) - before

    def _take(self, event: dict[str, Any], topic: str) -> None:
        if event.get("kind", "order") != "order":
            return
        if topic == ORDERS_RECEIVED.name:
            self._items[event["order_id"]] = event.get("items", [])[:1]
        elif event["delivered"] and event["status"] == "delivered":
            self._delivered.append(event)

    async def _request(self, event: Mapping[str, Any]) -> None:
        order_id = event["order_id"]
        items = [{"sku": item["sku"], "quantity": 1, "reason": "wrong_size"} for item in self._items[order_id]]
        self.requested.append(order_id)
        if len(self.requested) <= BY_HTTP:
            await self._seller.request_return(order_id, items, "wrong_size")
        else:
            await self._publish(event, items)

    async def _publish(self, event: Mapping[str, Any], items: list[dict[str, Any]]) -> None:
        tenant, order_id = event["tenant"], event["order_id"]
        subject = f"{order_id}/demo-{order_id}"
        body = {
            "tenant": tenant, "order_id": order_id, "version": 1, "occurred_at": event["occurred_at"],
            "request_id": f"demo-{order_id}", "items": items, "reason": "wrong_size",
        }  # fmt: skip
        headers = {
            "ce_specversion": "1.0", "ce_id": event_id(tenant, subject, _TYPE, 1), "ce_type": _TYPE,
            "ce_source": "/acme/shop", "ce_subject": subject, "ce_time": event["occurred_at"], "ce_version": "1",
            "ce_tenant": tenant, "content-type": "application/json",
        }  # fmt: skip
        await self._producer.send_and_wait(
            RETURNS_REQUESTED.name, json.dumps(body).encode(), key=f"{tenant}/{order_id}".encode(),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )  # fmt: skip
