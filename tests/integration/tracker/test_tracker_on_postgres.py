"""The tracker's handlers on real PostgreSQL: arrival order, repetition, numbers, silence."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from integration.tracker.desk import Desk, opened_desk, raised, told
from unit.tracker.tracked_facts import NUMBERS, label, scan, void

from linkstar_contracts.events import CarrierScan, ShipmentUpdated
from linkstar_runtime.handling import Received, Reject
from linkstar_tracker import store
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.handlers import Tracking

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with opened_desk(database_url) as opened:
        yield opened


async def test_a_label_and_its_scans_become_dense_versions(desk: Desk) -> None:
    assert told(await desk.labels(label())) == [(1, "pending")]
    outcomes = await desk.scans(scan("PU", 3), scan("IT", 20), scan("OD", 48))
    assert told(outcomes) == [(2, "accepted"), (3, "in_transit"), (4, "out_for_delivery")]
    [latest] = [each for each in outcomes if isinstance(each, ShipmentUpdated)]
    assert (latest.version, latest.status.value, latest.tracking_numbers) == (4, "out_for_delivery", NUMBERS[:1])


async def test_scans_before_their_label_wait_and_are_told_with_it(desk: Desk) -> None:
    assert await desk.scans(scan("OD", 48), scan("PU", 3)) == []
    assert told(await desk.labels(label())) == [(1, "pending"), (2, "accepted"), (3, "out_for_delivery")]


async def test_a_repeated_batch_says_nothing(desk: Desk) -> None:
    batch = [scan("PU", 3), scan("IT", 20)]
    await desk.labels(label())
    assert len(told(await desk.scans(*batch, *batch))) == 2
    assert await desk.scans(*batch) == []
    assert await desk.labels(label()) == []


async def test_a_retraction_goes_back_and_may_come_first(desk: Desk) -> None:
    delivered = scan("DL", 50)
    await desk.labels(label())
    assert told(await desk.scans(scan("PU", 3), delivered))[-1] == (3, "delivered")
    assert told(await desk.scans(scan("DL", 51, retracts=delivered))) == [(4, "accepted")]
    again = scan("DL", 60)
    assert told(await desk.scans(scan("DL", 61, retracts=again))) == []
    assert told(await desk.scans(again)) == []


async def test_the_label_may_come_after_its_void(desk: Desk) -> None:
    assert await desk.labels(void()) == []
    assert told(await desk.labels(label())) == [(1, "cancelled")]
    assert await desk.timer(500) == []


async def test_a_new_label_after_a_void_is_followed_under_its_new_number(desk: Desk) -> None:
    await desk.labels(label(), void())
    assert told(await desk.labels(label(3, NUMBERS[1:]))) == [(3, "pending")]
    assert await desk.scans(scan("PU", 3)) == []
    assert told(await desk.scans(scan("PU", 3, number=NUMBERS[1]))) == [(4, "accepted")]


async def test_any_order_and_batching_ends_in_the_same_state(desk: Desk) -> None:
    chance = random.Random(20260608)
    delivered = scan("DL", 50)
    scans = [
        scan("PU", 3),
        scan("OD", 48),
        delivered,
        scan("DL", 51, retracts=delivered),
        scan("DE", 52),
        scan("??", 9),
    ]
    states = set()
    for run in range(12):
        order = f"s-{run}"
        facts = [scan for scan in scans for _ in range(chance.randint(1, 2))]
        chance.shuffle(facts)
        at = chance.randint(0, len(facts))
        outcomes = [*await desk.scans(*facts[:at], order=order), *await desk.labels(label(order=order))]
        for each in facts[at:]:
            outcomes += await desk.scans(each, order=order)
        versions = [version for version, _ in told(outcomes)]
        assert versions == list(range(1, len(versions) + 1))
        [row] = await rows(desk, "SELECT status, last_scan_at FROM tracker WHERE shipment_id = $1", order)
        states.add((row["status"], row["last_scan_at"]))
    assert len(states) == 1


async def test_silence_is_raised_once_and_answered_by_the_next_scan(desk: Desk) -> None:
    await desk.labels(label())
    assert await desk.timer(71) == []
    assert raised(await desk.timer(73)) == [("track.no_acceptance.s-1", 1, "open")]
    assert await desk.timer(74) == []
    assert raised(await desk.scans(scan("PU", 74))) == [("track.no_acceptance.s-1", 2, "resolved")]
    assert await desk.timer(74 + 97) == []  # a Sunday lies between
    assert raised(await desk.timer(74 + 121)) == [("track.silent.s-1", 1, "open")]
    assert raised(await desk.timer(74 + 241)) == [("track.lost.s-1", 1, "open")]
    assert raised(await desk.scans(scan("DL", 320))) == [
        ("track.silent.s-1", 2, "resolved"), ("track.lost.s-1", 2, "resolved")
    ]  # fmt: skip
    assert await desk.timer(2000) == []


async def test_a_scan_leaves_the_index_of_looks_alone_and_the_next_look_puts_the_watch_off(desk: Desk) -> None:
    await desk.labels(label())
    [(first, due)] = await rows(desk, "SELECT look_at, watch_due_at FROM tracker")
    await desk.scans(scan("PU", 20))
    [(look, later)] = await rows(desk, "SELECT look_at, watch_due_at FROM tracker")
    assert first == due == look < later
    assert await desk.timer(73) == []
    assert [tuple(row) for row in await rows(desk, "SELECT look_at, watch_due_at FROM tracker")] == [(later, later)]
    await desk.scans(scan("DL", 80))
    assert [tuple(row) for row in await rows(desk, "SELECT look_at, watch_due_at FROM tracker")] == [(None, None)]


async def test_a_shipment_stored_before_scans_were_kept_in_brief_is_read_whole(desk: Desk) -> None:
    await desk.labels(label())
    await desk.scans(scan("PU", 3), scan("IT", 9))
    async with desk.database.transaction() as tx:
        await tx.execute("UPDATE tracker SET briefs = NULL")
    assert told(await desk.scans(scan("PU", 3), scan("OD", 30))) == [(4, "out_for_delivery")]
    [(briefs,)] = await rows(desk, "SELECT briefs FROM tracker")
    assert briefs.count("\n") == 3


async def test_a_scan_that_an_earlier_release_added_beside_its_briefs_is_read(desk: Desk) -> None:
    """It writes neither `briefs` nor, as it stores a shipment, `look_at`."""
    delivered, older = scan("DL", 50), scan("IT", 9)
    await desk.labels(label())
    await desk.scans(scan("PU", 3), delivered, older)
    async with desk.database.transaction() as tx:
        await tx.execute("UPDATE tracker SET briefs = '', briefed_at = entries - 1")
    assert told(await desk.scans(older)) == []
    assert told(await desk.scans(scan("DL", 51, retracts=delivered))) == [(5, "in_transit")]


OF_AN_EARLIER_RELEASE = "UPDATE tracker SET briefs = E'1\\t2', briefs_at = entries"
"""It writes briefs in its own form; for no new entry, when it has looked at the parcel's watch."""


async def test_briefs_that_an_earlier_release_wrote_are_passed_over(desk: Desk) -> None:
    delivered = scan("DL", 50)
    await desk.labels(label())
    await desk.scans(scan("PU", 3), delivered)
    async with desk.database.transaction() as tx:
        await tx.execute(OF_AN_EARLIER_RELEASE)
    assert told(await desk.scans(scan("DL", 51, retracts=delivered))) == [(4, "accepted")]


async def test_an_earlier_release_passes_over_the_briefs_of_this_one(desk: Desk) -> None:
    await desk.labels(label())
    assert [tuple(row) for row in await rows(desk, "SELECT briefs_at, briefed_at FROM tracker")] == [(None, 1)]
    async with desk.database.transaction() as tx:
        await tx.execute(OF_AN_EARLIER_RELEASE)
    await desk.scans(scan("PU", 3))
    assert [tuple(row) for row in await rows(desk, "SELECT briefs_at, briefed_at FROM tracker")] == [(None, 2)]


async def test_a_paper_kept_after_an_earlier_release_wrote_briefs_does_not_make_them_this_ones(desk: Desk) -> None:
    await desk.labels(label())
    async with desk.database.transaction() as tx:
        await tx.execute(OF_AN_EARLIER_RELEASE)
        [kept] = (await store.lock_trails(tx, [("demo", "s-1")])).values()
        kept.trail.keep("demo", "s-1", "action", tx.now, b"{}")
        await store.save_trails(tx, [kept])
    assert [row["briefed_at"] for row in await rows(desk, "SELECT briefed_at FROM tracker")] == [None]
    assert told(await desk.scans(scan("PU", 3))) == [(2, "accepted")]


async def test_a_parcel_that_an_earlier_release_stored_is_watched(desk: Desk) -> None:
    await desk.labels(label())
    async with desk.database.transaction() as tx:
        columns = "tenant, order_id, shard, label, label_version, status, watch_due_at, updated_at, entries, head"
        await tx.execute(f"INSERT INTO tracker (shipment_id, {columns}) SELECT 's-1~R1', {columns} FROM tracker")
        await tx.execute("UPDATE tracker SET look_at = NULL WHERE shipment_id = 's-1'")
        await tx.execute("UPDATE tracker SET look_at = look_at - interval '3 years' WHERE shipment_id = 's-1~R1'")
    assert [one for _, one, _ in raised(await desk.timer(100))] == [1]


async def test_the_timer_looks_at_its_own_shards_only(desk: Desk) -> None:
    await desk.labels(label())
    assert await desk.timer(100, shards=[0, 1, 2]) == []
    assert len(await desk.timer(100, shards=[3])) == 1


async def test_the_timer_takes_no_more_than_its_bound(desk: Desk) -> None:
    for number in range(5):
        await desk.labels(label(order=f"s-{number}", numbers=[f"44904430413{number}"]))
    desk.tracking._max_due = 2
    assert [len(await desk.timer(100)) for _ in range(4)] == [2, 2, 1, 0]


async def test_delivery_answers_what_is_open(desk: Desk) -> None:
    await desk.labels(label())
    opened = raised(await desk.scans(scan("PU", 3), scan("DE", 10), scan("SIM-DM", 11)))
    assert opened == [("track.delivery_failed.s-1", 1, "open"), ("track.damaged.s-1", 1, "open")]
    assert [state for _, _, state in raised(await desk.scans(scan("DL", 30)))] == ["resolved", "resolved"]


async def test_a_number_used_twice_stays_with_its_first_owner(desk: Desk) -> None:
    await desk.labels(label())
    await desk.labels(label(tenant="other", order="o-9"))
    async with desk.database.transaction() as tx:
        owners = await store.owners_of(tx, [("fedex", NUMBERS[0])])
    assert owners["fedex", NUMBERS[0]] == store.NumberOwner("demo", "s-1", "s-1")
    [conflict] = await rows(desk, "SELECT tenant, shipment_id FROM number_conflict")
    assert tuple(conflict) == ("other", "o-9")


async def test_scans_of_unknown_numbers_are_told_when_the_label_comes(desk: Desk) -> None:
    await keep(desk, "*", scan("OD", 48), scan("PU", 3))
    outcomes = await desk.labels(label())
    assert told(outcomes) == [(1, "pending"), (2, "accepted"), (3, "out_for_delivery")]
    assert sorted(scan.code for scan in outcomes if isinstance(scan, CarrierScan)) == ["OD", "PU"]
    assert await rows(desk, "SELECT * FROM unmatched_scan") == []


async def test_what_another_tenant_reports_is_not_taken_for_ones_own(desk: Desk) -> None:
    await keep(desk, "other", scan("DL", 3))
    assert told(await desk.labels(label())) == [(1, "pending")]
    async with desk.database.transaction() as tx:
        assert await store.take_matched(tx, 10) == []
    assert len(await rows(desk, "SELECT * FROM unmatched_scan")) == 1


async def test_a_scan_stored_beside_its_label_is_found_later_and_old_ones_expire(desk: Desk) -> None:
    await desk.labels(label())
    await keep(desk, "*", scan("PU", 3), scan("PU", 4, number="449044304139999"))
    async with desk.database.transaction() as tx:
        [(found, owner)] = await store.take_matched(tx, 10)
        assert await store.expire_unmatched(tx, 10) == 0
    assert (found, owner.shipment_id) == (scan("PU", 3), "s-1")
    desk.clock.advance(timedelta(days=31))
    async with desk.database.transaction() as tx:
        assert await store.expire_unmatched(tx, 10) == 1


async def test_codes_without_a_row_are_kept_and_counted(desk: Desk) -> None:
    await desk.labels(label())
    outcomes = await desk.scans(scan("ZZ", 1), scan("ZZ", 2), scan("PU", 3))
    assert told(outcomes) == [(2, "unknown"), (3, "unknown"), (4, "accepted")]
    await desk.scans(scan("ZZ", 1), scan("ZZ", 4))
    async with desk.database.transaction() as tx:
        [unmapped] = await store.unmapped_codes(tx, "demo")
        assert await store.unmapped_codes(tx, "other") == []
    assert (unmapped["carrier"], unmapped["code"], unmapped["seen"]) == ("fedex", "ZZ", 3)


async def test_scans_beyond_any_journey_are_set_apart(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linkstar_tracker.handlers.judging.MOST_SCANS", 2)
    await desk.labels(label())
    assert told(await desk.scans(scan("PU", 3), scan("AR", 8), scan("OD", 9))) == [(2, "accepted"), (3, "in_transit")]
    assert await desk.scans(scan("PU", 3), scan("OD", 9)) == []
    async with desk.database.transaction() as tx:
        apart = await store.quarantined_scans(tx, "demo", ("", "", ""), 10)
        chain = await store.read_evidence(tx, "demo", "s-1")
    assert [each.scan.code for each in apart] == ["OD"]
    assert chain is not None
    assert chain.length == 3


async def test_tenants_with_the_same_order_id_do_not_meet(desk: Desk) -> None:
    await desk.labels(label(), label(tenant="other", numbers=NUMBERS[1:]))
    await desk.scans(scan("PU", 3))
    async with desk.database.transaction() as tx:
        other = await store.read_shipment(tx, "other", "s-1")
    assert other is not None
    assert other.scans == {}


async def test_a_scan_under_another_orders_key_is_a_dead_letter(desk: Desk) -> None:
    event = scan("PU", 3).event("demo", "s-2", "s-1")
    received = Received(event, event.key, 3)
    async with desk.database.transaction() as tx:
        [[reject]] = [each async for each in desk.tracking.on_carrier_scans([received], tx)]
    assert isinstance(reject, Reject)
    assert reject.code == "track.shipment_of_another_order"


async def keep(desk: Desk, reporter: str, *scans: object) -> None:
    async with desk.database.transaction() as tx:
        waiting = [store.UnmatchedScan(each, reporter, tx.now, tx.now + timedelta(days=30)) for each in scans]
        await store.keep_unmatched(tx, waiting)
        await store.keep_unmatched(tx, waiting)


async def rows(desk: Desk, sql: str, *args: object) -> list[object]:
    async with desk.database.transaction() as tx:
        return await tx.fetch(sql, *args)


async def test_a_scan_from_outside_that_lies_ahead_of_the_clock_is_set_apart_and_not_rejected(desk: Desk) -> None:
    desk.tracking = Tracking(Rules.shipped())
    await desk.labels(label())
    assert told(await desk.scans(scan("PU", 3), scan("DL", 27), scan("IT", 26))) == [(2, "accepted"), (3, "in_transit")]
    async with desk.database.transaction() as tx:
        [apart] = await store.quarantined_scans(tx, "demo", ("", "", ""), 10)
        assert await store.quarantined_scans(tx, "other", ("", "", ""), 10) == []
    assert apart.scan == scan("DL", 27)
    assert apart.expires_at - desk.clock.now() == timedelta(days=30)
    desk.clock.advance(timedelta(hours=2))
    assert told(await desk.scans(scan("DL", 27))) == [(4, "delivered")]
