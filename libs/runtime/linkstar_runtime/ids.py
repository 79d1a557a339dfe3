"""The only source of chance, so that tests can seed it."""

from __future__ import annotations

import random
import secrets
import string

__all__ = ["Ids", "SeededIds", "seeded"]

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Ids:
    """Random identifiers from the system's secure source."""

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        return secrets.token_bytes(count)

    def hex(self, count: int) -> str:
        """Return `count` random bytes as lower-case hexadecimal."""
        return self.bytes(count).hex()

    def fraction(self) -> float:
        """Return a number from 0 (included) to 1 (excluded), for jitter."""
        return int.from_bytes(self.bytes(4)) / 2**32

    def base62(self, length: int) -> str:
        """Return `length` random letters and digits, each equally likely."""
        drawn = ""
        while len(drawn) < length:
            drawn += "".join(_BASE62[byte % 62] for byte in self.bytes(length) if byte < 248)
        return drawn[:length]


def seeded(seed: str) -> random.Random:
    """Return a generator that draws the same numbers for the same seed; not for keys."""
    return random.Random(seed)  # noqa: S311 - repeatable on purpose


class SeededIds(Ids):
    """The same identifiers for the same seed: for tests, never for keys."""

    def __init__(self, seed: int) -> None:
        self._random = seeded(str(seed))

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)
