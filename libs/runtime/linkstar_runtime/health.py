"""Health as orchestrators ask for it: alive (restart me if not), ready (send me work), started (begin to ask)."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from fastapi import APIRouter
from fastapi.responses import JSONResponse

__all__ = ["Check", "Health", "Probe", "health_routes"]

Probe = Literal["livez", "readyz", "startupz"]
Check: TypeAlias = Callable[[], "bool | str | Awaitable[bool | str | None] | None"]
"""Fine when it returns None or True; a text says what is wrong; False and exceptions are failures too."""
CHECK_SECONDS = 5.0


class Health:
    """Named checks per probe. A probe without checks is green."""

    def __init__(self) -> None:
        self._checks: dict[Probe, dict[str, Check]] = {"livez": {}, "readyz": {}, "startupz": {}}

    def live(self, name: str, check: Check) -> None:
        """Add a check of /livez: when it fails, restart the process."""
        self._checks["livez"][name] = check

    def ready(self, name: str, check: Check) -> None:
        """Add a check of /readyz: while it fails, send no work."""
        self._checks["readyz"][name] = check

    def started(self, name: str, check: Check) -> None:
        """Add a check of /startupz: until it passes, ask nothing else."""
        self._checks["startupz"][name] = check

    async def examine(self, probe: Probe) -> dict[str, str]:
        """Run the probe's checks at once; return `ok` or what is wrong for each."""
        checks = self._checks[probe]
        found = await asyncio.gather(*map(_examine, checks.values()))
        return dict(zip(checks, found, strict=True))


async def _examine(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            answer = check()
            verdict = await answer if inspect.isawaitable(answer) else answer
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a check is its answer
        return f"failed: {type(error).__name__}"
    if verdict is None or verdict is True:
        return "ok"
    return verdict or "failed"


def health_routes(health: Health) -> APIRouter:
    """Return /livez, /readyz and /startupz: 200 or 503, with each check's answer."""
    router = APIRouter(include_in_schema=False)

    def serve(probe: Probe) -> None:
        @router.get(f"/{probe}")
        async def answer() -> JSONResponse:
            checks = await health.examine(probe)
            healthy = all(found == "ok" for found in checks.values())
            return JSONResponse({"status": "ok" if healthy else "failing", "checks": checks}, 200 if healthy else 503)

    serve("livez")
    serve("readyz")
    serve("startupz")
    return router
