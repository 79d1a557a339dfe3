"""A static member comes back, by itself or as its own double: the fence holds, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import signal

import pytest
from integration.runtime.test_stage_kafka import Scene, scene

__all__ = ["scene"]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


async def _owners(scene: Scene) -> dict[int, int]:
    rows = await scene.fetch("SELECT shard, epoch FROM stage_shard WHERE grp = $1", f"{scene.prefix}example")
    return {row["shard"]: row["epoch"] for row in rows}


async def _shared(scene: Scene) -> dict[int, int]:
    """Epochs once both members own their half."""
    for _ in range(300):
        rows = await scene.fetch(
            "SELECT count(*) FROM stage_shard WHERE grp = $1 GROUP BY owner", f"{scene.prefix}example"
        )
        if [row["count"] for row in rows] == [6, 6]:
            return await _owners(scene)
        await asyncio.sleep(0.1)
    pytest.fail("the shards were never shared")


async def test_a_restarted_static_member_takes_back_its_own_shards_only(scene: Scene) -> None:
    first = scene.replicas.start(LINKSTAR_KAFKA__GROUP_INSTANCE_ID="one", LINKSTAR_KAFKA__SESSION_TIMEOUT_MS="30000")
    scene.replicas.start(LINKSTAR_KAFKA__GROUP_INSTANCE_ID="two", LINKSTAR_KAFKA__SESSION_TIMEOUT_MS="30000")
    await scene.publish(40, range(200))
    scene.check(await scene.emitted())
    before = await _shared(scene)
    scene.replicas.signal(signal.SIGKILL, first)
    scene.replicas.start(LINKSTAR_KAFKA__GROUP_INSTANCE_ID="one", LINKSTAR_KAFKA__SESSION_TIMEOUT_MS="30000")
    await scene.publish(40, range(200, 400))
    scene.check(await scene.emitted())
    moved = [shard for shard, epoch in (await _owners(scene)).items() if epoch != before[shard]]
    assert len(moved) == 6


async def test_a_sleeping_member_that_wakes_beside_its_double_is_fenced(scene: Scene) -> None:
    """Two processes with one static id: the younger one has the shards, and the older one can write nothing."""
    sleeper = scene.replicas.start(LINKSTAR_KAFKA__GROUP_INSTANCE_ID="one")
    scene.replicas.start(LINKSTAR_KAFKA__GROUP_INSTANCE_ID="two")
    await scene.publish(40, range(200))
    await scene.emitted()
    scene.replicas.signal(signal.SIGSTOP, sleeper)
    await scene.publish(40, range(200, 300))
    double = scene.replicas.start(LINKSTAR_KAFKA__GROUP_INSTANCE_ID="one")
    await scene.publish(40, range(300, 500))
    await asyncio.sleep(3)
    scene.replicas.signal(signal.SIGCONT, sleeper)
    await scene.publish(40, range(500, 700))
    scene.replicas.signal(signal.SIGTERM, double)
    await scene.publish(40, range(700, 800))
    scene.check(await scene.emitted())
