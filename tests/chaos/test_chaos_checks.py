"""The offline checker of chaos runs: silent about a sound run, and each check catches the error planted for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from chaos.chaos_world import copy, inbound, sample, sound_run

from linkstar_sandbox.chaos.verdict import EXCUSED, INVARIANTS, NOT_EXERCISED, Verdict, all_checks
from linkstar_sandbox.reader.check import Check
from linkstar_sandbox.reader.evidence import Leg, Record
from linkstar_sandbox.reader.run_checks import run_checks
from linkstar_sandbox.reader.run_evidence import Answer, DeadLetterRow, HandedIn, PoolDay, RunEvidence, Wallet

Plant = Callable[[RunEvidence], RunEvidence]


def with_records(run: RunEvidence, *more: Record, without: Callable[[Record], bool] = lambda _r: False) -> RunEvidence:
    kept = [record for record in run.topics.records if not without(record)]
    return replace(run, topics=replace(run.topics, records=[*kept, *more]))


def with_version(stream: str, name: str, version: int) -> Plant:
    return lambda run: replace(run, versions={**run.versions, (stream, "demo", name): version})


def fell(**changes: Any) -> Plant:
    return lambda run: replace(run, samples=[*run.samples, sample(**changes)])


def first_of(run: RunEvidence, topic: str) -> Record:
    return run.topics.on(topic)[0]


QUOTA = "no quota is above its cap, and each is the sum of what live routes take"
PLANTED: Sequence[tuple[str, Plant]] = [
    ("every acknowledged record is in the log, under its order's key",
     lambda run: replace(run, handed_in=[*run.handed_in, HandedIn("order", "gone", 0, 77)])),
    ("input = processed + duplicates + dead letters, record by record",
     lambda run: with_records(run, inbound(10, "good", "order.change-requested", request_id="c9"))),
    ("what was answered with success is stored",
     lambda run: replace(run, answers=[*run.answers, Answer("change", "good", "c1", 200)])),
    ("no order, and no event of one, was never handed in",
     lambda run: replace(run, stored_orders={**run.stored_orders, "ghost": "open"})),
    ("dead letters are exactly the poison",
     lambda run: replace(run, letters=[*run.letters, DeadLetterRow("router", "orders-received", 1, 4, "bug")])),
    ("dead letters are exactly the poison",
     lambda run: replace(run, handed_in=[*run.handed_in, HandedIn("poison", "off", 0, 8, "no parcels")])),
    ("every dead letter has its copy on the dead-letter topic, and no copy is without one",
     lambda run: with_records(run, without=lambda r: r.topic.endswith("-dlq"))),
    ("every dead letter has its copy on the dead-letter topic, and no copy is without one",
     lambda run: with_records(run, copy(3))),
    ("orders: the newest event is what is stored", with_version("orders", "good", 2)),
    ("orders: the newest event is what is stored", with_version("orders", "off", 1)),
    ("routes-chosen: the newest event is what is stored", with_version("routes-chosen", "good", 2)),
    ("labels: the newest event is what is stored", with_version("labels", "rts", 0)),
    ("tracking-updated: the newest event is what is stored", with_version("tracking-updated", "good", 9)),
    ("returns-updated: the newest event is what is stored", with_version("returns-updated", "kept~R1", 6)),
    ("exceptions-raised: the newest event is what is stored",
     with_version("exceptions-raised", "label.balance.poor", 2)),
    ("routes told = routes decided", lambda run: replace(run, decisions=run.decisions | {("demo", "good", 2)})),
    ("every label told is stored, for a route that was chosen",
     lambda run: replace(run, labels=run.labels - {("demo", "good", 1)})),
    ("every scan told is folded, and no other", lambda run: replace(run, scans=run.scans | {("demo", "good", "x")})),
    ("every wallet is covered, and is the sum of its ledger",
     lambda run: replace(run, wallets=[Wallet("demo", "USD", -1, 0, -1)])),
    ("every wallet is covered, and is the sum of its ledger",
     lambda run: replace(run, wallets=[Wallet("demo", "USD", 100, 0, 99)])),
    *((QUOTA, lambda run, day=day: replace(run, pool_days=[day])) for day in (
        PoolDay("demo", "ground", "2026-11-23", 3, 4, 4, 0), PoolDay("demo", "ground", "2026-11-23", 3, 2, 3, 0),
        PoolDay("demo", "ground", "2026-11-23", 3, 2, 2, 1), PoolDay("demo", "ground", "2026-11-23", 3, -1, -1, 0),
    )),
    ("Kafka's committed offset is never ahead of PostgreSQL's",
     fell(committed={"ingest": {"orders-inbound/0": 11}})),
    ("stored offsets never go back", fell(stored={"ingest": {"orders-inbound/0": 9}})),
    ("epochs never go back", fell(epochs={"ingest": {"0": 2}})),
    ("at rest every service stands at the end of its topics",
     lambda run: replace(run, ends={"orders-inbound/0": 12})),
    ("at rest no chunk waits in an outbox", lambda run: replace(run, outbox_rows={"ingest": 1})),
    # Checks shared with the demo, planted here once more because these are what a mutant build breaks.
    ("one payload per event id",
     lambda run: with_records(run, replace(first_of(run, "routes-chosen"), value=b"{}"))),
    ("versions run 1, 2, 3, … by first appearance",
     lambda run: with_records(run, without=lambda r: r.topic == "labels" and r.version == 1 and r.order[1] == "off")),
    ("versions of an order only rise on order-changes, by first appearance",
     lambda run: with_records(run, replace(first_of(run, "order-changes"), version=1, id="late"))),
    ("every posting and every currency sums to zero",
     lambda run: replace(run, topics=replace(run.topics, legs=[*run.topics.legs, Leg("p", "wallet", "USD", 1)]))),
]  # fmt: skip


def violated(run: RunEvidence) -> set[str]:
    return {check.name for check in all_checks(run) if check.violations}


def test_a_sound_run_has_no_violation() -> None:
    assert violated(sound_run()) == set()


@pytest.mark.parametrize(("name", "plant"), PLANTED)
def test_a_planted_error_is_caught(name: str, plant: Plant) -> None:
    assert name in violated(plant(sound_run()))


def test_every_check_of_a_run_has_a_planted_error() -> None:
    checks = {check.name for check in run_checks(sound_run())}
    assert checks <= {name for name, _ in PLANTED}


def test_every_check_belongs_to_an_invariant() -> None:
    assert {check.name for check in all_checks(sound_run())} == set(INVARIANTS)


def test_what_was_not_examined_is_said_and_never_a_number() -> None:
    summary = Verdict(all_checks(sound_run())).summary()
    assert summary["examined"]["quota"] == 1
    assert all(count == NOT_EXERCISED or count > 0 for count in summary["examined"].values())
    nothing = Verdict(all_checks(RunEvidence(replace(sound_run().topics, records=[], expected=[], legs=[], labels=[],
                                                     parcels=[], refusals=[])))).summary()  # fmt: skip
    assert set(nothing["examined"].values()) == {NOT_EXERCISED}
    assert json.dumps(nothing)


def test_the_account_counts_what_is_lost_doubled_and_out_of_order() -> None:
    run = with_records(sound_run(), without=lambda r: r.topic == "labels" and r.version == 1 and r.order[1] == "off")
    assert Verdict(all_checks(run)).summary()["out_of_order"] == 1
    run = with_version("orders", "good", 2)(sound_run())
    assert Verdict(all_checks(run)).summary()["lost"] == 1
    run = with_records(sound_run(), replace(first_of(sound_run(), "routes-chosen"), value=b"{}"))
    assert Verdict(all_checks(run)).summary()["duplicated"] == 1


@pytest.mark.parametrize("name", INVARIANTS)
def test_a_check_without_a_case_is_a_gap_though_the_rest_of_its_invariant_has_cases(name: str) -> None:
    checks = [Check(one, "broken", examined=int(one != name)) for one in INVARIANTS]
    verdict = Verdict(checks)
    assert verdict.summary()["not_exercised"] == [name]
    assert verdict.gaps() == ([] if name in EXCUSED else [f"{name}: examined no case"])


def test_only_checks_that_exist_are_excused_each_with_a_reason() -> None:
    assert set(EXCUSED) < set(INVARIANTS)
    assert len(EXCUSED) == 1
    assert all(EXCUSED.values())


def test_a_conflict_is_a_dead_letter_of_an_accepted_order() -> None:
    sound = sound_run()
    record, letter = inbound(10, "good"), DeadLetterRow("ingest", "orders-inbound", 0, 10, "ingest.order_conflict")
    told = replace(copy(10), headers={**copy(10).headers, "dlq-code": "ingest.order_conflict"}, key="demo/good")
    run = with_records(sound, record, told)
    run = replace(run, letters=[*run.letters, letter], handed_in=[*run.handed_in, HandedIn("conflict", "good", 0, 10)])
    assert violated(run) == set()
