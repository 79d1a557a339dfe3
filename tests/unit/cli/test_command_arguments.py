"""What people type: counts of replicas, names of letters, samples of metrics."""

from __future__ import annotations

import pytest

from linkstar_cli.dead_letters import Letter
from linkstar_cli.lifecycle import parse_replicas
from linkstar_cli.screen import CommandError
from linkstar_cli.standing import sum_samples
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.plan import Plan, url_for


def test_replicas_may_be_repeated_or_listed() -> None:
    assert parse_replicas(["router=3,tracker=2", "labeler=4"]) == {"router": 3, "tracker": 2, "labeler": 4}


@pytest.mark.parametrize("text", ["router", "router=", "router=many", "router=-1"])
def test_senseless_replicas_are_refused(text: str) -> None:
    with pytest.raises(CommandError, match="bad-replicas"):
        parse_replicas([text])


@pytest.mark.parametrize("replicas", [{"router": 0}, {"billing": 1}])
def test_impossible_plan_is_refused(replicas: dict[str, int]) -> None:
    with pytest.raises(SandboxError, match="unknown-service"):
        Plan(replicas=replicas)


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
