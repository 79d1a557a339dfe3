"""JSON documents that commands are given as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from linkstar_cli.screen import CommandError

__all__ = ["read_json"]


def read_json(file: Path, fix: str) -> Any:
    """Return the file's content; what is no JSON in UTF-8 is told with `fix`."""
    try:
        return json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise CommandError("not-json", f"{file} is not JSON: {error}", fix) from error
