"""A fault of a tariff pack as its author sees it: where it stands, what is wrong, how to mend it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from linkstar_router.domain.published import TariffError

__all__ = ["Finding", "Severity", "from_error"]

Severity = Literal["error", "warning"]


class Finding(NamedTuple):
    """One fault. `row` 1 is the header or the first line; 0 means the whole file. An error makes the pack unusable."""

    severity: Severity
    code: str
    file: str
    row: int
    what: str
    fix: str


def from_error(error: TariffError) -> Finding:
    """Return the fault that stopped a pack from being read."""
    return Finding("error", error.code, error.file, error.row, error.what, error.fix)
