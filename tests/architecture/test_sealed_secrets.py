"""Whatever a service seals under a tenant's master key, `linkstar vault rewrap` knows where it lies and under which name."""

from __future__ import annotations

import ast
import re

from architecture.source_tree import Module, modules

from linkstar_cli.vault import SECRETS

_SQL_PART = re.compile(r"'([^']*)'|[a-z_]+")


def sealed_as(tree: ast.Module, module: Module, every: dict[str, Module]) -> list[tuple[str, str]]:
    """Service and form of each name this module seals under; the name is always made by a function."""
    service, found = module.name.split("/")[1], []
    for called, call in module.calls:
        if called.endswith((".seal_secret", ".make_key")):
            name = call.args[1]
            assert isinstance(name, ast.Call), f"{module.name}: seal under a name that a function makes"
            found.append((service, form(function(ast.unparse(name.func), tree, every))))
    return found


def function(name: str, tree: ast.Module, every: dict[str, Module]) -> ast.FunctionDef:
    """The function of this name, which the module defines or imports."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.ImportFrom) and node.module and name in [each.name for each in node.names]:
            return function(name, every[node.module].tree, every)
    raise AssertionError(f"no function {name}")


def form(made_by: ast.FunctionDef) -> str:
    """The f-string a function returns, with {} for what differs."""
    returned = made_by.body[-1]
    assert isinstance(returned, ast.Return)
    assert isinstance(returned.value, ast.JoinedStr)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in returned.value.values)


def form_of_sql(name: str) -> str:
    """The same of an SQL concatenation."""
    parts = [_SQL_PART.fullmatch(part.strip()) for part in re.split(r" \|\| ", name)]
    assert all(parts), name
    return "".join("{}" if part[1] is None else part[1] for part in parts if part)


def test_every_sealed_secret_can_be_wrapped_anew() -> None:
    services = modules("services")
    every = {".".join(each.name.removesuffix(".py").split("/")[2:]): each for each in services}
    sealed = {found for each in services for found in sealed_as(each.tree, each, every)}
    assert len(sealed) >= 4
    assert sealed == {(each.table.split(".")[0], form_of_sql(each.name)) for each in SECRETS}
