"""Every process of the pipeline is killed while the demo runs, and the independent reader still finds a clean account."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linkstar_sandbox.daemon import Identity
from linkstar_sandbox.home import Home, read_json

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
SEED = 11
VICTIMS = ("ingest-1", "router-1", "labeler-1", "tracker-1", "returns-1", "carriers")


def _kill(home: Home, name: str, demo: subprocess.Popen[str]) -> int:
    """Kill a process of the stack as soon as it runs and return its pid; the demo must not have ended before."""
    while demo.poll() is None:
        for each in (read_json(home.state) or {}).get("processes", []):
            if each["name"] == name and each["pid"] and Identity(each["pid"], each["created"]).find():
                os.kill(each["pid"], signal.SIGKILL)
                return int(each["pid"])
        time.sleep(0.05)
    pytest.fail("the demo ended before every process was killed")


def test_killing_every_process_in_mid_flow_loses_and_doubles_nothing(
    sandbox_home: Path, tmp_path: Path, stack_servers: None
) -> None:
    home, output, chance = Home(sandbox_home / "killed"), tmp_path / "output", random.Random(SEED)
    environment = {
        **os.environ, "DEMO_HOME": str(home.path), "DEMO_OUTPUT": str(output), "DEMO_DAYS": "7",
        "DEMO_SPEED": "26000", "DEMO_SEED": str(SEED),
    }  # fmt: skip
    command = [sys.executable, "-m", "linkstar_sandbox.demo"]
    with (tmp_path / "demo.log").open("w") as log:
        demo = subprocess.Popen(command, env=environment, stdout=log, stderr=log, text=True)
    killed: list[int] = []
    try:
        while not (output / "orders" / "expectations.json").exists() and demo.poll() is None:
            time.sleep(0.05)
        for name in chance.sample(VICTIMS, len(VICTIMS)):
            time.sleep(chance.uniform(1.0, 4.0))
            killed.append(_kill(home, name, demo))
        code = demo.wait(200)
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)
    told = (tmp_path / "demo.log").read_text("utf-8")
    assert (output / "account.json").exists(), told[-3000:]
    account = json.loads((output / "account.json").read_text("utf-8"))
    assert account["faults"] == [], told[-3000:]
    assert code == 0, told[-3000:]
    counts = json.loads(told.splitlines()[-1])
    assert len(set(killed)) == len(VICTIMS)
    assert (counts["lost"], counts["duplicated"]) == (0, 0)
    assert counts["orders"] == counts["accepted"] + counts["rejected"] + counts["dead_lettered"] >= 520
    assert counts["accepted"] == sum(counts[final] for final in ("delivered", "returned", "cancelled", "open"))
    assert counts["delivered"] > 100
