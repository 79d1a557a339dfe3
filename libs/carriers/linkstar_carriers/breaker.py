"""Stops calling a carrier that does not answer, and finds out by single calls when it does again."""

from __future__ import annotations

from linkstar_carriers.outcomes import NotSent
from linkstar_runtime.clock import Clock

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    """Closed, open or half open, in real time.

    After `failures` in a row nothing is sent for `open_s` seconds. Then one call goes out: its success closes the
    circuit, its failure opens it again for twice as long, up to `longest_s`.
    """

    def __init__(self, clock: Clock, failures: int = 5, open_s: float = 15.0, longest_s: float = 300.0) -> None:
        self._clock, self._limit = clock, failures
        self._shortest, self._longest = open_s, longest_s
        self._failed, self._open_s = 0, open_s
        self._until: float | None = None
        self._probing = False

    @property
    def state(self) -> str:
        """`closed`, `open` or `half_open`."""
        if self._until is None:
            return "closed"
        return "half_open" if self._clock.monotonic() >= self._until else "open"

    def admit(self) -> NotSent | None:
        """Let a call pass, or say when to ask again. Each call let pass is followed by one of the three reports."""
        if self._until is None:
            return None
        left = self._until - self._clock.monotonic()
        if left > 0 or self._probing:
            return NotSent("carrier_unavailable", "the carrier has not answered of late", max(left, 1.0))
        self._probing = True
        return None

    def succeeded(self) -> None:
        """The carrier answered, whatever it said."""
        self._failed, self._open_s, self._until, self._probing = 0, self._shortest, None, False

    def failed(self) -> None:
        """The carrier could not be reached, did not answer, or answered nonsense."""
        self._failed += 1
        if self._probing:
            self._open_s = min(self._open_s * 2, self._longest)
        if self._probing or self._failed >= self._limit:
            self._until = self._clock.monotonic() + self._open_s
        self._probing = False

    def abandoned(self) -> None:
        """The call ended without telling anything about the carrier."""
        self._probing = False
