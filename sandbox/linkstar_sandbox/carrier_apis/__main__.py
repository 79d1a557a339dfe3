"""`python -m linkstar_sandbox.carrier_apis --port PORT`: prints one JSON line with its addresses, runs until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from linkstar_runtime.clock import Clock
from linkstar_runtime.settings import Settings
from linkstar_sandbox.carrier_apis.ledger import Ledger
from linkstar_sandbox.carrier_apis.server import CARRIERS, listen, serve


async def run(host: str, port: int, kept: Path | None = None) -> None:
    """Serve until a signal asks for the end. What was sold is read from and written to `kept`."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    listener = listen(host, port)
    address = f"http://{host}:{listener.getsockname()[1]}"
    places = {name: f"{address}/{name}" for name in CARRIERS}
    print(json.dumps({"carrier_apis": address, "carriers": places}), flush=True, file=sys.stdout)  # noqa: T201
    ledger = Ledger.kept(kept) if kept else Ledger()
    await serve(listener, Clock.from_settings(Settings().clock), stopping, ledger)
    if kept:
        ledger.keep(kept)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m linkstar_sandbox.carrier_apis")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--ledger", type=Path, help="file that keeps what was sold, from one run to the next")
    given = parser.parse_args()
    asyncio.run(run(given.host, given.port, given.ledger))


if __name__ == "__main__":
    main()
