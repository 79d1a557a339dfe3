"""What happens in one run: a few orders at one account, the faults of its carrier's answers, and one of a process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from linkstar_sandbox.carrier_apis.faults import FaultKind

__all__ = ["FAILPOINT_ACTIONS", "PROCESS_FAULTS", "CarrierFault", "PlannedOrder", "Schedule", "draw_schedule"]

FAILPOINT_ACTIONS: dict[str, tuple[str, ...]] = {
    "label.t1.before_commit": ("exit:137",),
    "label.after_calling": ("exit:137", "stop"),
    "label.before_send": ("exit:137", "stop"),
    "label.after_carrier_call": ("exit:137", "stop"),
    "label.t2.commit_reply_lost": ("exit:137", "raise"),
    "label.t2.after_commit": ("exit:137",),
    "label.resolve.after_lookup": ("exit:137", "stop"),
    "label.void.after_call": ("exit:137", "stop"),
}
"""In which ways each crash point of a purchase fails."""

PROCESS_FAULTS = ("kill", "pause", "database_cut", *FAILPOINT_ACTIONS)

_BUY = (
    (FaultKind.TIMEOUT_BEFORE, 3), (FaultKind.TIMEOUT_AFTER, 6), (FaultKind.ERROR_BEFORE, 3), (FaultKind.ERROR_AFTER, 6),
    (FaultKind.CUT_BEFORE, 3), (FaultKind.CUT_AFTER, 6), (FaultKind.RATE_LIMITED, 3), (FaultKind.UNAVAILABLE, 2),
    (FaultKind.SLOW_DRIP, 2), (FaultKind.HTML, 2), (FaultKind.TRUNCATED, 2), (FaultKind.NOT_JSON, 2),
    (FaultKind.FIELD_LOST, 2), (FaultKind.COMPRESSED, 1), (FaultKind.HUGE_LABEL, 1), (FaultKind.WRONG_LABEL, 1),
    (FaultKind.WRONG_CURRENCY, 1), (FaultKind.PRICE_CHANGE, 2), (FaultKind.SIGNED_OUT, 2),
)  # fmt: skip
_AFTERWARDS = (
    FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER, FaultKind.ERROR_BEFORE, FaultKind.ERROR_AFTER,
    FaultKind.CUT_AFTER, FaultKind.RATE_LIMITED, FaultKind.HTML, FaultKind.TRUNCATED,
)  # fmt: skip
_OPERATIONS = ("recover", "void", "list")
_PROCESS_SHARE, _CANCEL_SHARE, _REROUTE_SHARE, _REFUSED_SHARE, _TWO_PARCELS_SHARE = 0.14, 0.2, 0.1, 0.04, 0.2
_LATEST_S = 6.0


@dataclass(frozen=True)
class PlannedOrder:
    """One order: what is done with it, at which second after its route was published."""

    order_id: str
    parcels: int = 1
    undeliverable: bool = False
    cancel_after_s: float | None = None
    reroute_after_s: float | None = None


@dataclass(frozen=True)
class CarrierFault:
    """How the next call of an operation fails."""

    kind: FaultKind
    operation: str


@dataclass(frozen=True)
class Schedule:
    """One run."""

    number: int
    orders: tuple[PlannedOrder, ...]
    faults: tuple[CarrierFault, ...]
    process: str = ""
    """One of `PROCESS_FAULTS`, or nothing."""


def draw_schedule(seed: int, number: int, *, several_parcels: bool, prefix: str = "run") -> Schedule:
    """Return a run: the same for the same seed, number and carrier."""
    chance = Random(f"{seed}|label chaos|{number}")
    orders = tuple(
        _order(chance, f"{prefix}-{number:05}-{place}", several_parcels)
        for place in range(chance.choice((1, 1, 2, 2, 3)))
    )
    faults = [CarrierFault(_drawn(chance, _BUY), "buy") for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    faults += [
        CarrierFault(chance.choice(_AFTERWARDS), chance.choice(_OPERATIONS)) for _ in range(chance.choice((0, 0, 1, 2)))
    ]
    process = chance.choice(PROCESS_FAULTS) if chance.random() < _PROCESS_SHARE else ""
    return Schedule(number, orders, tuple(faults), process)


def _order(chance: Random, order_id: str, several_parcels: bool) -> PlannedOrder:
    return PlannedOrder(
        order_id,
        parcels=2 if several_parcels and chance.random() < _TWO_PARCELS_SHARE else 1,
        undeliverable=chance.random() < _REFUSED_SHARE,
        cancel_after_s=_LATEST_S * chance.random() ** 2 if chance.random() < _CANCEL_SHARE else None,
        reroute_after_s=_LATEST_S * chance.random() ** 2 if chance.random() < _REROUTE_SHARE else None,
    )


def _drawn(chance: Random, weighted: Sequence[tuple[FaultKind, int]]) -> FaultKind:
    kinds, weights = zip(*weighted, strict=True)
    found: FaultKind = chance.choices(kinds, weights)[0]
    return found
