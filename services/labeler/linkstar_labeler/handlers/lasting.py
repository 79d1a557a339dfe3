"""What a carrier did is stored, however long the database is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from linkstar_runtime.clock import Clock
from linkstar_runtime.database import infrastructure_error
from linkstar_runtime.vault import VaultError

__all__ = ["no_key", "until_stored"]

_log = structlog.get_logger(__name__)
_AGAIN_S = 0.5


async def until_stored(clock: Clock, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work`, which may be repeated harmlessly, until the database has taken it, and while there is no master key.
    Its own faults are raised.
    """
    while True:
        try:
            return await work()
        except Exception as error:
            if not infrastructure_error(error) and not no_key(error):
                raise
            _log.warning("outcome_not_stored", error=type(error).__name__)
            await clock.sleep(_AGAIN_S)


def no_key(error: BaseException) -> bool:
    """True where only the master key is missing: with it the work will do."""
    return isinstance(error, VaultError) and error.code == "no_master_key"
