"""Silences counted by the batch and the timer on real PostgreSQL, and the limits that follow from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from integration.tracker.desk import LIVES, Desk, opened_desk, raised
from unit.tracker.tracked_facts import LABELLED, NUMBERS, label, scan

from linkstar_performance.silence import BINS
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import jobs, store
from linkstar_tracker.domain.foresight import Foresight
from linkstar_tracker.domain.lessons import Lesson
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.policies import SellerPolicy
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.domain.watch import WatchRules
from linkstar_tracker.handlers import Tracking
from linkstar_tracker.settings import SilenceSettings

pytestmark = pytest.mark.integration

LANE = "fedex US-US|ground|"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with opened_desk(database_url) as opened:
        yield opened


async def counted(desk: Desk) -> list[tuple[object, ...]]:
    async with desk.database.transaction() as tx:
        rows = await tx.fetch("SELECT shard, week, lane, step, ended, arrived, lost FROM silence ORDER BY 1, 2, 3, 4")
    return [(row["shard"], str(row["week"]), *list(row)[2:]) for row in rows]


async def test_each_silence_is_counted_once_however_often_its_scan_comes(desk: Desk) -> None:
    await desk.labels(label())
    batch = [scan("PU", 3), scan("IT", 12), scan("DL", 30)]
    await desk.scans(*batch, *batch)
    await desk.scans(*batch)
    expected = [
        (3, "2026-06-08", f"accepted|{LANE}", 1, 1, 0, 0), (3, "2026-06-08", f"arrival|{LANE}", 4, 1, 1, 0),
        (3, "2026-06-08", f"in_transit|{LANE}", 3, 1, 1, 0),
    ]  # fmt: skip
    assert await counted(desk) == expected
    await desk.labels(label(order="s-2", numbers=[NUMBERS[1]]))
    await desk.scans(*(scan(code, at, number=NUMBERS[1]) for code, at in (("PU", 3), ("IT", 12))), order="s-2")
    assert await counted(desk) == [(*expected[0][:4], 2, 0, 0), *expected[1:]]


async def test_a_parcel_given_up_counts_as_lost_until_it_is_heard_of(desk: Desk) -> None:
    await desk.labels(label())
    await desk.scans(scan("PU", 3), scan("IT", 4))
    given_up = (3, "2026-06-15", f"in_transit|{LANE}", BINS, 0, 0, 1)
    await desk.timer(260)
    assert given_up in await counted(desk)
    await desk.timer(270)
    assert given_up in await counted(desk), "once"
    await desk.scans(scan("DL", 280))
    assert (*given_up[:-1], 0) in await counted(desk)


async def renewed(desk: Desk, foresight: Foresight, shards: Sequence[int] = (3,), **settings: float) -> None:
    async with desk.database.transaction() as tx:
        await jobs.renewing(foresight, SilenceSettings.model_validate(settings))(shards, tx)


async def teach(desk: Desk, lane: str, silences: int, days_ago: int, shard: int = 3) -> None:
    """Silences of up to a day, 1 % of them without an end."""
    moment = desk.clock.now()
    desk.clock.advance(timedelta(days=-days_ago))
    async with desk.database.transaction() as tx:
        lessons = [Lesson(lane, step, silences // 4, silences // 20) for step in range(4)]
        await store.count_silences(tx, [(shard, each) for each in [*lessons, Lesson(lane, BINS, lost=silences // 100)]])
    desk.clock.advance(moment - desk.clock.now())


async def test_limits_come_from_all_shards_and_fade(desk: Desk) -> None:
    foresight, lane = Foresight(), f"in_transit|{LANE}"
    await teach(desk, lane, 400, days_ago=0, shard=1)
    await renewed(desk, foresight)
    assert foresight.expectations is None, "counted for less than three weeks"
    await teach(desk, lane, 400, days_ago=28)
    await renewed(desk, foresight)
    assert foresight.expectations
    expected = foresight.expectations.of(lane)
    assert expected
    assert 21 < expected.usual_hours < 24 <= expected.limit_hours < 30
    async with desk.database.transaction() as tx:
        total = sum(each.ended for each in await store.learned_silences(tx))
    assert total == pytest.approx(400 + 400 * 0.96**28)


async def test_counts_older_than_a_quarter_are_dropped_by_their_shard_alone(desk: Desk) -> None:
    await teach(desk, "old|", 400, days_ago=100)
    await teach(desk, "old|", 400, days_ago=100, shard=4)
    await teach(desk, "new|", 400, days_ago=80)
    await renewed(desk, Foresight())
    assert {(row[0], row[2]) for row in await counted(desk)} == {(4, "old|"), (3, "new|")}


async def test_a_lane_that_is_known_is_watched_by_what_it_does(desk: Desk) -> None:
    foresight = Foresight()
    desk.tracking = Tracking(Rules(StatusMap.shipped(), WatchRules.shipped(), foresight))
    await teach(desk, f"in_transit|{LANE}", 4_000, days_ago=28)
    await renewed(desk, foresight)
    await desk.labels(label())
    await desk.scans(scan("PU", 3), scan("IT", 4))
    async with desk.database.transaction() as tx:
        due = await tx.fetchval("SELECT watch_due_at FROM tracker")
    assert LABELLED + timedelta(hours=28) <= due < LABELLED + timedelta(hours=40)
    [(exception_id, version, state)] = raised(await desk.timer(40))
    assert (exception_id, version, state) == ("track.silent.s-1", 1, "open")
    assert raised(await desk.scans(scan("DL", 41))) == [("track.silent.s-1", 2, "resolved")]


async def test_a_new_policy_holds_for_the_next_label_before_any_timer_has_read_it(desk: Desk) -> None:
    rule = {"code": "track.no_acceptance", "stage": "acceptance", "hours": 1, "clock": "calendar"}
    wanted = SellerPolicy.model_validate({"rules": [rule]})
    async with desk.database.transaction() as tx:
        await store.put_policy(tx, "demo", wanted.model_dump_json())
        await store.review_next(tx, 10, tx.now)
    await desk.labels(label())
    async with desk.database.transaction() as tx:
        assert await tx.fetchval("SELECT watch_due_at FROM tracker") == LABELLED + timedelta(hours=1)


async def test_a_new_policy_reaches_the_parcels_under_way_a_portion_at_a_time(desk: Desk) -> None:
    for number in range(5):
        await desk.labels(label(order=f"s-{number}", numbers=[NUMBERS[0][:-1] + str(number)]))
        await desk.scans(scan("PU", 3, number=NUMBERS[0][:-1] + str(number)), order=f"s-{number}")
    assert await desk.timer(40) == []
    wanted = SellerPolicy.model_validate({"rules": [{"code": "track.silent", "stage": "movement", "hours": 30}]})
    async with desk.database.transaction() as tx:
        assert await store.put_policy(tx, "demo", wanted.model_dump_json()) == 1
        assert await store.put_policy(tx, "other", "{}") == 1
    reviewed = []
    for _ in range(5):
        async with desk.database.transaction() as tx:
            reviewed.append(await store.review_next(tx, 2, tx.now))
    assert reviewed == [2, 2, 1, 0, 0]
    opened = [exception_id for exception_id, _, _ in raised(await desk.timer(41))]
    assert opened == [f"track.silent.s-{number}" for number in range(5)]
    async with desk.database.transaction() as tx:
        assert await store.put_policy(tx, "demo", "{}") == 2
    await desk.timer(42)
    assert desk.tracking._rules.policies.of("demo").rules is None


async def in_force(desk: Desk, *rules: dict[str, object]) -> None:
    async with desk.database.transaction() as tx:
        await store.put_policy(tx, "demo", SellerPolicy.model_validate({"rules": rules}).model_dump_json())


async def reviewed(desk: Desk) -> None:
    """What the worker does once a second."""
    context = SimpleNamespace(database=desk.database, clock=desk.clock)
    await jobs.reviewing(0.5)(cast("ServiceContext", context))


async def test_a_scan_told_while_a_new_policy_is_being_read_is_looked_at_under_it(desk: Desk) -> None:
    """Only the timer reads policies: a scan that comes before it is judged by the old one."""
    await desk.labels(label())
    await desk.scans(scan("PU", 3))
    assert await desk.timer(40) == []
    await in_force(desk, {"code": "track.silent", "stage": "movement", "hours": 30})
    await reviewed(desk)
    assert raised(await desk.scans(scan("IT", 4))) == []
    for seconds in (1, 12):
        told = await desk.timer(40 + seconds / 3600)
        await reviewed(desk)
    assert raised(told) == []
    assert raised(await desk.timer(40 + 13 / 3600)) == [("track.silent.s-1", 1, "open")]


async def test_a_process_that_has_just_begun_judges_its_first_scans_by_the_policies(desk: Desk) -> None:
    await desk.labels(label())
    rule = {"code": "track.silent", "stage": "movement", "hours": 30, "clock": "calendar"}
    await in_force(desk, rule)
    desk.tracking = Tracking(Rules.shipped(), ahead=LIVES)
    await desk.scans(scan("PU", 3))
    async with desk.database.transaction() as tx:
        assert await tx.fetchval("SELECT watch_due_at FROM tracker") == LABELLED + timedelta(hours=33)
