"""Settings of the tracker beyond those of every service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from linkstar_performance.outages import Suspicion
from linkstar_performance.thresholds import Patience
from linkstar_runtime.settings import Settings as RuntimeSettings
from linkstar_tracker.domain.silences import Trust
from linkstar_tracker.domain.watch import WatchRules

__all__ = [
    "EvidenceSettings", "OutageSettings", "PollingSettings", "QualitySettings", "Settings", "SilenceSettings",
    "UnmatchedSettings",
    "WatchSettings", "WebhookSettings",
]  # fmt: skip


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


class OutageSettings(BaseModel):
    """When missing scans are called an outage of their place or lane; see docs/exceptions.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    """Real seconds between questions whether an hour of business time has passed: only then lanes are looked at."""
    alarm: Annotated[float, Field(ge=2, le=100)] = 10.0
    """The sum of evidence at which an outage is told. Higher is later, and surer."""
    dispersion: Annotated[float, Field(ge=1, le=20)] = 3.0
    """How much more scans vary from day to day than independent ones would."""

    @property
    def suspicion(self) -> Suspicion:
        """When too few scans are called an outage."""
        return Suspicion(dispersion=self.dispersion, alarm=self.alarm)


class WatchSettings(BaseModel):
    """How silence is looked for. `rules` replaces the rows that come with the package."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=3600)] = 0.5
    max_shipments: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Shipments looked at in one run; the next run takes the rest."""
    rules: Path | None = None
    silence: SilenceSettings = SilenceSettings()
    outages: OutageSettings = OutageSettings()

    def load_rules(self) -> WatchRules:
        """Return the rules to watch by."""
        return WatchRules.from_file(self.rules) if self.rules else WatchRules.shipped()


class UnmatchedSettings(BaseModel):
    """What happens to scans of unknown numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    keep: timedelta = timedelta(days=30)


class WebhookSettings(BaseModel):
    """How long calls of carriers are kept, and how long a rotated secret still holds. A call may name whoever took the
    parcel: nothing personal is kept for 30 days after delivery.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=29))] = timedelta(days=28)
    keep_hints: timedelta = timedelta(days=7)
    overlap: timedelta = timedelta(days=1)


class EvidenceSettings(BaseModel):
    """How cases whose time is over are closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    max_cases: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Cases closed in one run; the next run takes the rest."""


class PollingSettings(BaseModel):
    """How carriers are asked where parcels are; see docs/tracking.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    at_once: Annotated[int, Field(ge=1, le=500)] = 50
    """Parcels asked for in one round of an account."""
    lease: timedelta = timedelta(minutes=2)
    """Real time after which another process asks for a parcel whose answer was never stored."""
    simulators: bool = False
    """A sandbox: accounts name simulators on this machine or the carriers' own sandboxes, never a live host."""
    simulator_url: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+[^\s?#/])?$")] = ""
    """Where the carriers' simulators are: test parcels are asked for there."""


class QualitySettings(BaseModel):
    """How often carriers' quality is measured for Prometheus, and of how many lanes at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    max_lanes: Annotated[int, Field(ge=1, le=1_000)] = 100
    """The lanes with the most parcels; those of the others are shown as `other` of their carrier."""


class Settings(RuntimeSettings):
    """All settings of the tracker."""

    watch: WatchSettings = WatchSettings()
    unmatched: UnmatchedSettings = UnmatchedSettings()
    webhooks: WebhookSettings = WebhookSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    polling: PollingSettings = PollingSettings()
    quality: QualitySettings = QualitySettings()
    future_tolerance: timedelta = timedelta(hours=26)
    """A scan further ahead of the clock is refused at the door: wrong zones explain a day, nothing explains more."""
