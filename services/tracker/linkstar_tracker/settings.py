"""Settings of the tracker beyond those of every service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from linkstar_runtime.settings import Settings as RuntimeSettings
from linkstar_tracker.domain.watch import WatchRules

__all__ = ["Settings", "UnmatchedSettings", "WatchSettings"]


class WatchSettings(BaseModel):
    """How silence is looked for. `rules` replaces the rows that come with the package."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=3600)] = 0.5
    max_shipments: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Shipments looked at in one run; the next run takes the rest."""
    rules: Path | None = None

    def load_rules(self) -> WatchRules:
        """Return the rules to watch by."""
        return WatchRules.from_file(self.rules) if self.rules else WatchRules.shipped()


class UnmatchedSettings(BaseModel):
    """What happens to scans of unknown numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    keep: timedelta = timedelta(days=30)


class Settings(RuntimeSettings):
    """All settings of the tracker."""

    watch: WatchSettings = WatchSettings()
    unmatched: UnmatchedSettings = UnmatchedSettings()
    future_tolerance: timedelta = timedelta(hours=26)
    """A scan further ahead of the clock is refused at the door: wrong zones explain a day, nothing explains more."""
