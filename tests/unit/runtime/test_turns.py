"""How long one piece of work keeps the event loop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from linkstar_runtime.clock import ManualClock
from linkstar_runtime.turns import SHORT_TURN_S, TURN_S, Callers, Turns

NOW = datetime(2026, 6, 8, tzinfo=UTC)


async def test_others_run_once_a_turn_is_over_and_not_before() -> None:
    clock, callers = ManualClock(NOW), Callers()
    turns, heard = Turns(clock, callers), list[str]()
    asyncio.get_running_loop().call_soon(heard.append, "another")
    await turns.pause()
    assert not turns.over
    assert heard == []
    clock.advance(timedelta(seconds=TURN_S))
    assert turns.over
    await turns.pause()
    assert heard == ["another"]
    assert not turns.over


async def test_turns_are_short_while_somebody_waits_for_an_answer() -> None:
    clock, callers = ManualClock(NOW), Callers()
    turns = Turns(clock, callers)
    clock.advance(timedelta(seconds=SHORT_TURN_S))
    with callers, callers:
        assert turns.over
    assert not turns.over
