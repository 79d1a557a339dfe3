"""What a demo run can be asked: everything has a default, everything comes from `DEMO_…` variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DAY_S", "DemoOptions"]

DAY_S = 86_400


@dataclass(frozen=True)
class DemoOptions:
    """Choices of one run."""

    seed: int = 20260302
    days: float = 21
    """Business days the clock runs after the orders came in."""
    speed: float = 24_000
    """Business seconds per real second: 21 days take 76 s."""
    keep: bool = False
    home: Path = Path(".linkstar-demo")
    output: Path = Path("demo-output")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> DemoOptions:
        """Read `DEMO_SEED`, `DEMO_DAYS`, `DEMO_SPEED`, `DEMO_KEEP`, `DEMO_HOME`, `DEMO_OUTPUT`."""
        plain = cls()
        return cls(
            seed=int(environment.get("DEMO_SEED", plain.seed)),
            days=float(environment.get("DEMO_DAYS", plain.days)),
            speed=float(environment.get("DEMO_SPEED", plain.speed)),
            keep=environment.get("DEMO_KEEP", "") not in ("", "0"),
            home=Path(environment.get("DEMO_HOME") or environment.get("LINKSTAR_HOME") or plain.home).resolve(),
            output=Path(environment.get("DEMO_OUTPUT") or plain.output).resolve(),
        )
