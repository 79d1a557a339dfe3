"""CPU and memory of the processes of a run, from /proc: what each has used between two readings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["Reading", "Usage", "read_process", "read_tree"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU used since a process began, and the memory it holds now."""

    cpu_s: float
    resident_bytes: int

    def __add__(self, other: Reading) -> Reading:
        return Reading(self.cpu_s + other.cpu_s, self.resident_bytes + other.resident_bytes)


@dataclass(frozen=True)
class Usage:
    """What each named process used between two readings."""

    cpu_s: Mapping[str, float]
    resident_bytes: Mapping[str, int]

    @classmethod
    def between(cls, before: Mapping[str, Reading], after: Mapping[str, Reading]) -> Usage:
        """Names that appear only in one of the readings are left out."""
        return cls(
            {name: after[name].cpu_s - before[name].cpu_s for name in after if name in before},
            {name: reading.resident_bytes for name, reading in after.items()},
        )

    def us_per(self, orders: int) -> dict[str, float]:
        """CPU microseconds per order by process."""
        return {name: spent * 1e6 / orders for name, spent in self.cpu_s.items()}


def parse_stat(text: str) -> tuple[float, float, int]:
    """Return own CPU, CPU of children already reaped, and resident bytes from a line of `/proc/<pid>/stat`."""
    fields = text.rpartition(")")[2].split()
    own, reaped = (int(fields[at]) + int(fields[at + 1]) for at in (11, 13))
    return own / _TICKS_PER_S, reaped / _TICKS_PER_S, int(fields[21]) * _PAGE_BYTES


def read_process(pid: int) -> Reading:
    """Return one process's reading, its children aside."""
    own, _, resident = parse_stat(Path(f"/proc/{pid}/stat").read_text())
    return Reading(own, resident)


def read_tree(pid: int) -> Reading:
    """Return the reading of a server with all its children, those that ended included; memory as proportional share."""
    own, reaped, _ = parse_stat(Path(f"/proc/{pid}/stat").read_text())
    children = psutil.Process(pid).children(recursive=True)
    total = Reading(own + reaped, _share(pid))
    for child in children:
        try:
            used, gone, _ = parse_stat(Path(f"/proc/{child.pid}/stat").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += Reading(used + gone, _share(child.pid))
    return total


def _share(pid: int) -> int:
    """Memory of a process with shared pages divided among those that map them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in _pss(lines))


def _pss(lines: Iterable[str]) -> Iterable[str]:
    return (line for line in lines if line.startswith("Pss:"))
