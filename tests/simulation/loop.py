"""An asyncio event loop in virtual time. Nothing here looks at a clock: when all wait, time jumps to the next timer.

What is ready runs in an order drawn from the seed. Callbacks belong to the process in whose context they were made: those
of a frozen process wait until it thaws, those of a dead one never run.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import heapq
import random
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["PROCESS", "Exhausted", "Handle", "Process", "VirtualLoop"]

Context = contextvars.Context


class Exhausted(Exception):
    """Too many steps, or nothing left that could ever happen."""


class Handle:
    """One scheduled callback."""

    __slots__ = ("args", "callback", "cancelled_", "context", "when_")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: Context, when: float) -> None:
        self.callback, self.args, self.context, self.when_ = callback, args, context, when
        self.cancelled_ = False

    def cancel(self) -> None:
        self.cancelled_ = True

    def cancelled(self) -> bool:
        return self.cancelled_

    def when(self) -> float:
        return self.when_


class Process:
    """A simulated operating-system process: its tasks stand still while it is frozen, and end with it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.alive = True
        self.running = True
        self.thaws_at = 0.0
        self.held: list[Handle] = []
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.context = contextvars.copy_context()
        self.context.run(PROCESS.set, self)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str = "") -> asyncio.Task[Any]:
        """Start a task of this process."""
        return self._loop.create_task(work, name=name, context=self.context.copy())

    def freeze(self, seconds: float) -> None:
        """Stop at the next step, as SIGSTOP does, and go on after `seconds`."""
        if self.alive:
            self.running = False
            self.thaws_at = max(self.thaws_at, self._loop.time() + seconds)
            self._loop.call_at(self.thaws_at, self.thaw, context=contextvars.Context())

    def thaw(self) -> None:
        """Go on, unless a longer freeze was asked for meanwhile."""
        if self.alive and not self.running and self._loop.time() >= self.thaws_at:
            self.running = True
            held, self.held = self.held, []
            self._loop.ready.extend(held)

    def kill(self) -> None:
        """End at once: no further step, no clean-up."""
        self.alive = self.running = False
        self.held.clear()


PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class Task(asyncio.Task[Any]):
    """A task that knows its process."""

    process: Process | None = None


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs until `stop`; raises Exhausted when that cannot happen any more."""

    def __init__(self, chance: random.Random, max_steps: int) -> None:
        self._now = 0.0
        self._number = 0
        self._timers: list[tuple[float, int, Handle]] = []
        self._draw = chance.random
        self._left = max_steps
        self._stopped = False
        self.ready: list[Handle] = []
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.errors: list[str] = []

    # -- what asyncio asks of a loop ---------------------------------------------------------------------------------

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        handle = Handle(callback, args, context if context is not None else contextvars.copy_context(), self._now)
        self.ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        handle = Handle(callback, args, context if context is not None else contextvars.copy_context(), when)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        task = Task(coro, loop=self, name=name or "task", context=context)
        task.process = process = (context or contextvars.copy_context()).get(PROCESS)
        owner = self.tasks if process is None else process.tasks
        owner[task] = None
        task.add_done_callback(owner.pop, context=_NOBODY)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Note an error that nobody asked about, unless who would have asked died with its process before."""
        process = _process_of(context.get("future"))
        if process is None or process.alive:
            self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    # -- running -----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Return from `run` after this step."""
        self._stopped = True

    def run(self) -> None:
        """Run callbacks until `stop`."""
        asyncio._set_running_loop(self)
        try:
            while not self._stopped:
                self._step()
        finally:
            asyncio._set_running_loop(None)

    def _step(self) -> None:
        ready = self.ready
        if not ready:
            self._advance()
            return
        self._left -= 1
        if self._left < 0:
            raise Exhausted(f"no end after {self._now:.0f} virtual seconds")
        if len(ready) > 1:
            at = int(self._draw() * len(ready))
            handle, ready[at] = ready[at], ready[-1]
            ready.pop()
        else:
            handle = ready.pop()
        if handle.cancelled_:
            return
        process = handle.context.get(PROCESS)
        if process is None or process.running:
            handle.context.run(handle.callback, *handle.args)
        elif process.alive:
            process.held.append(handle)

    def _advance(self) -> None:
        """Nothing is ready: jump to the next timers."""
        timers, ready = self._timers, self.ready
        while timers and not ready:
            self._now = max(self._now, timers[0][0])
            while timers and timers[0][0] <= self._now:
                handle = heapq.heappop(timers)[2]
                if not handle.cancelled_:
                    ready.append(handle)
        if not ready:
            raise Exhausted("nothing can happen any more")


_NOBODY = contextvars.Context()


def _process_of(future: Any) -> Process | None:
    """Return whose process a task belongs to, or the tasks that `asyncio.gather` waits for."""
    tasks = getattr(future, "_children", None) or [future]
    return next((task.process for task in tasks if isinstance(task, Task)), None)


def bury(tasks: dict[asyncio.Task[Any], None]) -> None:
    """Close what the end of a simulation leaves behind, without a word."""
    for task in list(tasks):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        coroutine = task.get_coro()
        for _ in range(8):  # each clean-up that wants to wait needs one more
            with contextlib.suppress(Exception):
                coroutine.close()  # type: ignore[union-attr]
                break
    tasks.clear()
