"""`python -m linkstar_sandbox.demo`: ends with one line of JSON, and with status 0 only if the account is clean."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from functools import partial

from rich.console import Console

from linkstar_runtime.clock import Clock
from linkstar_sandbox import supervisor
from linkstar_sandbox.demo.closing import Closing
from linkstar_sandbox.demo.options import DemoOptions
from linkstar_sandbox.demo.run import DemoRun
from linkstar_sandbox.demo.screen import Screen
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.home import Home
from linkstar_sandbox.listing import wide_console
from linkstar_sandbox.plan import Plan


def main() -> int:
    """Run the demo; returns the exit status."""
    options = DemoOptions.from_environment()
    console = wide_console()
    watch = Clock()
    began = watch.monotonic()
    home = Home(options.home)
    try:
        counts, sound = _run(options, home, console)
    except SandboxError as error:
        console.print(f"{error.code}: {error}", style="bold red", markup=False)
        return 1
    finally:
        _end(options, home, console)
    sys.stdout.write(json.dumps({**counts, "seconds": round(watch.monotonic() - began, 1)}) + "\n")
    return 0 if sound else 1


def _run(options: DemoOptions, home: Home, console: Console) -> tuple[dict[str, int], bool]:
    shutil.rmtree(options.output, ignore_errors=True)
    options.output.mkdir(parents=True)
    supervisor.reset(home)
    plan = Plan.from_environment(speed=options.speed, seed=options.seed, log_level="warning")
    endpoints = supervisor.up(home, plan, lambda phase: console.print(f"Stack: {phase}", highlight=False))
    run = DemoRun(options, endpoints, home, partial(Screen, console))
    evidence, account = asyncio.run(run.perform())
    closing = Closing(console, options.output, evidence, account)
    closing.save_account()
    asyncio.run(closing.show(endpoints))
    return account.counts, not account.faults


def _end(options: DemoOptions, home: Home, console: Console) -> None:
    if options.keep:
        console.print(f"The stack stays up: LINKSTAR_HOME={home.path} linkstar status", markup=False, highlight=False)
    else:
        supervisor.down(home)
        console.print("Stack: stopped", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
