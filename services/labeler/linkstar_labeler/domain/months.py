"""Months of the books: from midnight of the first to midnight of the next first, UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

__all__ = ["Month"]

_WRITTEN = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Month:
    """One month; `str` gives it back as `2026-10`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Return the month written `2026-10`; raises ValueError for anything else."""
        written = _WRITTEN.fullmatch(text)
        if written is None:
            raise ValueError("is no month; write it as 2026-10")
        return cls(int(written[1]), int(written[2]))

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def starts_at(self) -> datetime:
        """Its first instant."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first instant of the next month."""
        later = self.number % 12 + 1
        return datetime(self.year + (later == 1), later, 1, tzinfo=UTC)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02d}"
