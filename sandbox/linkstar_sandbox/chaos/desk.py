"""The HTTP side of the load: orders and changes posted to any replica of ingest until there is an answer, all noted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

import httpx

__all__ = ["Desk"]

_PAUSE_S = 0.4
_TIMEOUT_S = 20.0
_AT_ONCE = 16


class Desk:
    """A seller's system that repeats every call until LinkStar answers it. Use as an async context manager."""

    def __init__(self, urls: Callable[[], Sequence[str]], key: str, history: Path, chance: Random) -> None:
        self._urls, self._chance = urls, chance
        self._headers = {"Authorization": f"Bearer {key}"}
        self._file = history.open("a", encoding="utf-8")
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self.answered = 0

    async def __aenter__(self) -> Desk:
        self._client = httpx.AsyncClient(headers=self._headers, timeout=_TIMEOUT_S)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()
        self._file.close()

    def submit(self, order_id: str, order: bytes) -> None:
        """Post an order, given as the body of its record."""
        body = json.loads(order)
        del body["tenant"]
        self._begin("order", order_id, "", "/v1/orders", body)

    def change(self, order_id: str, request_id: str, level: str) -> None:
        """Ask for another service level."""
        body = {"request_id": request_id, "options": {"level": level}}
        self._begin("change", order_id, request_id, f"/v1/orders/{order_id}/change", body)

    async def settled(self) -> None:
        """Return when every call has its answer."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    @property
    def open_calls(self) -> int:
        return len(self._tasks)

    def _begin(self, kind: str, order_id: str, request_id: str, path: str, body: Mapping[str, Any]) -> None:
        task = asyncio.create_task(self._call(kind, order_id, request_id, path, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, kind: str, order_id: str, request_id: str, path: str, body: Mapping[str, Any]) -> None:
        response = await self._answered(path, body)
        line = {"kind": kind, "order_id": order_id, "request_id": request_id, "status": response.status_code}
        if response.status_code >= httpx.codes.BAD_REQUEST:
            line["code"] = response.json().get("code", "")
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        self.answered += 1

    async def _answered(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """Ask again, anybody, while nobody answers or the server is in trouble; a change may come before its order."""
        while True:
            try:
                async with self._limit:
                    response = await self._client.post(self._chance.choice(self._urls()) + path, json=body)
                if response.status_code < 500 and response.status_code not in (404, 429):
                    return response
            except httpx.TransportError:
                pass
            await asyncio.sleep(_PAUSE_S)
