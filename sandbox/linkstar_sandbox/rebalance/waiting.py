"""Waits for what processes do by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["until"]

LOOK_S = 0.1


async def until(met: Callable[[], bool], seconds: float) -> None:
    """Return once the condition holds; raises TimeoutError when it did not come to that."""
    for _ in range(int(seconds / LOOK_S)):
        if await asyncio.to_thread(met):
            return
        await asyncio.sleep(LOOK_S)
    raise TimeoutError
