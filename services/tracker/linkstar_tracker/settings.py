"""Settings of the tracker beyond those of every service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from linkstar_performance.thresholds import Patience
from linkstar_runtime.settings import Settings as RuntimeSettings
from linkstar_tracker.domain.silences import Trust
from linkstar_tracker.domain.watch import WatchRules

__all__ = ["Settings", "SilenceSettings", "UnmatchedSettings", "WatchSettings", "WebhookSettings"]


class SilenceSettings(BaseModel):
    """How limits of silence follow from what lanes were seen to do; see docs/silence.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """Real seconds from one look at the counts to the next."""
    mean_wait_hours: Annotated[float, Field(ge=12, le=240)] = 80.0
    """Working hours of silence before an alert, on the mean over all alerts."""
    most_likely: Annotated[float, Field(gt=0, lt=0.9)] = 0.35
    """Nobody waits on when a loss is as likely as this."""
    alerts_per_1000: Annotated[float, Field(gt=0, le=1000)] | None = None
    """No more alerts per thousand parcels than this, however long they then wait."""
    least_silences: Annotated[float, Field(ge=1)] = 200.0
    least_days: Annotated[int, Field(ge=0, le=90)] = 21
    least_hours: Annotated[float, Field(ge=0, le=168)] = 24.0
    most_hours: Annotated[float, Field(ge=24, le=480)] = 168.0

    @property
    def patience(self) -> Patience:
        """What whoever is alerted can bear."""
        return Patience(self.mean_wait_hours, self.most_likely)

    @property
    def trust(self) -> Trust:
        """When learned limits replace the rows of the watch rules."""
        return Trust(self.least_silences, self.least_days, self.least_hours, self.most_hours)


class WatchSettings(BaseModel):
    """How silence is looked for. `rules` replaces the rows that come with the package."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=3600)] = 0.5
    max_shipments: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Shipments looked at in one run; the next run takes the rest."""
    rules: Path | None = None
    silence: SilenceSettings = SilenceSettings()

    def load_rules(self) -> WatchRules:
        """Return the rules to watch by."""
        return WatchRules.from_file(self.rules) if self.rules else WatchRules.shipped()


class UnmatchedSettings(BaseModel):
    """What happens to scans of unknown numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    keep: timedelta = timedelta(days=30)


class WebhookSettings(BaseModel):
    """How long calls of carriers are kept, and how long a rotated secret still holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: timedelta = timedelta(days=90)
    keep_hints: timedelta = timedelta(days=7)
    overlap: timedelta = timedelta(days=1)


class Settings(RuntimeSettings):
    """All settings of the tracker."""

    watch: WatchSettings = WatchSettings()
    unmatched: UnmatchedSettings = UnmatchedSettings()
    webhooks: WebhookSettings = WebhookSettings()
    future_tolerance: timedelta = timedelta(hours=26)
    """A scan further ahead of the clock is refused at the door: wrong zones explain a day, nothing explains more."""
