"""How an account at a carrier stands with one process: what it may still send, and whether its carrier is called at all."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AccountStanding", "Budget"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What an account may still send now."""

    per_s: float
    available: float
    blocked_for_s: float


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """What an account may still send, and its circuit: `closed`, `open` or `half_open`."""

    budget: Budget
    circuit: str
