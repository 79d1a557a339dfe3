"""`linkstar quality` as docs/tracking.md shows it, and what Prometheus is shown, from scans on real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from integration.tracker.tracking_counter import Counter, opened_counter
from unit.tracker.tracked_facts import label, scan

from linkstar_contracts.values import Promise
from linkstar_runtime.metrics import LANE_PARCELS, LANE_RATE, LANE_SCAN_AGE, LaneQuantile, LaneRate, OfLane
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.lessons import Lesson
from linkstar_tracker.jobs.quality import measuring

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[3] / "docs/tracking.md").read_text("utf-8")
PROMISE = {"promise": Promise(p50_on="2026-06-10", p90_on="2026-06-11")}
WAYS = [("DL", 40), ("DL", 50), ("DL", 90), ("SIM-RT", 90)]


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened_counter(database_url, tmp_path) as opened:
        yield opened


def shown(command: str) -> list[list[str]]:
    block = re.search(rf"^    \$ {re.escape(command)}\n((?:(?!    \$ )(?:    .*)?\n)*)", PAGE, re.MULTILINE)
    assert block, command
    return [line.split() for line in block[1].splitlines() if line.strip()]


async def follow(counter: Counter, tenant: str, ways: list[tuple[str, int]]) -> None:
    for place, (code, at) in enumerate(ways):
        number, order = f"4490443041{ord(tenant[0])}{place:02}", f"q-{place}"
        await counter.desk.labels(label(numbers=[number], tenant=tenant, order=order).model_copy(update=PROMISE))
        scans = [scan(each, hours, number=number) for each, hours in (("PU", 1), ("IT", 20), (code, at))]
        await counter.desk.scans(*scans[:2], tenant=tenant, order=order)
        await counter.desk.scans(*scans, tenant=tenant, order=order)


async def test_a_sellers_own_parcels_are_counted_once_and_shown_in_two_languages(counter: Counter) -> None:
    await follow(counter, "demo", [*WAYS, ("OD", 60)])
    await follow(counter, "acme", [("SIM-RT", 90)] * 3)
    await gaps(counter)
    counter.desk.clock.advance(timedelta(hours=70))
    for command in ("linkstar quality", "linkstar quality --lang zh"):
        told = await counter.linkstar(*command.split()[1:])
        assert [line.split() for line in told.splitlines() if line.strip()] == shown(command)
    [lane] = (await counter.client.get("/v1/quality?carrier=fedex&lane=US-US")).json()["lanes"]
    assert lane["on_time"] == {"share": 0.5, "of": 4, "estimate": 0.5}
    assert lane["scan_age_hours"] == {"p50": 10.0, "p95": 10.0, "open": 1}
    for query in ("lane=US-DE", "carrier=ups", "from=2026-01-01&to=2026-02-01"):
        lanes = (await counter.client.get(f"/v1/quality?{query}")).json()["lanes"]
        assert [each["parcels"] for each in lanes] in ([], [0]), query
    for days in ("from=2026-02-01&to=2026-01-01", "to=0001-01-05", "from=2024-01-01&to=9999-12-31"):
        refused = await counter.client.get(f"/v1/quality?{days}")
        assert (refused.status_code, refused.json()["code"]) == (422, "period_invalid")


async def gaps(counter: Counter) -> None:
    async with counter.desk.database.transaction() as tx:
        lessons = [
            Lesson(f"in_transit|fedex US-US|{name}|", step, 30) for name in ("ground", "2day") for step in range(3)
        ]
        await store.count_silences(tx, [(3, each) for each in lessons])


async def test_prometheus_is_shown_everybodys_lanes_and_forgets_those_that_are_gone(counter: Counter) -> None:
    await follow(counter, "demo", [*WAYS, ("OD", 60)])
    await follow(counter, "acme", [("SIM-RT", 90)] * 3)
    context = cast("ServiceContext", SimpleNamespace(database=counter.desk.database))
    counter.desk.clock.advance(timedelta(hours=70))
    await measuring(100)(context)
    lane = OfLane("fedex", "US-US")
    assert LANE_PARCELS.read(lane) == 7
    assert LANE_RATE.read(LaneRate(*lane, "returned")) == pytest.approx(4 / 7, abs=1e-4)
    assert LANE_SCAN_AGE.read(LaneQuantile(*lane, "0.5")) == 36_000
    async with counter.desk.database.transaction() as tx:
        await store.drop_outcomes(tx, [3])
        assert await tx.fetchval("SELECT count(*) FROM lane_outcome") == 2, "of both tenants, this week's"
    counter.desk.clock.advance(timedelta(weeks=54))
    async with counter.desk.database.transaction() as tx:
        await store.drop_outcomes(tx, [3])
        assert await tx.fetchval("SELECT count(*) FROM lane_outcome") == 0
    await measuring(100)(context)
    assert LANE_PARCELS.read(lane) == 0


async def test_a_parcel_given_up_counts_as_lost_until_it_arrives(counter: Counter) -> None:
    await counter.desk.labels(label().model_copy(update=PROMISE))
    await counter.desk.scans(scan("PU", 3))
    await counter.desk.timer(260)
    assert (await lost(counter), await lost(counter)) == ((1, 1, 0), (1, 1, 0))
    await counter.desk.scans(scan("DL", 280))
    assert await lost(counter) == (0, 1, 0)


async def lost(counter: Counter) -> tuple[Any, ...]:
    async with counter.desk.database.transaction() as tx:
        row = await tx.fetchrow("SELECT sum(lost), sum(judged), sum(on_time) FROM lane_outcome")
    return tuple(int(each) for each in row)
