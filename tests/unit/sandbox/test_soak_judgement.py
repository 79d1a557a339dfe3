"""The judges of a soak find what is planted, and let the noise of a healthy process pass."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, takewhile

import pytest

from linkstar_sandbox.reader.check import Check
from linkstar_sandbox.soak.account import last_line
from linkstar_sandbox.soak.faults import draw_faults
from linkstar_sandbox.soak.judgement import MIB, Look, ProcessLook, TableLook, judge, slope_per_hour

MINUTES, EVERY_S, RATE = 20, 4.0, 100.0


def _look(at: float, seconds: float) -> Look:
    """A healthy moment: memory climbs while it warms up, then wavers by a megabyte."""
    wave = random.Random(int(at)).uniform(-0.5, 0.5)
    resident = int((150 + min(at, 40) / 10 + wave) * MIB)
    process = ProcessLook("router-1", 7, at, resident, 40 + int(at) % 3, 8)
    table = TableLook("router.outbox", 5, 900, 300_000)
    return Look(at, [process], [table], 20 if at < seconds else 0)


def _looks(minutes: float = MINUTES, change: Callable[[Look], Look] = lambda look: look) -> list[Look]:
    seconds = minutes * 60
    return [change(_look(number * EVERY_S, seconds)) for number in range(int(seconds / EVERY_S))]


def _leaking(bytes_per_s: float) -> Callable[[Look], Look]:
    def change(look: Look) -> Look:
        (process,) = look.processes
        return replace(look, processes=[replace(process, resident=process.resident + int(look.at * bytes_per_s))])

    return change


@pytest.mark.parametrize("minutes", [3, 20, 480])
def test_a_healthy_run_passes_and_everything_was_looked_at(minutes: float) -> None:
    judgement = judge(_looks(minutes), RATE)
    assert judgement.violations == []
    assert all(check.verdict == "ok" for check in judgement.checks)


@pytest.mark.parametrize(("minutes", "per_order"), [(3, 1_000), (20, 150), (480, 10)])
def test_a_planted_leak_is_caught(minutes: float, per_order: int) -> None:
    """So many bytes kept per order; the longer the soak the smaller the leak it finds."""
    (found,) = judge(_looks(minutes, _leaking(per_order * RATE)), RATE).violations
    assert found.startswith("resident memory does not grow: router-1/7:")


def test_a_leak_is_found_in_the_life_after_the_last_kill() -> None:
    def restarted(look: Look) -> Look:
        (process,) = _leaking(15_000)(look).processes
        return replace(look, processes=[replace(process, pid=7 if look.at < 390 else 8)])

    (found,) = judge(_looks(change=restarted), RATE).violations
    assert found.startswith("resident memory does not grow: router-1/8:")


def test_what_the_backlog_after_a_kill_needed_is_no_leak() -> None:
    def backlog(look: Look) -> Look:
        more = 45 * MIB if look.at > 200 else 0
        return replace(look, processes=[replace(each, resident=each.resident + more) for each in look.processes])

    assert judge(_looks(change=backlog), RATE).violations == []


def test_a_process_that_ends_after_the_last_kill_is_found() -> None:
    def restarted(look: Look) -> Look:
        return replace(look, processes=[replace(each, pid=7 if look.at < 600 else 8) for each in look.processes])

    (found,) = judge(_looks(change=restarted), RATE).violations
    assert found.startswith("each process lives through the last two thirds: router-1 was 2")


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("minutes", [3, 20])
def test_services_are_killed_in_the_first_third_only_and_cut_off_later(seed: int, minutes: int) -> None:
    faults = list(takewhile(lambda f: f.at_s < minutes * 60, draw_faults(seed, 45, minutes * 60, ["router", "ingest"])))
    assert {fault.kind for fault in faults if fault.at_s < minutes * 20} == {"kill"}
    assert {fault.kind for fault in faults if fault.at_s >= minutes * 20} == {"cut"}
    assert all(31 < later.at_s - earlier.at_s < 59 for earlier, later in pairwise(faults))


def _handles(look: Look) -> Look:
    return replace(look, processes=[replace(each, handles=40 + int(look.at / 30)) for each in look.processes])


def _threads(look: Look) -> Look:
    return replace(look, processes=[replace(each, threads=8 + int(look.at / 50)) for each in look.processes])


def _outbox(look: Look) -> Look:
    return replace(look, tables=[replace(each, rows=int(look.at * 5)) for each in look.tables])


def _dead(look: Look) -> Look:
    return replace(look, tables=[replace(each, dead=int(look.at * 200)) for each in look.tables])


def _bloat(look: Look) -> Look:
    return replace(look, tables=[replace(each, size=int(look.at * MIB / 10)) for each in look.tables])


def _lag(look: Look) -> Look:
    return replace(look, lag=int(look.at * 5))


@pytest.mark.parametrize(
    ("planted", "check"),
    [
        (_handles, "file handles do not grow"),
        (_threads, "threads do not grow"),
        (_outbox, "rows that wait in an outbox are bounded"),
        (_dead, "dead rows of hot tables are bounded"),
        (_bloat, "hot tables do not bloat"),
        (_lag, "lag does not grow"),
    ],
)
def test_each_check_finds_what_is_planted_for_it(planted: Callable[[Look], Look], check: str) -> None:
    (found,) = judge(_looks(change=planted), RATE).violations
    assert found.startswith(check)


def test_processes_that_lived_too_shortly_are_not_exercised() -> None:
    judgement = judge(_looks(1), RATE)
    assert [check.verdict for check in judgement.checks][:3] == ["not_exercised"] * 3


def test_the_slope_is_the_least_squares_one() -> None:
    assert slope_per_hour([(0, 1.0), (1800, 2.0), (3600, 3.0)]) == pytest.approx(2.0)
    assert slope_per_hour([(0, 5.0), (10, 5.0)]) == 0.0


def test_the_last_line_counts_and_names_what_was_not_looked_at() -> None:
    lost = Check("whole", "lost")
    lost.case(False, "order-1 got nowhere")
    line = json.loads(last_line({"minutes": 3}, [lost, Check("never", "duplicated")]))
    assert (line["lost"], line["duplicated"]) == (1, 0)
    assert line["examined"] == {"whole": 1, "never": "not_exercised"}
    assert line["violations"] == ["whole: order-1 got nowhere"]
