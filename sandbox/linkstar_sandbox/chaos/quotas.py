"""Capacity pools of a run under faults: tight enough to fill up, so that every replica reaches for the last places."""

from __future__ import annotations

import httpx

__all__ = ["cap_capacity"]

POOLS = {
    "chaos-ground": {"carrier": "usps", "service": "ground_advantage", "cap": 60},
    "chaos-usps": {"carrier": "usps", "cap": 90},
    "chaos-ups": {"carrier": "ups", "cap": 40, "minimum": 10},
}
"""By name, in parcels a day; what they turn away goes with other carriers."""


async def cap_capacity(router: str, key: str) -> None:
    """Define the pools."""
    async with httpx.AsyncClient(base_url=router, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        for name, body in POOLS.items():
            (await client.put(f"/v1/capacity/{name}", json=body)).raise_for_status()
