"""How carriers do, as Prometheus is shown it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from linkstar_runtime.metrics import (
    LANE_PARCELS,
    LANE_RATE,
    LANE_SCAN_AGE,
    LANE_SCAN_GAP,
    LaneQuantile,
    LaneRate,
    OfLane,
)
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.domain.quality import RATES, gap_curves, largest, quality_document

__all__ = ["measuring"]

_SHOWN = timedelta(weeks=4)


def measuring(most: int) -> Callable[[ServiceContext], Awaitable[None]]:
    """Return the worker that shows Prometheus how carriers do; every replica shows the same figures."""

    async def measure(context: ServiceContext) -> None:
        async with context.database.transaction() as tx:
            today = tx.now.date()
            counts = await store.lane_counts(tx, None, today - _SHOWN, today)
            gaps = await store.lane_gaps(tx, today - _SHOWN, today)
            ages = await store.lane_ages(tx, None)
        curves = await asyncio.to_thread(gap_curves, gaps)
        _show(quality_document(largest(counts, most), curves, sorted(ages, key=lambda age: -age.open)[:most]))

    return measure


def _show(lanes: Sequence[dict[str, Any]]) -> None:
    LANE_PARCELS.show_only({OfLane(lane["carrier"], lane["lane"]): lane["parcels"] for lane in lanes})
    LANE_RATE.show_only({
        LaneRate(lane["carrier"], lane["lane"], name): lane[name]["estimate"]
        for lane in lanes
        for name in RATES
        if lane[name]["estimate"] is not None
    })  # fmt: skip
    LANE_SCAN_AGE.show_only(_seconds(lanes, "scan_age_hours"))
    LANE_SCAN_GAP.show_only(_seconds(lanes, "scan_gap_hours"))


def _seconds(lanes: Sequence[dict[str, Any]], name: str) -> dict[LaneQuantile, float]:
    return {
        LaneQuantile(lane["carrier"], lane["lane"], quantile): lane[name][told] * 3600
        for lane in lanes
        for told, quantile in (("p50", "0.5"), ("p95", "0.95"))
        if lane[name]
    }
