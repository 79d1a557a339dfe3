"""The supervisor over a real broker, a real database and a small real process: start, restart, stop, recover."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from linkstar_sandbox import supervisor
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.home import Home, read_json
from linkstar_sandbox.plan import Plan
from linkstar_sandbox.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.embedded("the supervisor over servers it started itself is tested")]

PROBE = """
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        samples = '# TYPE x gauge\\nlinkstar_shards_owned{group="probe"} 7\\n'
        text = samples if self.path == "/metrics" else os.environ["LINKSTAR_DATABASE__URL"]
        self.wfile.write(text.encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["LINKSTAR_HTTP__PORT"])), Answer).serve_forever()
"""
PLAN = Plan(services=("probe",), simulate=False)


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline, "did not come true"
        time.sleep(0.1)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """An empty home, and a service `probe` that Python can find."""
    folder = Path(tempfile.mkdtemp(prefix="linkstar-stack-"))
    folder.chmod(0o755)
    package = folder / "code" / "linkstar_probe"
    (package / "migrations").mkdir(parents=True)
    for empty in (package / "__init__.py", package / "migrations" / "__init__.py"):
        empty.touch()
    (package / "__main__.py").write_text(PROBE)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delenv("LINKSTAR_KAFKA__BOOTSTRAP", raising=False)
    yield (home := Home(folder / "home"))
    supervisor.reset(home)
    for name in [name for name in sys.modules if name.startswith("linkstar_probe")]:
        del sys.modules[name]
    shutil.rmtree(folder, ignore_errors=True)


def test_up_kill_restart_down(home: Home) -> None:
    phases: list[str] = []
    endpoints = supervisor.up(home, PLAN, phases.append)
    assert phases[-1] == "running"
    (url,) = endpoints["services"]["probe"]
    assert "probe@" in httpx.get(url).text
    with pytest.raises(SandboxError, match="already"):
        supervisor.up(home, PLAN)

    def process() -> dict[str, int]:
        found: dict[str, int] = read_json(home.state)["processes"][0]
        return found

    first = process()["pid"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: process()["restarts"] == 1 and process()["pid"] not in (None, first))
    eventually(lambda: answers(url))
    log = home.supervisor_log.read_text()
    assert "ended: signal SIGKILL" in log
    assert "started again as pid" in log
    pids = [process()["pid"], *(server["pid"] for server in read_json(home.state)["servers"])]
    assert supervisor.down(home) is True
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert supervisor.down(home) is False


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def test_killed_supervisor_leaves_nothing_that_matters(home: Home) -> None:
    supervisor.up(home, PLAN)
    state = read_json(home.state)
    orphans = [entry["pid"] for entry in state["processes"] + state["servers"]]
    psutil.Process(state["supervisor"]).kill()
    eventually(lambda: supervisor.running(home) is None)
    assert all(psutil.pid_exists(pid) for pid in orphans)
    supervisor.up(home, PLAN)
    assert not any(psutil.pid_exists(pid) for pid in orphans)
    assert supervisor.down(home) is True


def test_killed_servers_come_back_on_the_same_address(home: Home) -> None:
    with Stack(home, PLAN) as stack:
        servers = stack.infrastructure
        assert servers.kafka
        assert servers.postgres
        address, pids = servers.bootstrap, (servers.kafka.pid, servers.postgres.pid)
        for pid in pids:
            assert pid
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: None not in (servers.kafka.pid, servers.postgres.pid) and servers.kafka.pid not in pids)
        eventually(lambda: servers.postgres.pid not in pids)
        assert servers.bootstrap == address


def test_service_that_cannot_start_is_named_with_its_last_words(home: Home, kafka_bootstrap: str) -> None:
    code = home.path.parent / "code" / "linkstar_probe" / "__main__.py"
    code.write_text(PROBE.replace("class Answer", 'raise SystemExit("no tariff")\nclass Answer'))
    with pytest.raises(SandboxError, match="no tariff") as failure:
        supervisor.up(home, replace(PLAN, kafka_bootstrap=kafka_bootstrap))
    assert failure.value.code == "service-start-failed"
    assert supervisor.running(home) is None


def test_command_line_speaks_of_the_same_stack(home: Home, kafka_bootstrap: str) -> None:
    environment = {**os.environ, "LINKSTAR_HOME": str(home.path), "COLUMNS": "200"}

    def linkstar(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = str(Path(sys.executable).with_name("linkstar"))
        return subprocess.run([command, *arguments], env=environment, capture_output=True, text=True, check=False)

    assert linkstar("status").returncode == 3
    endpoints = supervisor.up(home, replace(PLAN, kafka_bootstrap=kafka_bootstrap, carrier_apis=True))
    shown = linkstar("status")
    assert shown.returncode == 0, shown.stderr
    assert "probe-1" in shown.stdout
    assert shown.stdout.split("probe-1")[1].split()[1] == "ready"
    assert endpoints["carrier_apis"] in shown.stdout.split("carrier-apis")[1]
    assert httpx.get(f"{endpoints['carrier_apis']}/_sim/ledger").json()["sales"] == []
    assert "ready to accept connections" in linkstar("logs", "postgres").stdout
    unknown = linkstar("logs", "nonsense")
    assert unknown.returncode == 1
    assert "no-log" in unknown.stderr
    assert "Stopped" in linkstar("down").stdout
    assert "Nothing" in linkstar("down").stdout
