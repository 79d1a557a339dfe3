"""Progress of long downloads: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

PLAIN_STEPS = 5


class Advance(Protocol):
    """Tells the display that `count` more bytes are done; may be called from any thread."""

    def __call__(self, count: int) -> None: ...


class _PlainLines:
    """Prints a line at each fifth of the way, for logs and pipes."""

    def __init__(self, console: Console, title: str, total: int) -> None:
        self._console, self._title, self._total = console, title, total
        self._done = self._printed = 0
        self._lock = Lock()

    def __call__(self, count: int) -> None:
        with self._lock:
            self._done += count
            step = self._done * PLAIN_STEPS // max(self._total, 1)
            if step > self._printed:
                self._printed = step
                self._console.print(
                    f"{self._title}: {self._done / 1e6:.1f} of {self._total / 1e6:.1f} MB", highlight=False
                )


@contextmanager
def byte_progress(title: str, total: int) -> Iterator[Advance]:
    """Shows `total` bytes arriving, on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(f"{title}: {total / 1e6:.1f} MB to fetch", highlight=False)
        yield _PlainLines(console, title, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=total)

        def advance(count: int) -> None:
            progress.advance(task, count)

        yield advance
