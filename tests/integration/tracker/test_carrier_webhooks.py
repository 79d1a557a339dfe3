"""Carriers call, on a real database: proven, stored as they came, answered; forged, stale, oversize and odd ones refused."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from integration.tracker.tracking_counter import Counter, opened_counter
from unit.tracker.test_webhook_bodies import DPD, UPS
from unit.tracker.tracked_facts import NUMBERS, label

from linkstar_runtime.api_keys import create_key
from linkstar_tracker import store

pytestmark = pytest.mark.integration


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened_counter(database_url, tmp_path) as opened:
        yield opened


class Address:
    """One endpoint, and calls to it without any API key."""

    def __init__(self, counter: Counter, made: dict[str, Any]) -> None:
        self.url, self.secret, self.id = counter.url + made["path"], made["secret"], made["endpoint_id"]
        self.admin = f"/v1/webhook-endpoints/{made['endpoint_id']}"

    async def call(self, body: bytes, **headers: str) -> httpx.Response:
        sent = {"content-type": "application/json"} | {name.replace("_", "-"): each for name, each in headers.items()}
        async with httpx.AsyncClient() as carrier:
            return await carrier.post(self.url, content=body, headers=sent)

    async def fedex(self, body: bytes, secret: str | None = None) -> httpx.Response:
        signature = base64.b64encode(hmac.digest((secret or self.secret).encode(), body, "sha256")).decode()
        return await self.call(body, fdx_signature=signature)


async def address(counter: Counter, carrier: str, **more: str) -> Address:
    answer = await counter.client.post("/v1/webhook-endpoints", json={"carrier": carrier, **more})
    assert answer.status_code == 201, answer.text
    return Address(counter, answer.json())


def delivered(number: str = NUMBERS[0], at: str = "2026-06-08T11:20:00-04:00") -> bytes:
    event = {"date": at, "eventType": "DL", "eventDescription": "Delivered"}
    result = {"trackingNumberInfo": {"trackingNumber": number}, "scanEvents": [event]}
    return json.dumps({"output": {"completeTrackResults": [{"trackResults": [result]}]}}, indent=1).encode()


async def test_a_proven_call_moves_the_parcel_once_and_is_kept_byte_for_byte(counter: Counter) -> None:
    await counter.desk.labels(label())
    fedex = await address(counter, "fedex")
    answer = await fedex.fedex(delivered())
    assert (answer.status_code, answer.json()["accepted"], answer.json()["repeated"]) == (200, 1, False)
    again = await fedex.fedex(delivered())
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    document = (await counter.client.get("/v1/trackers/s-1")).json()
    assert (document["status"], document["version"]) == ("delivered", 2)
    [kept] = (await counter.client.get(f"{fedex.admin}/deliveries")).json()["deliveries"]
    assert (kept["accepted"], kept["unmatched"], kept["rejected"]) == (1, 0, [])
    raw = await counter.client.get(f"{fedex.admin}/deliveries/{kept['delivery_id']}")
    assert raw.content == delivered()


async def test_forged_calls_and_unknown_addresses_are_refused_and_leave_nothing(counter: Counter) -> None:
    await counter.desk.labels(label())
    fedex = await address(counter, "fedex")
    for answer in (await fedex.fedex(delivered(), "x" * 32), await fedex.call(delivered())):
        assert (answer.status_code, answer.json()["code"][:9]) == (401, "signature")
        assert NUMBERS[0] not in answer.text
    unknown = Address(
        counter, {"path": f"/v1/webhooks/fedex/{secrets.token_hex(16)}", "secret": "x", "endpoint_id": ""}
    )
    other = Address(counter, {"path": f"/v1/webhooks/ups/{fedex.id}", "secret": fedex.secret, "endpoint_id": ""})
    for answer in (await unknown.fedex(delivered()), await other.call(delivered(), credential=fedex.secret)):
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_unknown")
    assert (await counter.client.get("/v1/trackers/s-1")).json()["status"] == "pending"
    assert (await counter.client.get(f"{fedex.admin}/deliveries")).json() == {"deliveries": []}


async def test_oversize_and_malformed_calls_are_coded_and_what_is_odd_is_kept(counter: Counter) -> None:
    fedex = await address(counter, "fedex")
    big = await fedex.fedex(b'{"x": "' + b"x" * 262_144 + b'"}')
    assert (big.status_code, big.json()["code"]) == (413, "body_too_large")
    for body, status, code in ((b"{", 400, "json_invalid"), (b'{"a": 1, "a": 2}', 422, "json_duplicate_key")):
        answer = await fedex.fedex(body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    for _ in range(2):
        odd = await fedex.fedex(b'{"output": {"weather": "rain"}}')
        assert (odd.status_code, odd.json()["code"]) == (422, "webhook_unreadable")
        assert odd.json()["field"] == "completeTrackResults"
    future = await fedex.fedex(delivered(at="2031-01-01T00:00:00Z"))
    assert (future.status_code, [each["code"] for each in future.json()["rejected"]]) == (200, ["scan_in_future"])
    kept = (await counter.client.get(f"{fedex.admin}/deliveries")).json()["deliveries"]
    assert sorted(each["rejected"][0]["code"] for each in kept) == ["scan_in_future", "webhook_unreadable"]


async def test_a_scan_ahead_of_the_clock_is_set_apart_and_shown(counter: Counter) -> None:
    await counter.desk.labels(label())
    fedex = await address(counter, "fedex")
    await fedex.fedex(delivered(at="2026-06-10T15:00:00Z"))
    ahead = {"carrier": "fedex", "tracking_number": NUMBERS[0], "code": "DL", "scanned_at": "2026-06-11T15:00:00Z"}
    answer = await counter.client.post("/v1/scans", json={"scans": [ahead, ahead]})
    assert [each["code"] for each in answer.json()["rejected"]] == ["scan_in_future"] * 2
    first = (await counter.client.get("/v1/quarantine", params={"limit": 1})).json()
    rest = (await counter.client.get("/v1/quarantine", params={"limit": 9, "after": first["next"]})).json()
    shown = [each["scanned_at"] for each in first["quarantined"] + rest["quarantined"]]
    assert sorted(shown) == ["2026-06-10T15:00:00Z", "2026-06-11T15:00:00Z"]
    assert (await counter.client.get("/v1/trackers/s-1")).json()["status"] == "pending"
    counter.desk.clock.advance(timedelta(days=31))
    async with counter.desk.database.transaction() as tx:
        assert await store.expire_unmatched(tx, 10) >= 2
    assert (await counter.client.get("/v1/quarantine")).json()["quarantined"] == []


async def test_a_call_is_gone_before_what_is_personal_must_be(counter: Counter) -> None:
    fedex = await address(counter, "fedex")
    assert (await fedex.fedex(delivered())).status_code == 200
    counter.desk.clock.advance(timedelta(days=29))
    async with counter.desk.database.transaction() as tx:
        await store.expire_webhooks(tx, 100)
    assert (await counter.client.get(f"{fedex.admin}/deliveries")).json() == {"deliveries": []}


async def test_the_secret_before_holds_for_a_day(counter: Counter) -> None:
    fedex = await address(counter, "fedex")
    rotated = (await counter.client.post(f"{fedex.admin}/rotate", json={})).json()
    assert rotated["secret"] != fedex.secret
    for secret in (fedex.secret, rotated["secret"]):
        assert (await fedex.fedex(delivered(), secret)).status_code == 200
    counter.desk.clock.advance(timedelta(days=1))
    assert (await fedex.fedex(delivered())).status_code == 401
    assert (await fedex.fedex(delivered(), rotated["secret"])).status_code == 200
    assert (await counter.client.delete(fedex.admin)).status_code == 204
    assert (await fedex.fedex(delivered(), rotated["secret"])).status_code == 404


async def test_ups_repeats_the_credential_and_dpd_writes_into_the_address(counter: Counter) -> None:
    ups = await address(counter, "ups", secret="a credential of our own".replace(" ", "-"))
    answer = await ups.call(json.dumps(UPS).encode(), credential="a-credential-of-our-own")
    assert (answer.status_code, answer.json()["unmatched"]) == (200, 1)
    dpd = await address(counter, "dpd-de")
    async with httpx.AsyncClient() as carrier:
        pushed = await carrier.get(dpd.url, params=DPD | {"statusdate": "08062026081500", "token": dpd.secret})
        forged = await carrier.get(dpd.url, params=DPD)
        odd = await carrier.get(ups.url, params={"token": ups.secret})
    assert (pushed.status_code, pushed.text) == (200, "<push><pushid>7</pushid><status>OK</status></push>")
    assert (forged.json()["code"], odd.json()["code"]) == ("signature_missing", "method_not_allowed")
    waiting = (await counter.client.get("/v1/unmatched")).json()["unmatched"]
    assert [each["carrier"] for each in waiting] == ["dpd-de", "ups"]


async def test_a_carrier_without_a_document_only_hints(counter: Counter) -> None:
    evri = await address(counter, "evri")
    evri.url += f"?token={evri.secret}"
    answer = await evri.call(b'{"event": {"barcode": "h00 1234567890123", "state": "DELIVERED"}}')
    assert (answer.status_code, answer.json()["hints"], answer.json()["accepted"]) == (200, 1, 0)
    [hint] = (await counter.client.get("/v1/poll-hints")).json()["hints"]
    assert (hint["carrier"], hint["tracking_number"]) == ("evri", "H001234567890123")
    nothing = await evri.call(b'{"event": "hello"}')
    assert (nothing.status_code, nothing.json()["code"]) == (422, "webhook_unreadable")


async def test_nobody_sees_anothers_addresses_and_no_secret_lies_open(counter: Counter, database_url: str) -> None:
    fedex = await address(counter, "fedex", secret="s3cr3t-of-the-portal")
    await fedex.fedex(delivered())
    connection = await asyncpg.connect(database_url)
    key = await create_key(connection, "other", ["*"])
    async with httpx.AsyncClient(base_url=counter.url, headers={"Authorization": f"Bearer {key}"}) as other:
        assert (await other.get("/v1/webhook-endpoints")).json() == {"endpoints": []}
        assert (await other.post(f"{fedex.admin}/rotate", json={})).status_code == 404
        assert (await other.delete(fedex.admin)).status_code == 404
        assert (await other.get(f"{fedex.admin}/deliveries")).json() == {"deliveries": []}
    shown = (await counter.client.get("/v1/webhook-endpoints")).text
    for table in ("webhook_endpoint", "webhook_delivery"):
        shown += str(await connection.fetch(f"SELECT * FROM tracker.{table}"))
    await connection.close()
    assert "s3cr3t" not in shown
    assert NUMBERS[0] not in shown
    bad = await counter.client.post("/v1/webhook-endpoints", json={"carrier": "pigeon"})
    assert (bad.status_code, bad.json()["code"]) == (422, "carrier_unknown")
