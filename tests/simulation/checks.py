"""The promises, checked on what a run has left behind. No code is shared with the stage."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from linkstar_contracts.topics import ORDER_CHANGES, ORDERS_INBOUND, RETURNS_REQUESTED
from linkstar_runtime.shards import shard_of
from simulation.example import legs_of

if TYPE_CHECKING:
    from simulation.world import World

__all__ = ["check"]

OUTPUT = ORDER_CHANGES.name
INPUTS = (ORDERS_INBOUND.name, RETURNS_REQUESTED.name)
Effects = list[tuple[str, str, int]]


def check(world: World) -> None:
    """Note every broken promise of this run."""
    effects: Effects = world.tables.journal["effect"]
    _check_effects(world, effects)
    _check_ledger(world)
    _check_events(world, effects)
    _check_dead_letters(world)
    _check_offsets(world)
    world.examined["fenced_commits"] += world.tables.fenced_commits
    world.examined["wallet_waits"] += sum(n for row, n in world.tables.locks.waits.items() if row.startswith("wallet/"))
    if world.tables.stale_commits:
        world.violate("zombie_commit", world.tables.stale_commits)
    for cycle in world.tables.locks.deadlocks:
        if any(row.startswith("wallet/") for row in cycle):
            world.violate("deadlock", cycle)
    for error in world.loop.errors:
        world.violate("loop_error", error)


def _check_effects(world: World, effects: Effects) -> None:
    """Every fact has had its effect exactly once, nothing else has, and versions are dense."""
    expected = world.sources.expected
    world.examined["effects"] += len(expected)
    applied = Counter(fact for fact, _, _ in effects)
    for fact, order in expected.items():
        if applied[fact] == 0:
            world.violate("lost_effect", fact)
        elif applied[fact] > 1:
            world.violate("duplicate_effect", fact)
        elif (fact, order) not in {(name, place) for name, place, _ in effects}:
            world.violate("misplaced_effect", fact)
    for fact in applied:
        if fact not in expected:
            world.violate("phantom_effect", fact)
    versions: dict[str, list[int]] = defaultdict(list)
    for _, order, version in effects:
        versions[order].append(version)
    world.examined["versions"] += len(effects)
    for order, numbers in versions.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            world.violate("version_gap", (order, sorted(numbers)))


def _check_ledger(world: World) -> None:
    """Legs are those of their facts, each once; balances are their sums; everything sums to zero."""
    ledger: list[tuple[str, str, int]] = world.tables.journal["ledger"]
    world.examined["ledger"] += len(ledger)
    balances: Counter[str] = Counter()
    posted: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for fact, wallet, amount in ledger:
        posted[fact].append((wallet, amount))
        balances[wallet] += amount
    stored = {name: value for name, value in world.tables.state.items() if name.startswith("wallet/")}
    if stored != dict(balances) or sum(balances.values()) != 0:
        world.violate("ledger_sum", (stored, dict(balances)))
    for fact, legs in posted.items():
        if legs != legs_of(fact):
            world.violate("ledger_wrong", (fact, legs))


def _check_events(world: World, effects: Effects) -> None:
    """Every effect is told, nothing else is; one payload per id; dense by first appearance; each key in its partition."""
    committed = {(order, version): fact for fact, order, version in effects}
    payloads: dict[str, bytes | None] = {}
    told: set[tuple[str, int]] = set()
    for (topic, partition), log in world.broker.logs.items():
        if topic != OUTPUT:
            continue
        highest: Counter[str] = Counter()
        for record in log:
            world.examined["events"] += 1
            headers = dict(record.headers)
            identity = headers["ce_id"].decode()
            world.examined["repeats"] += identity in payloads
            if payloads.setdefault(identity, record.value) != record.value:
                world.violate("two_payloads", identity)
            body = json.loads(record.value or b"{}")
            place = (body["order_id"], body["version"])
            if committed.get(place) != body["reason"]:
                world.violate("phantom_event", (place, body["reason"]))
            if shard_of((record.key or b"").decode(), world.partitions) != partition:
                world.violate("wrong_partition", place)
            if place not in told:
                told.add(place)
                if place[1] != highest[place[0]] + 1:
                    world.violate("order", place)
                highest[place[0]] = max(highest[place[0]], place[1])
    for place in committed:
        if place not in told:
            world.violate("lost_event", place)


def _check_dead_letters(world: World) -> None:
    """Dead letters are exactly the poison, and each has its copy, as received."""
    found = set(world.tables.dead_letters)
    world.examined["dead_letters"] += len(found)
    for place in sorted(world.sources.poison - found):
        world.violate("poison_lost", place)
    for place in sorted(found - world.sources.poison):
        world.violate("dead_phantom", (place, world.tables.dead_letters[place].code))
    copies = {
        (
            topic.removesuffix("-dlq"),
            int(dict(record.headers)["orig-partition"]),
            int(dict(record.headers)["orig-offset"]),
        )
        for (topic, _), log in world.broker.logs.items()
        if topic.endswith("-dlq")
        for record in log
    }
    for place in sorted(found ^ copies):
        world.violate("dead_copy", place)


def _check_offsets(world: World) -> None:
    """At the end each offset is the log's, the outbox is empty, and Kafka's gauge is not ahead."""
    if world.tables.outbox:
        world.violate("outbox_left", sorted(world.tables.outbox))
    for (topic, partition), log in world.broker.logs.items():
        stored = world.tables.offsets.get((partition, topic), 0)
        world.examined["offsets"] += topic in INPUTS
        if topic in INPUTS and log and stored != log[-1].offset + 1:
            world.violate("offset", (topic, partition, stored, log[-1].offset + 1))
    for (topic, partition), offset in world.group.committed.items():
        if offset > world.tables.offsets.get((partition, topic), 0):
            world.violate("gauge_ahead", (topic, partition))
