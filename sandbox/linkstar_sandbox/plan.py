"""What a stack shall run: services, replicas, clock speed, and Kafka or PostgreSQL of one's own instead of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from linkstar_runtime.clock import Clock
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.home import Home, read_json, write_json

SERVICES = ("ingest", "router", "labeler", "tracker", "returns")
DATABASE = "linkstar"


@dataclass(frozen=True)
class Plan:
    """The shape of a stack; travels as JSON from the command line to the detached supervisor."""

    services: tuple[str, ...] = SERVICES
    replicas: Mapping[str, int] = field(default_factory=dict)
    simulate: bool = True
    carrier_apis: bool = False
    """Run the simulators of the carriers' own APIs, where test orders are bought."""
    speed: float = 1.0
    seed: int = 1
    log_level: str = "info"
    kafka_bootstrap: str | None = None
    database_url: str | None = None
    static_members: bool = False
    """Each replica keeps its place in the consumer group over a restart; docs/rebalances.md has the figures."""

    def __post_init__(self) -> None:
        for name, count in self.replicas.items():
            if name not in SERVICES:
                raise SandboxError(
                    "unknown-service", f"There is no service {name!r}.", f"Name one of {', '.join(SERVICES)}."
                )
            if count < 1:
                raise SandboxError(
                    "replicas-invalid",
                    f"{count} replicas of {name}: every service needs at least one.",
                    f"Write e.g. --replicas {name}=1, or leave {name} out.",
                )

    @classmethod
    def from_environment(cls, **choices: Any) -> Plan:
        """The plan with the external Kafka and PostgreSQL the environment names."""
        return cls(
            kafka_bootstrap=os.environ.get("LINKSTAR_KAFKA__BOOTSTRAP"),
            database_url=os.environ.get("LINKSTAR_DATABASE__ADMIN_URL") or os.environ.get("LINKSTAR_DATABASE__URL"),
            **choices,
        )

    def count(self, service: str) -> int:
        return self.replicas.get(service, 1)

    def save(self, home: Home) -> None:
        write_json(home.plan, asdict(self))

    @classmethod
    def load(cls, home: Home) -> Plan:
        saved = read_json(home.plan)
        return cls(**{**saved, "services": tuple(saved["services"])})


def url_for(database_url: str, user: str, password: str | None = None) -> str:
    """The same database seen by another user."""
    parts = urlsplit(database_url)
    host = parts.netloc.rpartition("@")[2]
    sign_in = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return urlunsplit(parts._replace(netloc=f"{sign_in}@{host}"))


def database_name(database_url: str) -> str:
    """The database a URL names."""
    return urlsplit(database_url).path.lstrip("/")


def settle_clock(home: Home, speed: float) -> Mapping[str, str]:
    """The constants from which every process computes the same business time; it never runs backwards.

    While the stack is down its time stands still, but it is never behind the real time.
    """
    wall = Clock().wall()
    last = (read_json(home.clock) or {}).get("reached")
    origin = max(wall, datetime.fromisoformat(last)) if last else wall
    constants = {"origin": origin.isoformat(), "wall0": wall.isoformat(), "speed": str(speed)}
    write_json(home.clock, {**constants, "reached": origin.isoformat()})
    return constants


def note_clock(home: Home, constants: Mapping[str, str]) -> None:
    """Remembers how far business time has come."""
    origin, wall0 = (datetime.fromisoformat(constants[name]) for name in ("origin", "wall0"))
    now = Clock(origin, wall0, float(constants["speed"])).now()
    write_json(home.clock, {**constants, "reached": now.isoformat()})
