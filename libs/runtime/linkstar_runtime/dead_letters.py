"""Limits on dead letters: a bad deploy must not empty a topic into its dead-letter topic."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from linkstar_runtime.decoding import Item

__all__ = ["Circuit", "CircuitOpen"]


class CircuitOpen(Exception):
    """Too many records of one partition cannot be processed: the shard stops and someone is paged."""

    def __init__(self, shard: int, topic: str) -> None:
        super().__init__(f"{topic}/{shard}: too many records cannot be processed; the shard is stopped")
        self.shard = shard


@dataclass
class _Window:
    seen: int = 0
    invalid: int = 0
    consecutive: int = 0


@dataclass
class Circuit:
    """Counts invalid records per partition over a sliding pair of windows. Business rejects do not count.

    Opens when more than `ratio` of at least `window` records, or more than `consecutive` in a row, are invalid.
    """

    ratio: float = 0.01
    window: int = 1000
    consecutive: int = 100
    _windows: dict[tuple[str, int], _Window] = field(default_factory=lambda: defaultdict(_Window))

    def check(self, items: list[Item]) -> dict[tuple[str, int], _Window]:
        """Return the counts as they would be after these items commit; raise CircuitOpen when a limit is passed."""
        after: dict[tuple[str, int], _Window] = {}
        for item in items:
            place = (item.record.topic, item.record.partition)
            if place not in after:
                now = self._windows[place]
                after[place] = _Window(now.seen, now.invalid, now.consecutive)
            self._count(after[place], item.dead is not None and item.dead.kind != "rejected")
            if after[place].consecutive > self.consecutive or self._ratio_passed(after[place]):
                raise CircuitOpen(item.record.partition, item.record.topic)
        return after

    def accept(self, after: dict[tuple[str, int], _Window]) -> None:
        """Keep the counts of a batch that has committed."""
        self._windows.update(after)

    def _count(self, window: _Window, invalid: bool) -> None:
        if window.seen >= 2 * self.window:
            window.seen, window.invalid = window.seen // 2, window.invalid // 2
        window.seen += 1
        window.invalid += invalid
        window.consecutive = window.consecutive + 1 if invalid else 0

    def _ratio_passed(self, window: _Window) -> bool:
        return window.seen >= self.window and window.invalid > window.seen * self.ratio
