"""Where a service's time goes: py-spy samples its stacks while the load runs, without changing the service."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Shares", "profiled", "shares"]

_HERTZ = "200"
_SHOWN = 30

Shares = tuple[Counter[str], Counter[str], int]
"""Samples by frame alone, by frame with all it calls, and in total."""


def shares(folded: Iterable[str]) -> Shares:
    """Count folded stacks (`outer;…;inner count`); a frame that recurses counts once per stack."""
    alone: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in folded:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        alone[frames[-1]] += int(count)
        within.update(dict.fromkeys(frames, int(count)))
    return alone, within, alone.total()


@contextmanager
def profiled(pid: int | None, name: str, output: Path) -> Iterator[None]:
    """Sample the process while the block runs; prints its hottest frames, keeps all stacks in `<name>.folded`."""
    spy = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if spy is None or pid is None:
        raise SystemExit("--profile needs py-spy, which `make setup` installs, and a service that runs")
    output.mkdir(parents=True, exist_ok=True)
    stacks = output / f"{name}.folded"
    command = [spy, "record", "--nonblocking", "--pid", str(pid), "--duration", "3600", "--rate", _HERTZ,
               "--function", "--format", "raw", "--output", str(stacks)]  # fmt: skip
    sampling = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        sampling.send_signal(signal.SIGINT)
        sampling.wait(30)
        _tell(name, stacks)


def _tell(name: str, stacks: Path) -> None:
    alone, within, total = shares(stacks.read_text().splitlines())
    print(f"profile of {name} ({total} samples, all stacks in {stacks}): share alone, share with callees")
    for frame, count in alone.most_common(_SHOWN):
        print(f"  {count / total:6.1%} {within[frame] / total:6.1%}  {frame}")
    print("  most with callees:")
    for frame, count in within.most_common(2 * _SHOWN):
        print(f"  {alone[frame] / total:6.1%} {count / total:6.1%}  {frame}", flush=True)
