"""Each probe answers with its own checks."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from linkstar_runtime.health import Health, health_routes


async def _down() -> str:
    return "no broker"


def _broken() -> bool:
    raise ConnectionError("secret address")


async def test_each_probe_answers_for_itself() -> None:
    health = Health()
    app = FastAPI()
    app.include_router(health_routes(health))
    health.live("loop turns", lambda: True)
    health.ready("database", lambda: None)
    health.ready("kafka", _down)
    health.started("first assignment", _broken)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        live, ready, started = [await client.get(f"/{probe}") for probe in ("livez", "readyz", "startupz")]
    assert (live.status_code, live.json()) == (200, {"status": "ok", "checks": {"loop turns": "ok"}})
    assert ready.status_code == 503
    assert ready.json() == {"status": "failing", "checks": {"database": "ok", "kafka": "no broker"}}
    assert started.json()["checks"] == {"first assignment": "failed: ConnectionError"}
