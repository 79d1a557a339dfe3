"""Business time, real time and chance come from one injectable place each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from linkstar_runtime.clock import Clock, ManualClock
from linkstar_runtime.ids import Ids, SeededIds
from linkstar_runtime.settings import ClockSettings

ORIGIN = datetime(2026, 5, 1, tzinfo=UTC)


class StoppedWall(Clock):
    moment = datetime(2030, 1, 1, tzinfo=UTC)

    def wall(self) -> datetime:
        return self.moment


def test_virtual_time_is_the_same_in_every_process() -> None:
    wall0 = StoppedWall.moment - timedelta(seconds=10)
    clock = StoppedWall(ORIGIN, wall0, speed=3600)
    assert clock.now() == ORIGIN + timedelta(hours=10)
    assert clock.now() == StoppedWall(ORIGIN, wall0, 3600).now()
    assert clock.real_seconds_until(ORIGIN + timedelta(hours=11)) == 1


def test_without_origin_business_time_is_wall_time() -> None:
    clock = Clock.from_settings(ClockSettings())
    before, now, after = clock.wall(), clock.now(), clock.wall()
    assert before <= now <= after
    assert now.tzinfo is UTC


async def test_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(ORIGIN)
    assert (clock.now(), clock.monotonic()) == (ORIGIN, 0)
    clock.advance(timedelta(days=5))
    await clock.sleep(60)
    assert clock.now() == ORIGIN + timedelta(days=5, minutes=1)
    assert clock.monotonic() == timedelta(days=5, minutes=1).total_seconds()


def test_ids_are_seedable_and_of_the_asked_length() -> None:
    assert SeededIds(7).base62(43) == SeededIds(7).base62(43) != SeededIds(8).base62(43)
    for ids in (Ids(), SeededIds(1)):
        text = ids.base62(43)
        assert len(text) == 43
        assert text.isascii()
        assert text.isalnum()
        assert len(ids.hex(12)) == 24
        assert 0 <= ids.fraction() < 1
