"""Ends of calls that every carrier has: what surely did not happen, what nobody knows, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["NotFound", "NotSent", "OutcomeUnknown", "Refused"]


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier will not do it; nothing was done. With `retry_at` it may later."""

    code: str
    detail: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely nothing happened at the carrier: no connection, or an answer that says so (429). May be tried again."""

    code: str
    detail: str
    after_s: float = 0.0
    """Real seconds to wait at least."""


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """Nobody knows whether it happened. Never tried again blindly."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The carrier knows nothing under this reference."""
