"""The seller's side of the demo: master data, money, order files and returns, over the services' public HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from linkstar_sandbox.order_files import PRODUCTS, WAREHOUSES, OrderFile

__all__ = ["Seller"]

_POLL_S = 0.2
_TIMEOUT_S = 60.0
_ATTEMPTS, _PAUSE_S = 120, 0.5


class Seller:
    """One seller with one API key. Every call raises `httpx.HTTPStatusError` with the problem document in its text."""

    def __init__(self, services: Mapping[str, Sequence[str]], key: str) -> None:
        self._clients = {
            name: httpx.AsyncClient(
                base_url=urls[0], headers={"Authorization": f"Bearer {key}"}, timeout=_TIMEOUT_S
            )
            for name, urls in services.items()
        }  # fmt: skip

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))

    async def register_master_data(self) -> None:
        """Register the warehouses and products of the demo."""
        await self._call("ingest", "PUT", "/v1/warehouses", json={"warehouses": list(WAREHOUSES)})
        products = [product.registration() for product in PRODUCTS]
        await self._call("ingest", "PUT", "/v1/products", json={"products": products})

    async def top_up(self, amount_minor: int, currency: str, reference: str) -> None:
        """Pay money into the wallet; the same reference pays once."""
        amount = {"amount_minor": amount_minor, "currency": currency, "reference": reference}
        headers = {"Idempotency-Key": f"demo-{reference}-{currency}"}
        await self._call("labeler", "POST", "/v1/wallet/topups", json=amount, headers=headers)

    async def start_import(self, file: OrderFile) -> str:
        """Upload an order file; returns the import's id."""
        query = {"channel": file.channel, "warehouse": file.warehouse, "filename": file.name}
        answer = await self._call("ingest", "POST", "/v1/imports", params=query, content=file.content)
        return str(answer["import_id"])

    async def import_report(self, import_id: str) -> dict[str, Any]:
        """Return the import's report as it stands."""
        return await self._call("ingest", "GET", f"/v1/imports/{import_id}")

    async def finished_import(self, import_id: str) -> dict[str, Any]:
        """Wait for the import to end and return its report."""
        while True:
            report = await self.import_report(import_id)
            if report["state"] != "processing":
                return report
            await asyncio.sleep(_POLL_S)

    async def request_return(self, order_id: str, items: Sequence[Mapping[str, Any]], reason: str) -> dict[str, Any]:
        """Ask for a return of a delivered order."""
        body = {"order_id": order_id, "items": list(items), "reason": reason, "request_id": f"demo-{order_id}"}
        return await self._call("returns", "POST", "/v1/returns", json=body)

    async def replayed_decisions(self) -> Counter[str]:
        """Have the router take all its decisions again; returns how many came out the same, and how many not."""
        results: Counter[str] = Counter()
        cursor: str | None = ""
        while cursor is not None:
            query = {"replay": "true", "limit": 200, "cursor": cursor}
            page = await self._call("router", "GET", "/v1/decisions", params=query)
            results.update(entry["replay"] for entry in page["decisions"])
            cursor = page["next"]
        return results

    async def label(self, shipment_id: str, form: str) -> bytes:
        """Return a label as `pdf` or `png`."""
        response = await self._patiently("labeler", "GET", f"/v1/labels/{shipment_id}.{form}")
        return _successful(response).content

    async def _call(self, service: str, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        response = _successful(await self._patiently(service, method, path, **arguments))
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    async def _patiently(self, service: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Ask again while the service is away: every call of ours may be repeated."""
        for _ in range(_ATTEMPTS - 1):
            try:
                response = await self._clients[service].request(method, path, **arguments)
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return response
            except httpx.TransportError:
                pass
            await asyncio.sleep(_PAUSE_S)
        return await self._clients[service].request(method, path, **arguments)


def _successful(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        request = response.request
        message = f"{request.method} {request.url.path} → {response.status_code}: {response.text[:600]}"
        raise httpx.HTTPStatusError(message, request=request, response=response)
    return response
