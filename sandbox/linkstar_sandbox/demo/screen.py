"""Shows the pipeline while it runs: a live table on a terminal, one plain line every few seconds elsewhere."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from linkstar_sandbox.demo.pipeline import Reading

__all__ = ["Screen"]

STAGES = (
    ("ingest", "orders-received", "orders received"), ("router", "routes-chosen", "routes chosen"),
    ("labeler", "labels", "labels"), ("carriers", "carrier-scans", "carrier scans"),
    ("tracker", "tracking-updated", "tracking updates"), ("returns", "returns-updated", "return updates"),
    ("", "exceptions-raised", "exception events"), ("", "orders-inbound-dlq", "dead letters"),
)  # fmt: skip
_PLAIN_EVERY_S = 5.0
_RATE_OVER_S = 3.0


@dataclass(frozen=True)
class _Moment:
    at: float
    reading: Reading


class Screen:
    """Where the demo shows its progress. Use as a context manager around the running part."""

    def __init__(self, console: Console, started_at: datetime) -> None:
        self.console = console
        self._started_at = started_at
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._moments: deque[_Moment] = deque()
        self._last_plain = float("-inf")

    def __enter__(self) -> Screen:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def say(self, line: str) -> None:
        """Print one line that stays."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def show(self, reading: Reading, now: datetime, at: float, activity: str) -> None:
        """Show a reading taken at real time `at` and business time `now`."""
        self._moments.append(_Moment(at, reading))
        while self._moments[0].at < at - _RATE_OVER_S and len(self._moments) > 2:
            self._moments.popleft()
        day = (now - self._started_at).total_seconds() / 86_400
        clock = f"{now:%a %Y-%m-%d %H:%M} UTC, day {day:.1f}"
        if self._live:
            self._live.update(Group(Text(f"{clock} · {activity}", style="bold"), self._table(reading)))
        elif at - self._last_plain >= _PLAIN_EVERY_S:
            self._last_plain = at
            counts = ", ".join(f"{reading.topics.get(topic, 0)} {title}" for _, topic, title in STAGES)
            self.say(f"{clock} · {activity}: {counts}; lag {sum(reading.lags.values())}")

    def _table(self, reading: Reading) -> Table:
        table = Table("stage", "emits", "count", "per second", "lag", pad_edge=False)
        for column in table.columns[2:]:
            column.justify = "right"
        for service, topic, title in STAGES:
            lag = reading.lags.get(service)
            table.add_row(
                service or "all", title, str(reading.topics.get(topic, 0)), f"{self._rate(topic):.0f}",
                "" if lag is None else str(lag),
            )  # fmt: skip
        return table

    def _rate(self, topic: str) -> float:
        first, last = self._moments[0], self._moments[-1]
        seconds = last.at - first.at
        gained = last.reading.topics.get(topic, 0) - first.reading.topics.get(topic, 0)
        return gained / seconds if seconds > 0 else 0.0
