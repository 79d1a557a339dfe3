"""What a service process is told: the only way it learns where Kafka, PostgreSQL, the clock and the keys are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from linkstar_sandbox.home import Home
from linkstar_sandbox.plan import Plan, url_for

PASSED_ON = ("LINKSTAR_STAGE__", "LINKSTAR_FAILPOINT", "LINKSTAR_TELEMETRY__SAMPLE_RATIO")
"""Settings of the caller that reach the services; every other `LINKSTAR_` variable is ours to set."""


def service_url(home: Home, plan: Plan, admin_url: str, service: str) -> str:
    """The database as one service sees it; only an external server asks for a password."""
    return url_for(admin_url, service, home.password(service) if plan.database_url else None)


def service_environment(home: Home, plan: Plan, endpoints: Mapping[str, Any], service: str) -> dict[str, str]:
    """The variables for a process of `service`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LINKSTAR_") or name.startswith(PASSED_ON)
    }
    return {
        "LINKSTAR_TELEMETRY__SAMPLE_RATIO": "1",
        **inherited,
        "LINKSTAR_KAFKA__BOOTSTRAP": endpoints["kafka"],
        "LINKSTAR_DATABASE__URL": service_url(home, plan, endpoints["database"], service),
        "LINKSTAR_TELEMETRY__SPANS_FILE": str(home.spans),
        "LINKSTAR_VAULT__MASTER_KEY_FILE": str(home.master_key),
        "LINKSTAR_LOG__LEVEL": plan.log_level,
        "LINKSTAR_PURCHASES__SIMULATORS": "true",
        "LINKSTAR_PURCHASES__SIMULATOR_URL": endpoints.get("carrier_apis") or "",
        "LINKSTAR_POLLING__SIMULATORS": "true",
        "LINKSTAR_POLLING__SIMULATOR_URL": endpoints.get("carrier_apis") or "",
        **{f"LINKSTAR_CLOCK__{name.upper()}": value for name, value in endpoints["clock"].items()},
    }
