"""What the in-memory broker, group and store do beyond the behaviour suite: idempotence, rebalances, late commits, locks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from linkstar_runtime.clock import Clock
from linkstar_runtime.ports import CommitUnknown, StoreConflict, StoreUnavailable
from linkstar_runtime.records import OutgoingRecord
from linkstar_runtime.testing import Commit, MemoryBroker, MemoryGroup, MemoryStore, MemoryTables, Wire, by_range
from linkstar_runtime.testing_locks import LockHolder, RowLocks

RECORD = OutgoingRecord(b"k", b"v", [], 0)


def test_a_batch_of_an_idempotent_producer_is_appended_once_and_in_order() -> None:
    broker = MemoryBroker()
    verdicts = [broker.append_batch(1, sequence, "t", 0, [RECORD]) for sequence in (0, 0, 1, 3, 2)]
    assert verdicts == ["appended", "duplicate", "appended", "out_of_order", "appended"]
    assert broker.append_batch(2, 0, "t", 0, [RECORD]) == "appended"
    assert len(broker.logs["t", 0]) == 4


def test_reading_starts_at_the_first_record_behind_a_gap() -> None:
    broker = MemoryBroker()
    broker.append("t", 0, RECORD)
    broker.skip("t", 0, 3)
    broker.append("t", 0, RECORD)
    assert [record.offset for record in broker.read("t", 0, 1, 10)] == [4]
    assert broker.end("t", 0) == 5


def test_range_assignment_keeps_a_partition_of_all_topics_together_among_equal_members() -> None:
    assignment = by_range({"m1": ("a", "b"), "m2": ("a", "b")}, 3)
    assert assignment == {
        "m1": [("a", 0), ("a", 1), ("b", 0), ("b", 1)],
        "m2": [("a", 2), ("b", 2)],
    }
    assert by_range({"m1": ("a",), "m2": ("a", "b")}, 2)["m2"] == [("a", 1), ("b", 0), ("b", 1)]


def group_of(*members: str) -> MemoryGroup:
    group = MemoryGroup(2, session_timeout_s=3.0, rebalance_timeout_s=4.0)
    for member in members:
        group.join(member, ("a",), 0.0)
    for member in members:
        group.rejoin(member, 0.0)
    return group


def test_a_generation_is_stable_once_all_have_rejoined() -> None:
    group = group_of("m1")
    group.join("m2", ("a",), 1.0)
    group.rejoin("m2", 1.0)
    assert not group.stable
    group.rejoin("m1", 1.0)
    assert group.stable
    assert group.assignment == {"m1": [("a", 0)], "m2": [("a", 1)]}


def test_a_silent_member_loses_its_session_and_a_slow_one_the_rebalance() -> None:
    group = group_of("m1", "m2")
    group.heartbeat("m1", 4.0)
    group.tick(4.0)
    assert (group.members, group.expired, group.stable) == (["m1"], 1, False)
    group.join("m3", ("a",), 4.0)
    group.rejoin("m3", 4.0)
    for now in (5.0, 6.5, 8.5):
        group.heartbeat("m1", now)
        group.heartbeat("m3", now)
        group.tick(now)
    assert group.members == ["m3"]


def test_offsets_of_an_old_generation_are_refused() -> None:
    group = group_of("m1")
    old = group.generation
    assert group.commit("m1", old, {("a", 0): 5})
    group.join("m2", ("a",), 1.0)
    assert not group.commit("m1", old, {("a", 0): 9})
    group.rejoin("m1", 1.0)
    group.rejoin("m2", 1.0)
    assert not group.commit("m1", old, {("a", 0): 9})
    assert group.committed == {("a", 0): 5}


async def test_a_row_goes_to_who_waits_longest() -> None:
    locks, holders, order = RowLocks(), [LockHolder() for _ in range(3)], []

    async def take(number: int) -> None:
        await locks.acquire(holders[number], "row")
        order.append(number)
        await asyncio.sleep(0)
        locks.release(holders[number])

    await asyncio.gather(*(take(number) for number in range(3)))
    assert order == [0, 1, 2]


async def test_waiting_for_a_row_ends_with_a_conflict() -> None:
    locks, first, second = RowLocks(timeout_s=0.01), LockHolder(), LockHolder()
    await locks.acquire(first, "row")
    with pytest.raises(StoreConflict):
        await locks.acquire(second, "row")
    locks.release(first)
    await locks.acquire(second, "row")


async def test_who_closes_a_circle_is_refused_at_once() -> None:
    locks, first, second = RowLocks(), LockHolder(), LockHolder()
    await locks.acquire(first, "a")
    await locks.acquire(second, "b")
    waiting = asyncio.create_task(locks.acquire(first, "b"))
    await asyncio.sleep(0)
    with pytest.raises(StoreConflict):
        await locks.acquire(second, "a")
    assert locks.deadlocks == [("a", "b")]
    locks.release(second)
    await waiting


class _Fate(Wire):
    """A wire on which every commit has this fate."""

    def __init__(self, fate: Commit) -> None:
        super().__init__()
        self._fate = fate

    def commit(self) -> Commit:
        return self._fate


async def put(store: MemoryStore, value: int) -> None:
    async with store.batch() as tx:
        await tx.handle.lock(["row"])
        tx.handle.put("row", value)


async def test_a_commit_that_arrives_late_is_carried_out_though_nobody_knows() -> None:
    tables = MemoryTables()
    with pytest.raises(CommitUnknown):
        await put(MemoryStore(Clock(), tables, _Fate(Commit(True, 0.05, False, 0.01))), 1)
    assert tables.state == {}
    began = asyncio.get_running_loop().time()
    await put(MemoryStore(Clock(), tables), 2)
    assert tables.state == {"row": 2}, "the second writer waits for the first one's row"
    await asyncio.sleep(max(0.0, began + 0.06 - asyncio.get_running_loop().time()))
    assert tables.state == {"row": 2}, "and what came late does not come later still"


async def test_a_commit_that_never_arrives_gives_its_rows_free() -> None:
    tables = MemoryTables()
    with pytest.raises(CommitUnknown):
        await put(MemoryStore(Clock(), tables, _Fate(Commit(False, 0.01, False, 0.02))), 1)
    await put(MemoryStore(Clock(), tables), 2)
    assert tables.state == {"row": 2}


async def stopped(store: MemoryStore) -> None:
    async with store.batch() as tx:
        await tx.handle.lock(["row"])
        await asyncio.sleep(0.1)
        await tx.visible_outbox([1])


async def gone(store: MemoryStore) -> None:
    async with store.batch() as tx:
        await tx.handle.lock(["row"])
        store.abort_open()
        await tx.visible_outbox([1])


@pytest.mark.parametrize("owner", [stopped, gone])
async def test_the_server_ends_a_transaction_whose_owner_stands_still_or_is_gone(
    owner: Callable[[MemoryStore], Awaitable[None]],
) -> None:
    tables = MemoryTables()
    store = MemoryStore(Clock(), tables)
    store.idle_limit_s = 0.03
    with pytest.raises(StoreUnavailable):
        await owner(store)
    await put(MemoryStore(Clock(), tables), 2)
    assert tables.state == {"row": 2}
