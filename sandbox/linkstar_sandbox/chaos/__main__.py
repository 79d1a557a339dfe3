"""`python -m linkstar_sandbox.chaos`: ends with one line of JSON, and with status 0 only if nothing was violated."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Mapping
from typing import Any

from linkstar_runtime.clock import Clock
from linkstar_sandbox import supervisor
from linkstar_sandbox.chaos.disk import SmallDisk
from linkstar_sandbox.chaos.options import WHOLE_RUN_S, ChaosOptions
from linkstar_sandbox.chaos.record import keep_evidence
from linkstar_sandbox.chaos.run import ChaosRun
from linkstar_sandbox.chaos.schedule import FAILPOINT_PLANS
from linkstar_sandbox.chaos.stack import ChaosStack
from linkstar_sandbox.chaos.verdict import EXCUSED, Verdict, all_checks
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.home import Home
from linkstar_sandbox.plan import Plan
from linkstar_sandbox.reader.outcomes import accepted_orders
from linkstar_sandbox.reader.run_evidence import RunEvidence

REPLICAS = {"ingest": 2, "router": 2, "labeler": 2, "tracker": 2, "returns": 1}
MOST_SHOWN = 20
_WATCH = Clock()
_BEGAN = _WATCH.monotonic()


def tell(line: str) -> None:
    """Print one line of the run's diary."""
    sys.stdout.write(f"[{_WATCH.monotonic() - _BEGAN:6.1f} s] {line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run chaos; returns the exit status."""
    options = ChaosOptions.from_arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    tell(f"chaos for {options.seconds} s, seed {options.seed}, mutant {options.mutant or 'none'}, home {options.home}")
    home = Home(options.home)
    supervisor.reset(home)
    disk = SmallDisk(home.postgres)
    disk.mount()
    if not disk.mounted:
        tell(f"disk-full is skipped, because no small disk can be mounted here: {disk.why_not}")
    try:
        line, sound = asyncio.run(_run(options, home, disk))
    except SandboxError as error:
        tell(f"{error.code}: {error}")
        return 1
    finally:
        disk.unmount()
    if sound:
        supervisor.reset(home)
    else:
        tell(f"histories, evidence and logs are kept in {home.path}; repeat the schedule with --seed {options.seed}")
    sys.stdout.write(json.dumps(line) + "\n")
    return 0 if sound else 1


async def _run(options: ChaosOptions, home: Home, disk: SmallDisk) -> tuple[Mapping[str, Any], bool]:
    plan = Plan(replicas=REPLICAS, speed=options.speed, seed=options.seed, log_level="warning")
    home.prepare()
    stack = ChaosStack(home, plan, tell, options.mutant)
    run = ChaosRun(options, home, stack, disk, tell)
    _stop_on_signals(asyncio.current_task())
    try:
        await stack.begin()
        evidence = await run.perform()
    finally:
        await stack.end()
    return _judge(options, run, evidence, home)


def _stop_on_signals(task: asyncio.Task[Any] | None) -> None:
    """End in order when asked to: processes are stopped, the disk is given back."""
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _judge(options: ChaosOptions, run: ChaosRun, evidence: RunEvidence, home: Home) -> tuple[Mapping[str, Any], bool]:
    tell(f"judging {len(evidence.topics.records)} records")
    verdict = Verdict(all_checks(evidence))
    hits = run.failures.counts()
    unrest = (
        [] if run.at_rest else ["the pipeline did not come to rest: what is missing may only not have been done yet"]
    )
    complaints = [*unrest, *run.unsettled, *verdict.violations]
    if options.seconds >= WHOLE_RUN_S:
        complaints += verdict.gaps()
        complaints += [f"failpoint {name} was never hit" for name in run.failures.missing()]
        complaints += [f"fault {kind} never happened" for kind in run.nemesis.missing()]
    for check in verdict.checks:
        excuse = "" if check.examined else f" ({EXCUSED.get(check.name, 'no excuse in a whole run')})"
        tell(f"{check.verdict:>13} {check.examined:>8} {check.name}{excuse}")
    for complaint in complaints[:MOST_SHOWN]:
        tell(f"VIOLATION {complaint}")
    faults = dict(run.nemesis.faults) | {
        "failpoints": sum(hits.values()), "poison": run.fed["poison"] + run.fed["conflict"],
        "duplicates": run.fed["repeat"] + run.fed["restated"],
    }  # fmt: skip
    ledger = sum(leg.amount_minor for leg in evidence.topics.legs)
    line = {
        "seconds": options.seconds, "seed": options.seed, "mutant": options.mutant or None,
        "orders": len(accepted_orders(evidence.topics)), "events": _events(evidence), "faults": faults,
        "failpoints_hit": f"{len(hits)} of {len(FAILPOINT_PLANS)}", **verdict.summary(),
        "fenced_writes": run.observer.total("stage_fenced"), "claims": run.observer.total("claims"),
        "samples": len(evidence.samples), "ledger_sum": ledger, "at_rest": run.at_rest,
        "violations": complaints[:MOST_SHOWN], "violations_in_all": len(complaints),
    }  # fmt: skip
    sound = not complaints and ledger == 0
    if not sound:
        keep_evidence(home.path, evidence, complaints)
    return line, sound


def _events(evidence: RunEvidence) -> int:
    """Distinct events on all topics."""
    return len({r.id for r in evidence.topics.records if r.id and not r.topic.endswith(("-dlq", "-inbound"))})


if __name__ == "__main__":
    sys.exit(main())
