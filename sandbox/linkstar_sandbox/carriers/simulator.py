"""The simulator as one process: label intake and telling of due scans side by side, until told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from linkstar_sandbox.carriers.intake import LabelIntake
from linkstar_sandbox.carriers.ledger import Ledger
from linkstar_sandbox.carriers.telling import MAX_SCANS, ScanDoor

__all__ = ["run_simulator", "tell_due"]

log = logging.getLogger(__name__)
_PERIOD_S = 0.05
"""Real seconds between looks at the virtual clock."""


async def run_simulator(
    intake: LabelIntake, ledger: Ledger, door: ScanDoor, now: Callable[[], datetime], stopping: asyncio.Event
) -> None:
    """Work until `stopping` is set. A failure of either side ends the process with that failure."""
    sides = [asyncio.create_task(intake.run()), asyncio.create_task(_tell_for_ever(ledger, door, now))]
    stop = asyncio.create_task(stopping.wait())
    done, _ = await asyncio.wait({*sides, stop}, return_when=asyncio.FIRST_COMPLETED)
    for task in {*sides, stop} - done:
        task.cancel()
    await asyncio.gather(*sides, stop, return_exceptions=True)
    for side in sides:
        if side in done:
            side.result()


async def _tell_for_ever(ledger: Ledger, door: ScanDoor, now: Callable[[], datetime]) -> None:
    while True:
        if not await tell_due(ledger, door, now()):
            await asyncio.sleep(_PERIOD_S)


async def tell_due(ledger: Ledger, door: ScanDoor, now: datetime) -> int:
    """Tell one batch of the scans due at `now`; returns how many. A crash in between repeats the batch."""
    due = ledger.take_due(now, MAX_SCANS)
    if due:
        answers = await door.tell(due)
        ledger.settle(answers)
        refused = [answer for answer in answers if answer.state == "refused"]
        if refused:
            log.warning("%d of %d scans refused, first: %s", len(refused), len(due), refused[0].refusal)
    return len(due)
