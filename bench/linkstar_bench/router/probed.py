"""The router with a probe in its event loop: how late it wakes whoever slept five milliseconds. Written to a file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from linkstar_router.app import build as build_router
from linkstar_runtime import main
from linkstar_runtime.service import Service, ServiceContext, Worker

__all__ = ["FILE", "build", "late_ms"]

FILE = "LINKSTAR_BENCH_LATE"
_NAP_S = 0.005
_AT_ONCE = 200


class _Probe:
    """Samples without end; every second or so what was found is appended, one figure a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._late: list[float] = []

    async def run(self, context: ServiceContext) -> None:
        due = context.clock.monotonic() + _NAP_S
        await context.clock.sleep(_NAP_S)
        self._late.append(context.clock.monotonic() - due)
        if len(self._late) >= _AT_ONCE:
            with self._path.open("a") as file:
                file.writelines(f"{late * 1000:.3f}\n" for late in self._late)
            self._late.clear()


def late_ms(path: Path) -> list[float]:
    """Return what a probe has written, and begin anew."""
    found = [float(line) for line in path.read_text().splitlines()] if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def build() -> Service:
    """Return the router as it ships, and the probe."""
    service = build_router()
    probe = _Probe(Path(os.environ[FILE]))
    return replace(service, workers=(*service.workers, Worker("loop-probe", 0.0, probe.run)))


if __name__ == "__main__":
    main(build)
