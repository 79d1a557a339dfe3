"""FastStream's defaults lose or stall messages: every subscriber sets the safe ones, nobody uses its publishers."""

from __future__ import annotations

import ast

import pytest
from architecture.source_tree import by_member, modules

from linkstar_runtime.settings import KafkaSettings

SHELL = "libs/runtime/linkstar_runtime/kafka.py"
REQUIRED = {
    "ack_policy": "AckPolicy.MANUAL",
    "auto_offset_reset": "'earliest'",
    "batch": "True",
    "group_id": "group",
    "max_records": "settings.max_records",
    "parser": "_raw_batch",
    "decoder": "_as_polled",
    "listener": "listener",
    "partition_assignment_strategy": "(RangePartitionAssignor,)",
}


def subscribers() -> list[tuple[str, ast.Call]]:
    """Every call of a method `subscriber`, whatever its object is called: also FastStream's decorator and routers."""
    return [
        (module.name, call)
        for module in modules("libs", "services", "sandbox", "cli")
        for name, call in module.calls
        if name.rpartition(".")[2] == "subscriber"
    ]


def test_the_only_subscriber_is_the_shell_s_and_it_is_safe() -> None:
    ((place, call),) = subscribers()
    assert place == SHELL
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg}
    assert {name: given.get(name) for name in REQUIRED} == REQUIRED


def test_max_records_is_bounded() -> None:
    assert 100 <= KafkaSettings().max_records <= 2_000


@pytest.mark.parametrize("member", by_member("libs", "services"))
def test_nobody_publishes_through_the_shell(member: str) -> None:
    """`publish_batch` sends a keyed batch to one random partition."""
    assert not [
        f"{module.name}:{call.lineno}"
        for module in by_member("libs", "services")[member] for name, call in module.calls
        if name.rpartition(".")[2] == "publish_batch"
    ]  # fmt: skip
