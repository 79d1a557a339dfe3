"""What a chaos run can be asked: every choice has a default."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from linkstar_sandbox.chaos.mutants import MUTANTS

__all__ = ["WHOLE_RUN_S", "ChaosOptions"]

WHOLE_RUN_S = 180
"""From this length on, a check without a case, a fault that never happened and a failpoint not hit fail the run."""


@dataclass(frozen=True)
class ChaosOptions:
    """Choices of one run."""

    seconds: int = WHOLE_RUN_S
    seed: int = 1
    mutant: str = ""
    rate: float = 20.0
    """Records handed in per second."""
    speed: float = 2_500.0
    """Business seconds per real second: three minutes are five days."""
    home: Path = Path(".linkstar-chaos")

    @classmethod
    def from_arguments(cls, arguments: Sequence[str] | None = None) -> ChaosOptions:
        """Read the command line."""
        parser = argparse.ArgumentParser(prog="python -m linkstar_sandbox.chaos", description=__doc__)
        plain = cls()
        parser.add_argument("--seconds", type=int, default=plain.seconds, help="how long faults are injected")
        parser.add_argument("--seed", type=int, default=plain.seed, help="of the load and of the fault schedules")
        parser.add_argument("--mutant", default="", choices=("", *sorted(MUTANTS)), help="break the product on purpose")
        parser.add_argument("--rate", type=float, default=plain.rate, help="records handed in per second")
        parser.add_argument("--speed", type=float, default=plain.speed, help="business seconds per second")
        parser.add_argument("--home", type=Path, default=plain.home, help="where data, logs and histories lie")
        found = parser.parse_args(arguments)
        return cls(found.seconds, found.seed, found.mutant, found.rate, found.speed, found.home.resolve())
