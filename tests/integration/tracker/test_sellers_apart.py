"""Nothing that one seller does or is told changes what another one sees, at any of the tracker's doors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from integration.tracker.test_automation import LOST
from integration.tracker.test_carrier_webhooks import address, delivered
from integration.tracker.tracking_counter import Counter, opened_counter
from unit.tracker.tracked_facts import label, scan

from linkstar_runtime.api_keys import create_key

pytestmark = pytest.mark.integration

LISTS = (
    "trackers?tracking_number=449044304137821", "trackers/s-1", "trackers/s-1/actions", "trackers/s-1/case",
    "evidence-cases",
    "automation/rules", "watch/policy", "incidents", "quality", "unmatched", "quarantine", "unmapped-codes",
    "tracking-accounts", "webhook-endpoints", "poll-hints",
)  # fmt: skip


async def seen(client: httpx.AsyncClient, paths: Sequence[str]) -> dict[str, tuple[int, Any]]:
    """What each path answers, without the days that the clock alone decides."""
    answers = {path: await client.get(f"/v1/{path}") for path in paths}
    return {path: (answer.status_code, without_days(answer.json())) for path, answer in answers.items()}


def without_days(answer: Any) -> Any:
    if not isinstance(answer, dict):
        return answer
    return {
        name: without_days(each) for name, each in answer.items() if name not in {"since", "from", "to", "request_id"}
    }


async def busy_seller(counter: Counter) -> list[str]:
    """Have the seller use every door; return the paths of what bears an id."""
    post, desk = counter.client.post, counter.desk
    await desk.labels(label())
    await desk.scans(scan("PU", 3), scan("??", 4))
    await desk.timer(260)
    fedex, evri = await address(counter, "fedex"), await address(counter, "evri")
    await fedex.fedex(delivered())
    evri.url += f"?token={evri.secret}"
    assert (await evri.call(b'{"trackingNumber": "H00000000000001"}')).json()["hints"] == 1
    await counter.client.put("/v1/automation/rules", json={"rules": [LOST]}, headers={"If-Match": "*"})
    report = {"carrier": "fedex", "tracking_number": "449044304199999", "code": "PU"}
    for at in ("2026-06-02T10:00:00Z", "2031-06-02T10:00:00Z"):
        await post("/v1/scans", json={"scans": [{**report, "scanned_at": at}]})
    await post("/v1/trackers/s-1/disputes", json={"reference": "t-1", "reason": "not_received"})
    await post("/v1/trackers/s-1/case", json={"keep_days": 100})
    asked = await post("/v1/trackers/s-1/actions", json={"kind": "trace"}, headers={"Idempotency-Key": "ask-1"})
    assert asked.status_code < 300, asked.text
    [kept] = (await counter.client.get(f"{fedex.admin}/deliveries")).json()["deliveries"]
    ways = f"webhook-endpoints/{fedex.id}/deliveries"
    return [ways, f"{ways}/{kept['delivery_id']}"]


async def test_what_one_seller_does_changes_nothing_that_another_sees(database_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(database_url)
    key = await create_key(connection, "rival", ["*"])
    await connection.close()
    async with opened_counter(database_url, tmp_path) as counter:
        rival = httpx.AsyncClient(base_url=counter.url, headers={"Authorization": f"Bearer {key}"})
        async with rival:
            before, own_before = await seen(rival, LISTS), await seen(counter.client, LISTS)
            assert before == own_before
            named = await busy_seller(counter)
            assert await seen(rival, LISTS) == before
            assert {code for code, _ in (await seen(rival, named)).values()} <= {200, 404}
            tried = await rival.post("/v1/automation/dry-run", json={"rules": [LOST]})
            assert (tried.json()["looked_at"], tried.json()["rules"][0]["would_fire"]) == (0, 0)
            for path in named:
                answer = await rival.get(f"/v1/{path}")
                assert answer.status_code == 404 or answer.json() == {"deliveries": []}
        after = await seen(counter.client, [*LISTS, *named[:1]])
    unchanged = [path for path in LISTS if after[path] == own_before[path]]
    assert set(unchanged) <= {"incidents", "tracking-accounts"}, unchanged
