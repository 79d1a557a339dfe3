"""Checks a JSON body before anything reads it: what JSON parsers disagree on is refused with a code.

Invalid UTF-8, NUL, nesting deeper than 100, duplicate keys, `NaN` and `Infinity` never reach a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from linkstar_runtime.problems import Problem

__all__ = ["MAX_NESTING", "check_json"]

MAX_NESTING = 100
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def check_json(body: bytes) -> None:
    """Raise the coded Problem of the first thing wrong with `body`; an empty body passes."""
    if not body:
        return
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(
            "json_not_utf8", f"The body is not UTF-8 at byte {error.start}", "Encode the body as UTF-8."
        ) from error
    if b"\x00" in body or _ESCAPED_NUL.search(body):
        raise _bad("json_nul", "The body holds a NUL character", "Remove \\u0000.", status=422)
    if _depth(body) > MAX_NESTING:
        raise _bad("json_too_deep", f"The body is nested deeper than {MAX_NESTING}", "Send the documented structure.")
    try:
        json.loads(text, object_pairs_hook=_unique, parse_constant=_constant)
    except json.JSONDecodeError as error:
        place = f"The body is not JSON at line {error.lineno}, column {error.colno}"
        raise _bad("json_invalid", place, "Send one well-formed JSON document.") from error
    except (ValueError, RecursionError) as error:
        raise _bad(
            "json_number_too_long", "The body holds a number of too many digits", "Send fewer digits."
        ) from error


def _depth(body: bytes) -> int:
    """Return how deep lists and objects are nested, never by recursion."""
    depth = deepest = 0
    for token in _STRUCTURE.finditer(body):
        if token[0] in (b"{", b"["):
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in (b"}", b"]"):
            depth -= 1
    return deepest


def _unique(pairs: Sequence[tuple[str, Any]]) -> None:
    seen = set()
    for name, _ in pairs:
        if name in seen:
            shown = name if name.isidentifier() and len(name) <= 64 else None
            raise _bad(
                "json_duplicate_key", "The body holds a key twice", "Send each key once.", field=shown, status=422
            )
        seen.add(name)


def _constant(name: str) -> NoReturn:
    raise _bad("json_not_finite", f"The body holds {name}, which is not JSON", "Send a finite number.", status=422)


def _bad(code: str, title: str, fix: str, *, status: int = 400, field: str | None = None) -> Problem:
    return Problem(status, code, title, field=field, fix=fix)
