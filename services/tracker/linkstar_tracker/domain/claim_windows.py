"""When a loss or a damage may be claimed from a carrier: rows with their source, and how good it is."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

__all__ = ["ClaimKind", "ClaimWindow", "Moments", "known_windows", "longest_window", "windows_of"]

ClaimKind = Literal["loss", "damage", "missing"]
"""Not delivered, damaged, and delivered but not received."""
_KINDS: tuple[ClaimKind, ...] = ("loss", "damage", "missing")


class Moments(NamedTuple):
    """What windows are counted from; a delivery that has not been stands where it was promised, else at the mailing."""

    mailed_at: datetime
    promised_at: datetime | None = None
    delivered_at: datetime | None = None

    def anchor(self, name: str) -> datetime:
        """Return the moment of `mailing`, `promised` or `delivery`, as far as it is known."""
        if name == "mailing":
            return self.mailed_at
        promised = self.promised_at or self.mailed_at
        return (self.delivered_at or promised) if name == "delivery" else promised


class ClaimWindow(NamedTuple):
    """A carrier's terms for one kind of claim. `standing` is `found` in a document, `recalled`, or `assumed`."""

    carrier: str
    kind: ClaimKind
    opens_after: timedelta
    closes_after: timedelta
    anchor: str
    cover_minor: int | None
    currency: str
    standing: str
    as_of: str
    source: str

    def opens_at(self, moments: Moments) -> datetime:
        """Return when the claim can be filed first."""
        return moments.anchor(self.anchor) + self.opens_after

    def closes_at(self, moments: Moments) -> datetime:
        """Return when it can no longer be filed."""
        return moments.anchor(self.anchor) + self.closes_after


def windows_of(carrier: str) -> tuple[ClaimWindow, ...]:
    """Return the terms for each kind of claim: the carrier's own, or those assumed of every other."""
    rows = _windows()
    return tuple([rows.get((carrier, kind)) or rows["*", kind] for kind in _KINDS])


def longest_window(carrier: str) -> timedelta:
    """Return after how long nothing can be claimed from the carrier any more, whatever it is counted from."""
    return max(window.closes_after for window in windows_of(carrier))


def known_windows() -> tuple[ClaimWindow, ...]:
    """Return the terms whose end somebody published or remembers: those that are assumed make no deadline."""
    return tuple([window for window in _windows().values() if window.standing != "assumed"])


@cache
def _windows() -> dict[tuple[str, str], ClaimWindow]:
    text = files("linkstar_tracker.domain").joinpath("claim_windows.csv").read_text("utf-8")
    return {(row["carrier"], row["kind"]): _window(row) for row in csv.DictReader(text.splitlines())}


def _window(row: dict[str, str]) -> ClaimWindow:
    kinds: dict[str, ClaimKind] = {kind: kind for kind in _KINDS}
    cover = int(row["cover_minor"]) if row["cover_minor"] else None
    return ClaimWindow(
        row["carrier"], kinds[row["kind"]], timedelta(days=int(row["opens_after_days"])),
        timedelta(days=int(row["closes_after_days"])), row["anchor"], cover, row["currency"], row["standing"],
        row["as_of"], row["source"],
    )  # fmt: skip
