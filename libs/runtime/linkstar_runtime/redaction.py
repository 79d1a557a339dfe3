"""What may be written to a log: values of known plain types. Everything else is named, not shown.

Personal data is kept out by type: a Consignee, an event, any model shows as its type; text that is personal is carried in
`Pii`. Error messages can hold values, so only those of types that cannot are shown.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import TracebackType
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
from pydantic import ValidationError

__all__ = ["Pii", "describe_error", "redact"]

T = TypeVar("T")
_PLAIN = (str, int, float, bool, type(None), Decimal, date, time, timedelta, UUID, PurePath)
_TELLING = (OSError, TimeoutError, ImportError, AttributeError, NameError, AssertionError, RecursionError, MemoryError)
_DEEPEST, _LONGEST, _FRAMES = 6, 100, 30


@dataclass(frozen=True, slots=True)
class Pii(Generic[T]):
    """A personal value: prints and logs as `***`."""

    value: T

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


def redact(value: Any, depth: int = 0) -> Any:
    """Return `value` as it may be logged."""
    if isinstance(value, Pii):
        return "***"
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, (str, int)) else value.name
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, BaseException):
        return describe_error(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {redact(key, depth + 1): redact(each, depth + 1) for key, each in list(value.items())[:_LONGEST]}
    if depth < _DEEPEST and isinstance(value, (list, tuple, set, frozenset)):
        return [redact(each, depth + 1) for each in list(value)[:_LONGEST]]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    return f"<{type(value).__name__}>"


def describe_error(error: BaseException) -> str:
    """Return an error's type and what of its message cannot hold data: codes, constraints, places in the input."""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    detail = _detail(error)
    return f"{name}: {detail}" if detail else name


def _detail(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, fault['loc']))} {fault['type']}" for fault in faults[:10])
    if isinstance(error, asyncpg.PostgresError):
        parts = (getattr(error, part, None) for part in ("sqlstate", "schema_name", "table_name", "constraint_name"))
        return " ".join(part for part in parts if part)
    code = getattr(error, "code", None)
    if isinstance(code, str):
        return code
    return str(error)[:500] if isinstance(error, _TELLING) else ""


def describe_traceback(error: BaseException, trace: TracebackType | None) -> list[str]:
    """Return where an error happened, innermost last; source lines and values are left out."""
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [*lines, f"caused by {describe_error(cause)}"] if cause else lines
