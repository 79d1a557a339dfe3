"""FastStream's defaults lose or stall messages: every subscriber sets the safe ones, nobody uses its publishers."""

from __future__ import annotations

import ast

import pytest
from architecture.source_tree import Module, modules

REQUIRED = {
    "ack_policy": "AckPolicy.MANUAL",
    "auto_offset_reset": "'earliest'",
    "batch": "True",
}
PRESENT = {"group_id", "max_records", "decoder", "listener", "partition_assignment_strategy"}


def subscribers() -> list[tuple[str, ast.Call]]:
    return [
        (f"{module.name}:{call.lineno}", call)
        for module in modules("libs", "services")
        for name, call in module.calls()
        if name.endswith("broker.subscriber")
    ]


@pytest.mark.parametrize(("place", "call"), subscribers())
def test_subscriber_is_safe(place: str, call: ast.Call) -> None:
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg}
    assert {name: given.get(name) for name in REQUIRED} == REQUIRED, place
    assert not PRESENT - given.keys(), place


@pytest.mark.parametrize("module", modules("libs", "services"), ids=lambda module: module.name)
def test_nobody_publishes_through_the_shell(module: Module) -> None:
    """`publish_batch` sends a keyed batch to one random partition."""
    called = {name.rpartition(".")[2]: call.lineno for name, call in module.calls()}
    assert "publish_batch" not in called
