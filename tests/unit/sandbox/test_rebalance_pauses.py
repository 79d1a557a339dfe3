"""Pauses are found where they are, whole, and a shard that never returns is not taken for a quiet one."""

from __future__ import annotations

import pytest

from linkstar_sandbox.rebalance.pauses import pauses


def _every(step: float, since: float, until: float) -> list[float]:
    return [since + step * number for number in range(round((until - since) / step))]


STEADY = _every(0.1, 0, 60)


def test_a_pause_counts_from_the_last_output_before_to_the_first_after() -> None:
    stood = _every(0.1, 0, 20) + _every(0.1, 26.5, 60)
    found = pauses({0: STEADY, 1: stood}, since=20.05, until=40)
    assert found.by_shard[0] == pytest.approx(0.1)
    assert found.by_shard[1] == pytest.approx(6.6)
    assert found.summary() == {"p50_s": 3.35, "max_s": 6.6, "shards_paused": 1, "shards": 2}


def test_a_shard_that_never_returns_stands_until_the_end() -> None:
    assert pauses({0: _every(0.1, 0, 21)}, 20, 40).by_shard[0] == pytest.approx(19.1)
    assert pauses({0: _every(0.1, 0, 10)}, 20, 40).by_shard[0] == pytest.approx(30.1)


def test_pauses_elsewhere_in_time_and_shards_without_work_do_not_count() -> None:
    early = _every(0.1, 0, 5) + _every(0.1, 12, 60)
    late = _every(0.1, 0, 45) + _every(0.1, 55, 60)
    found = pauses({0: early, 1: late, 2: _every(0.1, 50, 60)}, 20, 40)
    assert found.examined == 2
    assert found.paused == 0


def test_the_order_of_arrival_does_not_matter() -> None:
    assert pauses({0: STEADY[::-1]}, 20, 40) == pauses({0: STEADY}, 20, 40)
