"""Every module says what it is, and evaluates no annotation at import."""

from __future__ import annotations

import ast

import pytest
from architecture.source_tree import Module, modules

ANNOTATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.AnnAssign)
FILLED = [
    module
    for module in modules("libs", "services", "sandbox", "cli", "bench", "tests")
    if module.path.read_text("utf-8").strip()
]


@pytest.mark.parametrize(
    "module", [module for module in FILLED if not module.name.startswith("tests/")], ids=lambda module: module.name
)
def test_module_has_a_docstring(module: Module) -> None:
    assert ast.get_docstring(module.tree)


@pytest.mark.parametrize("module", FILLED, ids=lambda module: module.name)
def test_annotations_are_postponed(module: Module) -> None:
    if any(isinstance(node, ANNOTATED) for node in ast.walk(module.tree)):
        assert "from __future__ import annotations\n" in module.path.read_text("utf-8")
