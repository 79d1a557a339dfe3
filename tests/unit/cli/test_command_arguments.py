"""What people type: counts of replicas, names of letters, samples of metrics."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from linkstar_cli.dead_letters import Letter
from linkstar_cli.lifecycle import parse_replicas
from linkstar_cli.screen import CommandError
from linkstar_cli.standing import sum_samples
from linkstar_sandbox.environment import service_environment
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.home import Home
from linkstar_sandbox.plan import Plan, url_for
from linkstar_sandbox.ports import silence
from linkstar_sandbox.provision import await_database, provision_topics


def test_replicas_may_be_repeated_or_listed() -> None:
    assert parse_replicas(["router=3,tracker=2", "labeler=4"]) == {"router": 3, "tracker": 2, "labeler": 4}


@pytest.mark.parametrize("text", ["router", "router=", "router=many", "router=-1"])
def test_senseless_replicas_are_refused(text: str) -> None:
    with pytest.raises(CommandError, match="replicas-invalid"):
        parse_replicas([text])


@pytest.mark.parametrize(
    ("replicas", "code", "named"),
    [({"router": 0}, "replicas-invalid", "router"), ({"billing": 1}, "unknown-service", "billing")],
)
def test_impossible_plan_is_refused(replicas: dict[str, int], code: str, named: str) -> None:
    with pytest.raises(SandboxError, match=named) as refused:
        Plan(replicas=replicas)
    assert refused.value.code == code


def test_services_learn_where_test_orders_are_bought(tmp_path: Path) -> None:
    known = {"kafka": "localhost:1", "database": "postgresql://postgres@/linkstar", "clock": {}}
    for endpoints, url in (({**known, "carrier_apis": "http://127.0.0.1:8090"}, "http://127.0.0.1:8090"), (known, "")):
        told = service_environment(Home(tmp_path), Plan(), endpoints, "labeler")
        assert told["LINKSTAR_PURCHASES__SIMULATOR_URL"] == url


def test_letter_reads_back() -> None:
    assert str(Letter.parse("ingest/orders-inbound/3/17")) == "ingest/orders-inbound/3/17"


@pytest.mark.parametrize(
    "text", ["", "ingest", "ingest/orders-inbound/3", "billing/orders-inbound/3/17", "ingest/a/b/c"]
)
def test_wrong_letter_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="bad-letter"):
        Letter.parse(text)


def test_samples_are_added_over_their_labels() -> None:
    text = '# HELP a b\na{x="1 2"} 2\na{x="3"} 3.5\nb 1e3\n'
    assert sum_samples(text.splitlines()) == {"a": 5.5, "b": 1000.0}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://postgres@/linkstar?host=/tmp/s", "postgresql://router@/linkstar?host=/tmp/s"),
        (
            "postgresql://u:p%40@db:5432/linkstar?sslmode=require",
            "postgresql://router:a%2Fb@db:5432/linkstar?sslmode=require",
        ),
    ],
)
def test_same_database_for_another_user(url: str, expected: str) -> None:
    assert url_for(url, "router", "a/b" if "db:" in url else None) == expected


def test_cause_of_silence_is_told() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        assert silence(f"127.0.0.1:{listener.getsockname()[1]}") == "connection refused"
        listener.listen()
        assert "does not speak" in silence(f"127.0.0.1:{listener.getsockname()[1]}")
    assert silence("broker") == "not HOST:PORT"


async def test_unreachable_servers_are_named_with_the_cause_and_without_the_password() -> None:
    with pytest.raises(SandboxError) as kafka:
        await provision_topics("127.0.0.1:9")
    assert kafka.value.code == "kafka-unreachable"
    assert "127.0.0.1:9: connection refused" in kafka.value.message
    assert "LINKSTAR_KAFKA__BOOTSTRAP" in kafka.value.remedy
    with pytest.raises(SandboxError, match=r"127\.0\.0\.1:9\b.*failed") as database:
        await await_database("postgresql://u:secret@127.0.0.1:9/linkstar")
    assert database.value.code == "postgres-unreachable"
    assert "secret" not in str(database.value)
