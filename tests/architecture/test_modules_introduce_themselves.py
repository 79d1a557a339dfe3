"""Every module says what it is, and evaluates no annotation at import."""

from __future__ import annotations

import ast

import pytest
from architecture.source_tree import by_member

ANNOTATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.AnnAssign)
PRODUCT = ("libs", "services", "sandbox", "cli", "bench")
FUTURE = "from __future__ import annotations\n"


@pytest.mark.parametrize("member", by_member(*PRODUCT))
def test_modules_have_a_docstring(member: str) -> None:
    filled = [module for module in by_member(*PRODUCT)[member] if module.text.strip()]
    assert not [module.name for module in filled if not ast.get_docstring(module.tree)]


@pytest.mark.parametrize("member", by_member(*PRODUCT, "tests"))
def test_annotations_are_postponed(member: str) -> None:
    lacking = [module for module in by_member(*PRODUCT, "tests")[member] if FUTURE not in module.text]
    assert not [module.name for module in lacking if any(isinstance(node, ANNOTATED) for node in ast.walk(module.tree))]
