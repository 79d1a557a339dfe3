"""Tells due scans to LinkStar over the same HTTP door a carrier would use, with back-off, and never hides a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from linkstar_sandbox.carriers.ledger import Answer, DueReport

__all__ = ["MAX_SCANS", "ScanDoor", "scan_body"]

MAX_SCANS = 500
_LONGEST_PAUSE_S = 5.0
_LOCAL_TIME_CARRIERS = frozenset({"usps", "canada-post"})
"""These print local time beside a zone name, the others an offset."""


class ScanDoor:
    """`POST /v1/scans` of one tracker."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def tell(self, reports: Sequence[DueReport]) -> list[Answer]:
        """Send up to `MAX_SCANS` reports and return one answer each; waits while LinkStar is away or busy.

        A 4xx for the whole call is final and recorded for every report in it.
        """
        body = {"scans": [scan_body(report) for report in reports]}
        pause = 0.1
        while True:
            response = await self._post(body)
            if response is not None and response.status_code < 500 and response.status_code not in (408, 429):
                return _answers(reports, response)
            await asyncio.sleep(_retry_after(response) or pause)
            pause = min(_LONGEST_PAUSE_S, pause * 2)

    async def _post(self, body: dict[str, Any]) -> httpx.Response | None:
        try:
            return await self._client.post("/v1/scans", json=body)
        except httpx.TransportError:
            return None


def scan_body(report: DueReport) -> dict[str, Any]:
    """Return one scan as the carrier writes it."""
    local = report.scanned_at.astimezone(ZoneInfo(report.timezone))
    body: dict[str, Any] = {
        "carrier": report.carrier,
        "tracking_number": report.tracking_number,
        "code": report.code,
        "text": report.text,
        "place": {
            "city": report.city, "region": report.region, "postcode": report.postcode, "country": report.country,
        },
    }  # fmt: skip
    if report.carrier in _LOCAL_TIME_CARRIERS and not _ambiguous(local):
        body |= {"scanned_local": local.replace(tzinfo=None).isoformat(), "timezone": report.timezone}
    else:
        body["scanned_at"] = local.isoformat()
    if report.retracts:
        code, scanned_at = report.retracts
        body["retracts"] = {"code": code, "scanned_at": scanned_at.astimezone(UTC).isoformat()}
    return body


def _ambiguous(local: datetime) -> bool:
    """True in the hour that the end of summer time repeats."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _retry_after(response: httpx.Response | None) -> float | None:
    stated = response.headers.get("Retry-After", "") if response is not None else ""
    return min(_LONGEST_PAUSE_S, float(stated)) if stated.isdecimal() else None


def _answers(reports: Sequence[DueReport], response: httpx.Response) -> list[Answer]:
    if response.is_success:
        refused = {entry["index"]: entry.get("code", "rejected") for entry in response.json().get("rejected", ())}
    else:
        refused = dict.fromkeys(range(len(reports)), f"http {response.status_code}: {response.text[:200]}")
    return [
        Answer(report.id, "refused" if index in refused else "taken", refused.get(index))
        for index, report in enumerate(reports)
    ]
