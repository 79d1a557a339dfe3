"""Looks at all lanes once an hour of business time, and tells which of them, or of their places, stopped scanning."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from linkstar_contracts.event import Event
from linkstar_contracts.topics import PARTITIONS
from linkstar_performance.outages import LaneCourse, Look, Suspicion
from linkstar_performance.silence import HORIZON_HOURS
from linkstar_runtime.handling import Transaction
from linkstar_runtime.service import TimerHandler
from linkstar_runtime.shards import shard_of
from linkstar_tracker import store
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.foresight import Foresight
from linkstar_tracker.domain.incidents import Incident, LaneKey, begun, carrier_of, incident_key
from linkstar_tracker.domain.lane_looks import course_document, course_of, looks_of, merged

__all__ = ["looking"]

_LOOK_EVERY = timedelta(hours=1)


def looking(foresight: Foresight, suspicion: Suspicion) -> TimerHandler:
    """Return the timer that looks at all lanes once an hour and tells which of them, or of their places, stopped scanning.

    Each lane is looked at in the owner of its incidents' shard.
    """

    async def look(shards: Sequence[int], tx: Transaction) -> Sequence[Event]:
        known, expected = await store.lane_courses(tx, shards), foresight.expectations
        last = max((course.looked_at for course in known.values()), default=None)
        if expected is None or (last is not None and tx.now - last < _LOOK_EVERY):
            return ()
        standing = await store.standing_parcels(tx, range(PARTITIONS))
        seen = await asyncio.to_thread(looks_of, standing, expected, tx.now)
        own = [lane for lane in sorted(seen.keys() | known.keys()) if _shard(lane) in shards]
        courses = {lane: _followed(known.get(lane), lane, seen.get(lane, {}), tx.now, suspicion) for lane in own}
        incidents = [each for lane, (before, after) in courses.items() for each in await _news(tx, lane, before, after)]
        if courses:
            told = [(_shard(lane), lane, course_document(after)) for lane, (_, after) in courses.items()]
            await store.save_courses(tx, told)
        if incidents:
            await store.save_incidents(tx, incidents)
        return [incident.event() for incident in incidents]

    return look


def _shard(lane: LaneKey) -> int:
    tenant, name = lane
    return shard_of(f"{tenant}/{incident_key(name)}", PARTITIONS)


def _followed(
    known: store.StoredCourse | None, lane: LaneKey, looks: Mapping[str, Look], now: datetime, suspicion: Suspicion
) -> tuple[LaneCourse, LaneCourse]:  # fmt: skip
    """Return a lane's course before and after a look."""
    if known is None:
        return LaneCourse(), LaneCourse().looked_at(0.0, merged(looks, ()), suspicion)
    before = course_of(known.document)
    hours = calendar_of(carrier_of(lane)).between(known.looked_at, now, HORIZON_HOURS)
    return before, before.looked_at(hours, merged(looks, before.places), suspicion)


async def _news(tx: Transaction, lane: LaneKey, before: LaneCourse, after: LaneCourse) -> list[Incident]:
    """Return the incidents that a look has begun or ended, in their new state."""
    found = []
    for spot in sorted(before.out ^ after.out):
        past = await store.incidents_at(tx, lane, spot)
        if spot in after.out:
            found.append(begun(lane, spot, after, len(past) + 1, tx.now))
        else:
            found += [each.ended(after, tx.now) for each in past if each.open]
    return found
