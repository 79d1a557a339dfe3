"""The project's Python files as syntax trees, for the rules of this folder."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ("ingest", "router", "labeler", "tracker", "returns")


@cache
def tracked_files() -> tuple[Path, ...]:
    """Files under version control or about to be, without what is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return tuple(path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file())


@dataclass(frozen=True)
class Module:
    """One module of a member."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @cached_property
    def calls(self) -> tuple[tuple[str, ast.Call], ...]:
        """Every call with the dotted name of what is called."""
        return tuple((ast.unparse(node.func), node) for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def strings(self) -> Iterator[ast.Constant]:
        """Every string that is not a docstring."""
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        docstrings = {id(node.body[0].value) for node in ast.walk(self.tree)
                      if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)}  # fmt: skip
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield node


@cache
def _every_module() -> tuple[Module, ...]:
    return tuple(Module(path) for path in tracked_files() if path.suffix == ".py")


def modules(*folders: str) -> list[Module]:
    """The modules below these folders of the checkout."""
    return [module for module in _every_module() if module.path.relative_to(ROOT).parts[0] in folders]


def by_member(*folders: str) -> dict[str, list[Module]]:
    """The modules below these folders by the folder two steps down: a member, or a part of the tests."""
    found: dict[str, list[Module]] = {}
    for module in modules(*folders):
        found.setdefault("/".join(module.path.relative_to(ROOT).parts[:2]), []).append(module)
    return found
