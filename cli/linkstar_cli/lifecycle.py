"""`linkstar up | down | status | logs | reset`: the stack on this machine."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from linkstar_cli.screen import CommandError, coded_errors, err, out, phases, print_json
from linkstar_cli.standing import Line, standings
from linkstar_sandbox import supervisor
from linkstar_sandbox.home import Home
from linkstar_sandbox.listing import Listing
from linkstar_sandbox.places import run_home
from linkstar_sandbox.plan import SERVICES, Plan

FOLLOW_S = 0.3
TAIL_LINES = 40


def this_home() -> Home:
    """The stack the command speaks of: `LINKSTAR_HOME`, else `.linkstar` here."""
    return Home(run_home())


def parse_replicas(values: list[str]) -> dict[str, int]:
    """`router=3` or `router=3,tracker=2`, given once or several times."""
    counts = {}
    for part in ",".join(values).split(","):
        if part:
            name, _, count = part.partition("=")
            if not count.isdecimal():
                raise CommandError(
                    "replicas-invalid", f"{part!r} is not SERVICE=COUNT.", "Write e.g. --replicas router=3."
                )  # fmt: skip
            counts[name] = int(count)
    return counts


def up(
    replicas: Annotated[list[str] | None, typer.Option(help="SERVICE=COUNT, e.g. router=3; may be repeated")] = None,
    speed: Annotated[float, typer.Option(help="business seconds per real second", min=0.001, max=1e6)] = 1.0,
    seed: Annotated[int, typer.Option(help="seed of the simulated carriers")] = 1,
    simulate: Annotated[bool, typer.Option(help="run the simulated carriers")] = True,
    carrier_apis: Annotated[bool, typer.Option(help="run the carriers' simulated APIs, for test orders")] = True,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error")] = "info",
) -> None:
    """Start Kafka, PostgreSQL, every service and the simulated carriers, in the background."""
    with coded_errors():
        counts = parse_replicas(replicas or [])
        plan = Plan.from_environment(
            replicas=counts, speed=speed, seed=seed, simulate=simulate, carrier_apis=carrier_apis, log_level=log_level
        )  # fmt: skip
        started = time.monotonic()
        with phases("linkstar up") as tell:
            supervisor.up(this_home(), plan, tell)
        out.print(f"LinkStar runs, ready after {time.monotonic() - started:.1f} s.", highlight=False)
        status()


def down() -> None:
    """Stop everything; data is kept."""
    with coded_errors(), phases("linkstar down") as tell:
        tell("stopping")
        stopped = supervisor.down(this_home())
    out.print("Stopped; data is kept." if stopped else "Nothing was running.")


def reset(yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Stop everything and delete all data of this stack."""
    home = this_home()
    if not yes and not typer.confirm(f"Delete all data in {home.path}?"):
        raise typer.Exit(1)
    with coded_errors(), phases("linkstar reset") as tell:
        tell("deleting")
        supervisor.reset(home)
    out.print("All data of this stack is deleted.")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON array instead of a table")] = False,
) -> None:
    """Show each process: pid, state, restarts, uptime, address, lag."""
    with coded_errors():
        home = this_home()
        lines = standings(home)
        if as_json:
            print_json([asdict(line) for line in lines])
        else:
            out.print(_table(lines))
        if not supervisor.running(home):
            err.print("No supervisor runs here: start it with `linkstar up`.", markup=False)
            raise typer.Exit(3)
        if any(line.state not in {"ready", "running"} for line in lines):
            raise typer.Exit(4)


def _table(lines: list[Line]) -> Listing:
    columns = ("process", "pid", "state", "restarts", "uptime", "address", "shards", "lag")
    table = Listing(*columns, folds={"address"}, spare=("pid", "uptime", "shards", "restarts"))
    for line in lines:
        state = Text(line.state, style="green" if line.state in {"ready", "running"} else "red")
        pid, restarts, shards, lag = (
            "" if number is None else str(number) for number in (line.pid, line.restarts, line.shards, line.lag)
        )  # fmt: skip
        table.add_row(line.name, pid, state, restarts, line.uptime, line.address, shards, lag)
    return table


def logs(
    service: Annotated[
        str, typer.Argument(help="a service, a replica (router-2), carriers, carrier-apis, kafka, postgres, supervisor")
    ],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="go on as lines arrive")] = False,
    lines: Annotated[int, typer.Option("-n", help="lines to begin with", min=1)] = TAIL_LINES,
) -> None:
    """Show the log of a process."""
    with coded_errors():
        files = _log_files(this_home(), service)
        for file in files:
            with file.open(errors="replace") as stream:
                out.print(*deque(stream, lines), sep="", end="", markup=False, highlight=False, soft_wrap=True)
        if follow:
            _follow(files)


def _log_files(home: Home, name: str) -> list[Path]:
    servers = {"kafka": home.kafka / "kafka.log", "postgres": home.postgres / "postgres.log"}
    files = [servers[name]] if name in servers else sorted(home.logs.glob(f"{name}.log"))
    files = files or sorted(home.logs.glob(f"{name}-*.log"))
    if not [file for file in files if file.exists()]:
        known = ", ".join([*SERVICES, "carriers", "carrier-apis", "kafka", "postgres", "supervisor"])
        raise CommandError("no-log", f"There is no log of {name!r} in {home.path}.", f"Name one of {known}.")
    return files


def _follow(files: list[Path]) -> None:
    streams = [file.open(errors="replace") for file in files]
    for stream in streams:
        stream.seek(0, 2)
    try:
        while True:
            for stream in streams:
                for line in stream:
                    out.print(line, end="", markup=False, highlight=False, soft_wrap=True)
            time.sleep(FOLLOW_S)
    except KeyboardInterrupt:
        return
