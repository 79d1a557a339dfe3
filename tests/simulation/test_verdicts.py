"""The checks have teeth: each broken variant is seen at a known seed, each planted error by the check it is meant for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import structlog

from linkstar_contracts.topics import ORDER_CHANGES, ORDERS_INBOUND
from linkstar_runtime.records import OutboxRow, OutgoingRecord, StoredRecord
from linkstar_runtime.testing import MemoryStore
from simulation.chance import Scenario
from simulation.checks import check
from simulation.mutants import MUTANTS
from simulation.parts import Parts
from simulation.quiet import hush
from simulation.shrink import parts_of, shrink
from simulation.world import Result, World, simulate

SEED = 3
OUTPUT = ORDER_CHANGES.name


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    before = structlog.get_config()
    hush()
    yield
    structlog.configure(**before)


def caught(name: str) -> Result:
    """The variant's failure at its known seed; should the product have changed its course, at the next that fails."""
    for seed in (MUTANTS[name].known, *range(400)):
        result = simulate(Scenario(seed, name), MUTANTS[name].parts)
        if set(result.violations) - {"loop_error"}:
            return result
    pytest.fail(f"{name} was not caught")


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_variant_is_seen(name: str) -> None:
    failing = caught(name)
    assert not simulate(failing.scenario.but(mutant=""), Parts()).violations


def output(world: World) -> list[StoredRecord]:
    """The longest partition of the output."""
    return max((log for (topic, _), log in world.broker.logs.items() if topic == OUTPUT), key=len)


def lose_event(world: World) -> None:
    log = output(world)
    last = log[-1].value
    log[:] = [record for record in log if record.value != last]


def swap_events(world: World) -> None:
    log = output(world)
    log.reverse()


def change_payload(world: World) -> None:
    log = output(world)
    log.append(StoredRecord(OUTPUT, log[0].partition, 999, log[0].key, (log[0].value or b"") + b" ", log[0].headers))


def invent_event(world: World) -> None:
    log = output(world)
    value = (log[0].value or b"").replace(b"fact", b"tale").replace(b"once", b"tale")
    log.append(StoredRecord(OUTPUT, log[0].partition, 999, log[0].key, value, log[0].headers))


def move_event(world: World) -> None:
    record = output(world)[0]
    world.broker.append(
        OUTPUT, (record.partition + 1) % world.partitions,
        OutgoingRecord(record.key, record.value, list(record.headers), record.timestamp),
    )  # fmt: skip


def lose_effect(world: World) -> None:
    world.tables.journal["effect"].pop()


def repeat_effect(world: World) -> None:
    fact, order, version = world.tables.journal["effect"][-1]
    world.tables.journal["effect"].append((fact, order, version + 1))


def invent_effect(world: World) -> None:
    world.tables.journal["effect"].append(("rumour", "order-99", 1))


def misplace_effect(world: World) -> None:
    fact, _, version = world.tables.journal["effect"][-1]
    world.tables.journal["effect"][-1] = (fact, "order-99", version)


def skip_version(world: World) -> None:
    fact, order, version = world.tables.journal["effect"][-1]
    world.tables.journal["effect"][-1] = (fact, order, version + 5)


def unbalance(world: World) -> None:
    world.tables.state["wallet/0"] = world.tables.state.get("wallet/0", 0) + 1


def post_twice(world: World) -> None:
    world.tables.journal["ledger"] += world.tables.journal["ledger"][-2:]


def lose_dead_letter(world: World) -> None:
    world.sources.poison.add((ORDERS_INBOUND.name, 0, 999))


def kill_the_innocent(world: World) -> None:
    place = next(iter(world.tables.dead_letters))
    world.sources.poison.discard(place)


def lose_copy(world: World) -> None:
    for (topic, _), log in world.broker.logs.items():
        if topic.endswith("-dlq"):
            log.clear()


def leave_a_row(world: World) -> None:
    world.tables.outbox[0, 1] = OutboxRow(0, 1, OUTPUT, 0, 1, b"\x01")


def lag(world: World) -> None:
    place = next((shard, topic) for (shard, topic) in world.tables.offsets if world.broker.logs[topic, shard])
    world.tables.offsets[place] -= 1


def lead(world: World) -> None:
    world.group.committed[ORDERS_INBOUND.name, 0] = 10_000


def commit_as_a_zombie(world: World) -> None:
    world.tables.stale_commits += 1


def lock_crosswise(world: World) -> None:
    world.tables.locks.deadlocks.append(("wallet/1", "wallet/2"))


@pytest.fixture
def world() -> World:
    """A world that has ended well, with poison in it."""
    world = World(Scenario(SEED), Parts())
    assert not world.run().violations
    assert world.tables.dead_letters
    return world


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (lose_event, "lost_event"), (swap_events, "order"), (change_payload, "two_payloads"),
        (invent_event, "phantom_event"), (move_event, "wrong_partition"), (lose_effect, "lost_effect"),
        (repeat_effect, "duplicate_effect"), (invent_effect, "phantom_effect"), (misplace_effect, "misplaced_effect"),
        (skip_version, "version_gap"), (unbalance, "ledger_sum"), (post_twice, "ledger_wrong"),
        (lose_dead_letter, "poison_lost"), (kill_the_innocent, "dead_phantom"), (lose_copy, "dead_copy"),
        (leave_a_row, "outbox_left"), (lag, "offset"), (lead, "gauge_ahead"), (commit_as_a_zombie, "zombie_commit"),
        (lock_crosswise, "deadlock"),
    ],
)  # fmt: skip
def test_a_planted_error_is_seen(world: World, plant: Callable[[World], None], found: str) -> None:
    plant(world)
    check(world)
    assert found in world.violations


def test_a_stored_offset_that_goes_back_is_seen(world: World) -> None:
    place, offset = next(iter(world.tables.offsets.items()))
    tx = MemoryStore(world.clock, world.tables).begin()
    tx.stage(world.tables.offsets, place, offset - 1)
    world._committed(tx)
    assert world.violations["offset_back"] == 1


def test_a_gauge_that_leads_is_seen_when_it_is_set(world: World) -> None:
    assert not world.commit_gauge("m01", -1, {(ORDERS_INBOUND.name, 0): 10_000})
    assert world.violations["gauge_ahead"] == 1


def test_a_world_in_which_nobody_works_is_stuck() -> None:
    assert caught("round_robin").violations["stuck"]


def test_a_failing_scenario_becomes_small_and_repeats_exactly() -> None:
    failing = caught("no_natural_key")
    small = shrink(failing, budget=80)
    assert small.scenario.without or small.scenario.facts
    assert small.figures["facts"] < failing.figures["facts"]
    again = simulate(small.scenario, parts_of(small.scenario))
    assert (again.digest, again.violations) == (small.digest, small.violations)


def test_faults_can_be_switched_off_one_by_one() -> None:
    result = simulate(Scenario(SEED, without=("kill", "freeze", "duplicate")), Parts())
    assert not {"kill", "freeze", "duplicate"} & set(result.faults)
