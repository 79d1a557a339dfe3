"""What a replica is made of: the product's classes, unless a broken variant puts another in place of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from linkstar_runtime.batch import BatchRunner
from linkstar_runtime.emitter import Emitter
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.stage import Stage
from linkstar_runtime.sweep import Sweep
from linkstar_runtime.testing import Assignor, MemoryStore, by_range
from linkstar_runtime.timers import Timers
from linkstar_runtime.writer import Writer
from simulation.example import Example

__all__ = ["Parts"]


@dataclass(frozen=True)
class Parts:
    """Classes to build replicas from."""

    store: type[MemoryStore] = MemoryStore
    emitter: type[Emitter] = Emitter
    runner: type[BatchRunner] = BatchRunner
    ownership: type[Ownership] = Ownership
    stage: type[Stage] = Stage
    timers: type[Timers] = Timers
    sweep: type[Sweep] = Sweep
    writer: type[Writer] = Writer
    example: type[Example] = Example
    assignor: Assignor = by_range
    prepare: Callable[[Any], None] = lambda replica: None
    """Called with each new replica; the product needs nothing here."""
