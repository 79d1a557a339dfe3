"""The carriers' simulators themselves: seeded faults, schedules over HTTP, the process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import httpx
from integration.labeler.carrier_rigs import Simulator

from linkstar_labeler.carriers.remote import CONNECTORS
from linkstar_sandbox.carrier_apis.faults import FaultKind, Faults, FaultSchedule


def test_seeded_faults_are_the_same_again() -> None:
    def drawn(seed: int) -> list[str]:
        faults = Faults()
        faults.follow(FaultSchedule(seed=seed, rate=0.3, kinds=list(FaultKind)))
        return [str(fault.kind) if (fault := faults.next("usps", "buy", "a")) else "" for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 30 < sum(bool(kind) for kind in drawn(1)) < 90


def test_schedule_over_http_and_what_was_suffered(simulator: Simulator) -> None:
    with httpx.Client(base_url=simulator.address) as http:
        plan = {
            "seed": 3,
            "rate": 1.0,
            "kinds": ["unavailable"],
            "carrier": "usps",
            "operations": ["token"],
            "seconds": 7,
        }
        http.post("/_sim/schedule", json=plan).raise_for_status()
        refused = http.post("/usps/oauth2/v3/token", json={"grant_type": "client_credentials"})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "7")
        assert http.get("/_sim/faults").json()["unavailable"] >= 1
        http.delete("/_sim/faults").raise_for_status()
        answered = http.post("/usps/oauth2/v3/token", json={"grant_type": "client_credentials"})
        assert answered.status_code == 400


def test_process_prints_its_addresses_and_ends_in_order() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "linkstar_sandbox.carrier_apis", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        printed = json.loads(process.stdout.readline())
        assert set(printed["carriers"]) == set(CONNECTORS)
        magic = httpx.get(f"{printed['carrier_apis']}/_sim/magic").json()
        assert magic["streets"]["1 UNDELIVERABLE WAY"] == "undeliverable"
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert output == ""
