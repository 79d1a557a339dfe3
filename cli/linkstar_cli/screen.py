"""How the command line speaks: tables and colours on a terminal, plain text elsewhere, coded errors always."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.markup import escape

from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.listing import wide_console

out = wide_console()
err = wide_console(stderr=True)


class CommandError(Exception):
    """A fault to show: stable code, what happened, how to mend it."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.remedy = code, message, remedy


@contextmanager
def coded_errors() -> Iterator[None]:
    """Shows a coded error instead of a stack trace, and ends with status 1."""
    try:
        yield
    except (SandboxError, CommandError) as error:
        err.print(f"[bold red]{error.code}[/]: {escape(error.message)}", highlight=False)
        err.print(f"  → {escape(error.remedy)}", highlight=False)
        raise typer.Exit(1) from error


def print_json(value: object) -> None:
    """One JSON document on standard output, for programs."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


@contextmanager
def phases(title: str) -> Iterator[Callable[[str], None]]:
    """A spinner that names the current phase; on a pipe one line per phase."""
    if not out.is_terminal:
        yield lambda phase: out.print(f"{title}: {phase}", highlight=False, markup=False)
        return
    with out.status(title) as status:
        yield lambda phase: status.update(f"{title}: {phase}")
