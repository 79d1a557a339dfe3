"""What runs, seen from outside: the supervisor's notes, each process itself, its readiness and its metrics."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
from aiokafka.errors import KafkaError

from linkstar_cli.topics import service_lags
from linkstar_runtime.clock import Clock
from linkstar_sandbox.daemon import Identity
from linkstar_sandbox.home import Home, read_json
from linkstar_sandbox.ports import is_open

PROBE_S = 2.0
SHARDS = "linkstar_shards_owned"


@dataclass(frozen=True)
class Line:
    """One row of `linkstar status`."""

    name: str
    pid: int | None
    state: str
    restarts: int | None = None
    uptime: str = ""
    address: str = ""
    shards: int | None = None
    lag: int | None = None


def standings(home: Home) -> list[Line]:
    """A line per server and process of the stack, asked now."""
    state = read_json(home.state) or {}
    endpoints = read_json(home.endpoints) or {}
    servers = [_server(server, endpoints) for server in state.get("servers", [])]
    processes = state.get("processes", [])
    if not processes:
        return servers
    with ThreadPoolExecutor(len(processes)) as pool:
        lines = list(pool.map(_process, processes))
    return servers + _with_lags(lines, endpoints.get("kafka"))


def _with_lags(lines: list[Line], bootstrap: str | None) -> list[Line]:
    """Each service's records still to read, on the line of its first replica."""
    try:
        lags = service_lags(bootstrap) if bootstrap else {}
    except (KafkaError, TimeoutError):
        return lines
    first = {f"{service}-1": behind for service, behind in lags.items()}
    return [replace(line, lag=first.get(line.name)) for line in lines]


def _server(server: dict[str, Any], endpoints: dict[str, Any]) -> Line:
    address = str(endpoints.get({"kafka": "kafka", "postgres": "database"}[server["name"]], ""))
    port = address.rpartition(":")[2]
    answers = bool(server["pid"]) and (server["name"] != "kafka" or (port.isdecimal() and is_open(int(port))))
    return Line(server["name"], server["pid"], "running" if answers else "down", address=address)


def _process(standing: dict[str, Any]) -> Line:
    alive = standing["pid"] and Identity(standing["pid"], standing["created"]).find()
    url = f"http://127.0.0.1:{standing['port']}" if standing["port"] else ""
    metrics = _metrics(url) if alive and url else {}
    return Line(
        standing["name"],
        standing["pid"],
        _state(bool(alive), url),
        standing["restarts"],
        _uptime(standing["created"]) if alive else "",
        url,
        int(metrics[SHARDS]) if SHARDS in metrics else None,
    )


def _state(alive: bool, url: str) -> str:
    if not alive:
        return "down"
    if not url:
        return "running"
    try:
        return "ready" if httpx.get(f"{url}/readyz", timeout=PROBE_S).status_code == 200 else "not ready"
    except httpx.HTTPError:
        return "no answer"


def _uptime(created: float) -> str:
    return str(timedelta(seconds=int(Clock().wall().timestamp() - created)))


def _metrics(url: str) -> dict[str, float]:
    try:
        answer = httpx.get(f"{url}/metrics", timeout=PROBE_S).raise_for_status()
        return sum_samples(answer.text.splitlines())
    except (httpx.HTTPError, ValueError):
        return {}


def sum_samples(lines: Iterable[str]) -> dict[str, float]:
    """Samples of a Prometheus text, added up over their labels."""
    totals: dict[str, float] = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            metric = name.partition("{")[0]
            totals[metric] = totals.get(metric, 0.0) + float(value)
    return totals
