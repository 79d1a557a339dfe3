"""Settings of a service, read from `LINKSTAR_…` variables; `LINKSTAR_KAFKA__BOOTSTRAP` sets `settings.kafka.bootstrap`."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = [
    "ClockSettings", "DatabaseSettings", "HttpSettings", "KafkaSettings", "LogSettings", "Settings", "StageSettings",
    "TelemetrySettings", "VaultSettings",
]  # fmt: skip

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class _Group(BaseModel):
    """A group of settings. A misspelt name is an error at start, and no value stands in the error's text."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class KafkaSettings(_Group):
    """How to reach Kafka and how to poll it."""

    bootstrap: str = "127.0.0.1:9092"
    topic_prefix: str = ""
    session_timeout_ms: Annotated[int, Field(ge=1_000)] = 10_000
    rebalance_timeout_ms: Annotated[int, Field(ge=1_000)] = 30_000
    max_records: Annotated[int, Field(ge=1, le=10_000)] = 1_500
    """Most records of one poll, which is one transaction over 12 shards: 1,500 cost a sixth less than 500 each, more only
    makes a burst wait longer.
    """
    poll_ms: Annotated[int, Field(ge=1, le=1_000)] = 20
    group_instance_id: str | None = None
    """Static membership: restarts without a rebalance, but partitions wait for the session time-out."""


class DatabaseSettings(_Group):
    """How to reach PostgreSQL. `{service}` in a URL stands for the service's role."""

    url: Annotated[str, Field(repr=False)] = "postgresql://{service}@127.0.0.1:5432/linkstar"
    admin_url: Annotated[str | None, Field(repr=False)] = None
    """Used by migrations only; `url` when absent."""
    pool_size: Annotated[int, Field(ge=1, le=100)] = 8

    def url_of(self, service: str) -> str:
        """Return the URL a service connects with."""
        return self.url.replace("{service}", service)

    def admin_url_of(self, service: str) -> str:
        """Return the URL migrations connect with."""
        return (self.admin_url or self.url).replace("{service}", service)


class HttpSettings(_Group):
    """Where HTTP is served; port 0 lets the system choose."""

    host: str = "127.0.0.1"
    port: Port = 0


class ClockSettings(_Group):
    """A virtual clock: business time = origin + (wall - wall0) x speed. Without origin it is the wall clock."""

    origin: AwareDatetime | None = None
    wall0: AwareDatetime | None = None
    speed: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0


class TelemetrySettings(_Group):
    """Where spans go. A directory as `spans_file` gets one file per process; none of both means no tracing."""

    spans_file: Path | None = None
    otlp_endpoint: str | None = None
    sample_ratio: Ratio = 0.01
    """Share of orders traced. A dead letter always has its span."""


class VaultSettings(_Group):
    """Where the master keys of the consignee vault lie; docs/secrets.md tells how they are exchanged."""

    master_key_file: Path | None = None
    """The key that wraps."""
    other_key_files: tuple[Path, ...] = ()
    """Keys that only unwrap: the one before, or the next one."""


class LogSettings(_Group):
    """How much is logged and in which form."""

    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    as_json: Annotated[bool, Field(validation_alias="json")] = True


class StageSettings(_Group):
    """Limits and periods of the batch stage, in real seconds."""

    dead_letter_ratio_limit: Ratio = 0.01
    dead_letter_window: Annotated[int, Field(ge=1)] = 1_000
    dead_letter_consecutive: Annotated[int, Field(ge=1)] = 100
    watchdog_s: Seconds = 60
    produce_timeout_s: Seconds = 15
    sweep_s: Seconds = 0.5
    backoff_max_s: Seconds = 30


def _this_process() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class Settings(BaseSettings):
    """All settings. Services with more of them subclass this; no secret shows in `repr` or in an error."""

    model_config = SettingsConfigDict(
        env_prefix="LINKSTAR_", env_nested_delimiter="__", frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    instance_id: Annotated[str, Field(min_length=1, max_length=200)] = Field(default_factory=_this_process)
    last_exit_code: int | None = None
    """How the process before this one ended, when whoever starts it knows; shown as a metric."""
    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    clock: ClockSettings = ClockSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    vault: VaultSettings = VaultSettings()
    log: LogSettings = LogSettings()
    stage: StageSettings = StageSettings()
