"""The demo as a user runs it, with fewer days: real stack, real files, and a clean account on its last line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

KEYS = [
    "orders", "accepted", "rejected", "dead_lettered", "routed", "labelled", "delivered", "returned", "cancelled",
    "open", "exceptions", "lost", "duplicated", "seconds",
]  # fmt: skip


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo-output")


@pytest.fixture(scope="module")
def demo(output: Path, sandbox_home: Path, stack_servers: None) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ, "DEMO_HOME": str(sandbox_home / "demo"), "DEMO_OUTPUT": str(output), "DEMO_DAYS": "9",
        "DEMO_SPEED": "26000", "DEMO_SEED": "41",
    }  # fmt: skip
    command = [sys.executable, "-m", "linkstar_sandbox.demo"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=380)


def test_the_account_is_clean_and_the_last_line_says_so(demo: subprocess.CompletedProcess[str], output: Path) -> None:
    account = json.loads((output / "account.json").read_text("utf-8"))
    assert account["faults"] == []
    assert demo.returncode == 0, demo.stdout[-3000:] + demo.stderr[-3000:]
    counts = json.loads(demo.stdout.splitlines()[-1])
    assert list(counts) == KEYS
    assert counts["orders"] == counts["accepted"] + counts["rejected"] + counts["dead_lettered"] >= 520
    assert counts["accepted"] == sum(counts[final] for final in ("delivered", "returned", "cancelled", "open"))
    assert (counts["lost"], counts["duplicated"]) == (0, 0)
    assert counts["delivered"] > 300
    assert counts["exceptions"] > 30


def test_every_check_but_those_of_later_weeks_was_exercised(
    demo: subprocess.CompletedProcess[str], output: Path
) -> None:
    checks = json.loads((output / "account.json").read_text("utf-8"))["checks"]
    assert {check["name"] for check in checks if check["verdict"] != "ok"} <= {
        "every parcel that came back has a return that received it"
    }


def test_every_refused_row_is_named(demo: subprocess.CompletedProcess[str], output: Path) -> None:
    expected = json.loads((output / "orders" / "expectations.json").read_text("utf-8"))
    named = (output / "refused.txt").read_text("utf-8")
    rejected = [order["order_id"] for order in expected if order["outcome"] in ("rejected", "dead_lettered")]
    assert len(rejected) > 60
    assert [order_id for order_id in rejected if order_id not in named] == []


def test_one_order_is_shown_whole(demo: subprocess.CompletedProcess[str], output: Path) -> None:
    history, trace = ((output / name).read_text("utf-8") for name in ("history.txt", "trace.txt"))
    for event in ("order.received", "route.chosen", "label.created", "scan.recorded", "tracking.updated"):
        assert event in history
    for service in ("ingest", "router", "labeler", "tracker", "returns"):
        assert f"{service}: " in trace


def test_every_decision_replays_to_the_byte(demo: subprocess.CompletedProcess[str], output: Path) -> None:
    same, _, total = (output / "replay.txt").read_text("utf-8").split()[:3]
    assert same == total
    assert int(total) > 500


def test_the_saved_label_scans(demo: subprocess.CompletedProcess[str], output: Path) -> None:
    [pdf], [png] = (sorted(output.glob(f"label-*.{form}")) for form in ("pdf", "png"))
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert zxingcpp.read_barcodes(Image.open(png))


def test_nothing_is_left_running(demo: subprocess.CompletedProcess[str], sandbox_home: Path) -> None:
    state = json.loads((sandbox_home / "demo" / "state.json").read_text("utf-8"))
    assert state["phase"] == "stopped"
    assert "Stack: stopped" in demo.stdout
