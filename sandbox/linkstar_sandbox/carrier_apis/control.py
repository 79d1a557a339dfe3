"""`/_sim`: plan faults, read the ledger, revoke tokens. For tests and the chaos run, never part of a carrier's API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from linkstar_sandbox.carrier_apis.faults import Fault, FaultSchedule
from linkstar_sandbox.carrier_apis.magic import STREETS, TRACKING
from linkstar_sandbox.carrier_apis.world import world_of

__all__ = ["router"]

router = APIRouter(prefix="/_sim")


@router.post("/faults", status_code=204)
async def plan(request: Request, faults: list[Fault]) -> None:
    """Let the next fitting calls fail."""
    world_of(request).faults.plan(faults)


@router.post("/schedule", status_code=204)
async def follow(request: Request, schedule: FaultSchedule) -> None:
    """Let a seeded share of all calls fail."""
    world_of(request).faults.follow(schedule)


@router.delete("/faults", status_code=204)
async def clear(request: Request) -> None:
    """Let nothing fail any more."""
    world_of(request).faults.clear()


@router.get("/faults")
async def suffered(request: Request) -> dict[str, int]:
    """Tell how often each kind of fault happened."""
    return world_of(request).faults.done


@router.get("/ledger")
async def ledger(request: Request, carrier: str | None = None) -> dict[str, Any]:
    """Tell what was truly sold, and how many access tokens were given out."""
    world = world_of(request)
    return {**world.ledger.snapshot(carrier), "tokens": world.tokens.issued}


@router.delete("/tokens", status_code=204)
async def revoke(request: Request) -> None:
    """End every access token given out so far."""
    world_of(request).tokens.revoke()


@router.get("/magic")
async def magic() -> dict[str, dict[str, str]]:
    """Tell the test addresses and the endings of test tracking numbers."""
    return {"streets": {street: str(meaning) for street, meaning in STREETS.items()}, "tracking": TRACKING}
