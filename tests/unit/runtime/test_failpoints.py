"""Failpoints do what their specification says, in this process and in others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from linkstar_runtime.failpoints import FailpointError, Failpoints, afail, arm, fail, hits


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm("")


def _raised(name: str, times: int) -> list[int]:
    found = []
    for number in range(1, times + 1):
        try:
            fail(name)
        except FailpointError:
            found.append(number)
    return found


def test_nothing_happens_unless_armed() -> None:
    fail("stage.after_commit")
    assert hits() == {}


async def test_hit_number_fires_once() -> None:
    arm("stage.after_commit=raise@3")
    assert _raised("stage.after_commit", 10) == [3]
    await afail("stage.after_poll")
    assert hits() == {"stage.after_commit": 10, "stage.after_poll": 1}


def test_probability_repeats_with_its_seed() -> None:
    runs = []
    for seed in (1, 1, 2):
        arm("stage.after_ack=raise@0.1", seed)
        runs.append(_raised("stage.after_ack", 2000))
    assert runs[0] == runs[1] != runs[2]
    assert 100 < len(runs[0]) < 320


@pytest.mark.parametrize("spec", ["stage.after_comit=raise", "stage.after_commit=explode", "stage.after_commit"])
def test_misspelt_specs_are_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="failpoint"):
        Failpoints(spec)


def _run(spec: str, name: str) -> subprocess.Popen[bytes]:
    code = f"from linkstar_runtime.failpoints import fail; fail('{name}'); raise SystemExit(3)"
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "LINKSTAR_FAILPOINTS": spec})


def test_exit_ends_the_process_at_once() -> None:
    assert _run("claim.before_seek=exit:137", "claim.before_seek").wait(30) == 137
    assert _run("claim.before_seek=exit:137@2", "claim.before_seek").wait(30) == 3


def test_stop_freezes_the_process_until_it_is_continued() -> None:
    process = _run("stage.pause=stop", "stage.pause")
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    assert process.wait(30) == 3
