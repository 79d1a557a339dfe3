"""`python -m linkstar_sandbox.load`: publishes seeded orders to the running stack; ends with one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from linkstar_runtime.clock import Clock
from linkstar_sandbox import supervisor
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.home import Home
from linkstar_sandbox.load.account import open_account
from linkstar_sandbox.load.generator import MESSY, ORDERS_ONLY, LoadGenerator, LoadRecord
from linkstar_sandbox.load.history import History
from linkstar_sandbox.load.publisher import Publisher
from linkstar_sandbox.places import run_home

_TELL_EVERY = 5_000


def main() -> int:
    """Run the command; returns the exit status."""
    options = _options()
    try:
        endpoints = supervisor.endpoints_of(Home(run_home()))
    except SandboxError as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        return 1
    sys.stdout.write(f"seed {options.seed}, {options.orders} orders\n")
    sys.stdout.write(json.dumps(asyncio.run(_publish(endpoints, options))) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linkstar_sandbox.load", description="Publish seeded orders.")
    parser.add_argument("--orders", type=int, default=1_000)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="records per second; 0 = as fast as the broker takes them"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prefix", default="load", help="order ids begin with it; one that was used gives duplicates")
    parser.add_argument("--messy", action="store_true", help="with repeats, changes, cancels and poison")
    parser.add_argument("--history", type=Path, default=Path("load-history.jsonl"))
    return parser.parse_args()


async def _publish(endpoints: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    await open_account(endpoints)
    clock = Clock()
    mix = MESSY if options.messy else ORDERS_ONLY
    generator = LoadGenerator(options.seed, clock.now(), prefix=options.prefix, mix=mix)
    records = list(_told(generator.records(options.orders)))
    began = clock.monotonic()
    with History(options.history) as history:
        async with Publisher(endpoints["kafka"], history) as publisher:
            if options.rate:
                await publisher.pace(records, options.rate)
                await publisher.settled()
            else:
                await publisher.flood(records)
    seconds = clock.monotonic() - began
    return {
        "orders": options.orders, "records": len(records), "seconds": round(seconds, 3),
        "records_per_s": round(len(records) / seconds, 1), "history": str(options.history),
    }  # fmt: skip


def _told(records: Iterator[LoadRecord]) -> Iterator[LoadRecord]:
    for number, record in enumerate(records, start=1):
        if number % _TELL_EVERY == 0:
            sys.stdout.write(f"{number} records made\n")
        yield record


if __name__ == "__main__":
    sys.exit(main())
