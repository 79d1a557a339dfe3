"""What every question for a parcel does the same way: one account, one token, one number, one of few ends."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from linkstar_carriers.oauth import REJECTED, BearerTransport
from linkstar_carriers.outcomes import NotFound, NotSent, OutcomeUnknown, Refused
from linkstar_carriers.replies import Unreadable
from linkstar_carriers.scans import TrackOutcome
from linkstar_carriers.standing import AccountStanding
from linkstar_carriers.transport import Call, Reply, Transport

__all__ = ["Asking", "asked"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_NOT_ALLOWED = (401, 403)
_NOBODYS = "00000000000000000000"


def asked(
    method: Callable[_P, Awaitable[_T]],
) -> Callable[_P, Coroutine[Any, Any, _T | Refused | OutcomeUnknown]]:
    """An answer that cannot be read tells nothing; credentials that are rejected will not become good by waiting."""

    @functools.wraps(method)
    async def ask(*args: _P.args, **kwargs: _P.kwargs) -> _T | Refused | OutcomeUnknown:
        try:
            end = await method(*args, **kwargs)
        except Unreadable as fault:
            return OutcomeUnknown(fault.code, fault.detail)
        return Refused(end.code, end.detail) if isinstance(end, NotSent) and end.code == REJECTED else end

    return ask


class Asking(ABC):
    """Base of the accounts that ask: `track` is theirs, the proof that they may ask is common."""

    transport: Transport
    api: BearerTransport

    @property
    def standing(self) -> AccountStanding:
        """How fast this process may call the account now, and whether its carrier is called at all."""
        return self.transport.standing

    @abstractmethod
    async def track(self, tracking_number: str) -> TrackOutcome:
        """Return a parcel's scans."""

    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        """Ask for a number nobody has: whatever the carrier says of it, it has let the account ask."""
        end = await self.track(_NOBODYS)
        if isinstance(end, Refused) and end.code != REJECTED:
            return None
        return None if isinstance(end, tuple | NotFound) else end

    async def _send(self, call: Call) -> Reply | Refused | NotSent | OutcomeUnknown:
        """Make the call; one that the account may not make ends as rejected credentials."""
        end = await self.api.send(call)
        if isinstance(end, Reply) and end.status in _NOT_ALLOWED:
            return Refused(REJECTED, f"the account may not ask where parcels are ({end.status})")
        return end
