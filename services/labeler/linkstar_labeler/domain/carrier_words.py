"""What carriers say, made fit for our events."""

from __future__ import annotations

import re

__all__ = ["as_token", "printable"]

_NO_TOKEN = re.compile("[^A-Za-z0-9._-]+")


def as_token(code: str) -> str:
    """Return a carrier's code as a token of the contract."""
    return _NO_TOKEN.sub("_", code)[:64].strip("_.-") or "refused"


def printable(text: str, most: int = 300) -> str:
    """Return a carrier's text without what cannot be printed."""
    return "".join(char if char.isprintable() else " " for char in text)[:most].strip()
