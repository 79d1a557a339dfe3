"""The carriers' simulators themselves: seeded faults, schedules over HTTP, the process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from integration.labeler.carrier_rigs import Simulator

from linkstar_labeler.carriers.remote import CONNECTORS
from linkstar_runtime.clock import Clock
from linkstar_sandbox.carrier_apis.faults import FaultKind, Faults, FaultSchedule
from linkstar_sandbox.carrier_apis.ledger import Ledger, Sale


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


def sold() -> Ledger:
    ledger = Ledger()
    at = Clock().now()
    for serial in range(1, 3):
        number = f"N{ledger.serial()}"
        facts = {"flaw": FaultKind.WRONG_LABEL, "references": ("A", None)}
        ledger.add(
            Sale("usps", "a", number, [number], 100 * serial, "USD", at, "x", reference=f"R{serial}", facts=facts)
        )
    ledger.sales[0].voided_at = at
    return ledger


def test_ledger_is_the_same_after_a_rest(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    assert Ledger.kept(path).sales == []
    before = sold()
    before.keep(path)
    after = Ledger.kept(path)
    assert after.snapshot() == before.snapshot()
    assert after.by_reference("usps", "a", "R2")[0].facts["flaw"] == FaultKind.WRONG_LABEL
    assert after.serial() == before.serial() == 3


def test_process_prints_its_addresses_keeps_its_ledger_and_ends_in_order(tmp_path: Path) -> None:
    kept = tmp_path / "ledger.json"
    sold().keep(kept)
    command = [sys.executable, "-m", "linkstar_sandbox.carrier_apis", "--port", "0", "--ledger", str(kept)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        printed = json.loads(process.stdout.readline())
        assert set(printed["carriers"]) == set(CONNECTORS)
        magic = httpx.get(f"{printed['carrier_apis']}/_sim/magic").json()
        assert magic["streets"]["1 UNDELIVERABLE WAY"] == "undeliverable"
        known = httpx.get(f"{printed['carrier_apis']}/_sim/ledger").json()["sales"]
        assert [sale["carrier_id"] for sale in known] == ["N1", "N2"]
        kept.unlink()
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert output == ""
    assert len(Ledger.kept(kept).sales) == 2
