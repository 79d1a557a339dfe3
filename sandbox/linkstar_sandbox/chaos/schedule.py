"""What happens when: two schedules of faults drawn from the seed, dealt from one deck so that none is missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

__all__ = ["FAILPOINT_PLANS", "FAULT_KINDS", "FaultPlan", "draw_schedules"]

SHORTEST_GAP_S, LONGEST_GAP_S = 3.0, 10.0

FAILPOINT_PLANS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "stage.after_poll": (("exit:137", "raise"), ("ingest", "router", "labeler", "tracker", "returns")),
    "stage.tx.after_fence": (("exit:137", "stop"), ("ingest", "router", "labeler", "tracker", "returns")),
    "stage.tx.after_state": (("exit:137", "sleep:7"), ("ingest", "router", "labeler", "tracker", "returns")),
    "stage.tx.before_commit": (("exit:137", "stop"), ("ingest", "router", "labeler", "tracker")),
    "stage.commit_reply_lost": (("exit:137", "raise"), ("ingest", "router", "labeler", "tracker", "returns")),
    "stage.after_commit": (("exit:137", "raise"), ("ingest", "router", "labeler", "tracker")),
    "stage.produce_partial": (("exit:137",), ("ingest", "router", "labeler", "tracker")),
    "stage.ack_lost": (("exit:137", "raise"), ("ingest", "router", "labeler", "tracker")),
    "stage.after_ack": (("exit:137", "raise"), ("ingest", "router", "labeler", "tracker")),
    "stage.pause": (("stop",), ("ingest", "router", "labeler", "tracker", "returns")),
    "stage.handler_raises": (("exit:137",), ("ingest", "router", "labeler", "tracker", "returns")),
    "claim.after_epoch": (("exit:137", "stop"), ("ingest", "router", "labeler", "tracker", "returns")),
    "claim.drain_partial": (("exit:137", "sleep:3"), ("ingest", "router", "labeler", "tracker", "returns")),
    "claim.before_seek": (("exit:137", "sleep:3"), ("ingest", "router", "labeler", "tracker", "returns")),
    "kafka.commit_fails": (("raise",), ("ingest", "router", "labeler", "tracker")),
    "http.before_commit": (("exit:137",), ("tracker",)),
    "http.after_commit": (("exit:137",), ("tracker",)),
}
"""Every failpoint: in which ways it fails, and in which services it is reached all the time.

`stage.handler_raises` exits instead of raising: a handler that raises leads to a dead letter by design, not to a fault.
"""

_DECK: dict[str, int] = {
    "kill": 5, "pause": 4, "scale": 4, "pg_stop": 2, "pg_terminate": 3, "broker_kill": 2, "cut": 4, "refuse": 2,
    "one_way": 2, "delay": 5, "clock_jump": 3, "disk_full": 1,
}  # fmt: skip
"""How often each other fault lies in the deck."""

FAULT_KINDS = tuple(_DECK)


@dataclass(frozen=True)
class FaultPlan:
    """One fault: `at_s` after the beginning; `seed` decides whom it hits and how."""

    at_s: float
    kind: str
    seed: int
    failpoint: str = ""


def draw_schedules(seed: int, seconds: float) -> tuple[list[FaultPlan], list[FaultPlan]]:
    """Return both schedules: together they begin with every failpoint and every other kind once, before any comes again."""
    cards = _deal(Random(f"{seed}|deck"))
    first, second = (_times(Random(f"{seed}|schedule {number}"), seconds) for number in (1, 2))
    moments = sorted([(at, 0) for at in first] + [(at, 1) for at in second])
    schedules: tuple[list[FaultPlan], list[FaultPlan]] = ([], [])
    chance = Random(f"{seed}|draws")
    for at_s, number in moments:
        kind, failpoint = next(cards)
        schedules[number].append(FaultPlan(at_s, kind, chance.getrandbits(32), failpoint))
    return schedules


def _times(chance: Random, seconds: float) -> Iterator[float]:
    at = chance.uniform(1.0, LONGEST_GAP_S)
    while at < seconds:
        yield at
        at += chance.uniform(SHORTEST_GAP_S, LONGEST_GAP_S)


def _deal(chance: Random) -> Iterator[tuple[str, str]]:
    """Deal one of each, then what the first deck has left, then whole decks for ever; each shuffled."""
    kinds = [(kind, "") for kind in _DECK]
    failpoints = [("failpoint", name) for name in FAILPOINT_PLANS]
    more = [(kind, "") for kind, count in _DECK.items() for _ in range(count - 1)]
    yield from _shuffled(chance, kinds + failpoints)
    yield from _shuffled(chance, more)
    while True:
        yield from _shuffled(chance, kinds + more + failpoints)


def _shuffled(chance: Random, cards: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return chance.sample(cards, len(cards))
