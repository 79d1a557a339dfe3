"""How long a carrier's bill may be disputed, and how long its answer may take: rows with their evidence."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

__all__ = ["DisputeWindow", "window_of"]


@dataclass(frozen=True, slots=True)
class DisputeWindow:
    """A carrier's terms; `synthetic` ones are not from a document that was read."""

    carrier: str
    valid_from: date
    valid_to: date | None
    file_within_days: int
    answer_within_days: int
    source: str
    as_of: date
    synthetic: bool

    def closes_on(self, invoice_date: date) -> date:
        """Return the last day on which a line of an invoice of that date may be disputed."""
        return invoice_date + timedelta(days=self.file_within_days)

    def answer_due_on(self, opened_on: date) -> date:
        """Return the day after which a dispute without an answer is over."""
        return opened_on + timedelta(days=self.answer_within_days)


def window_of(carrier: str, invoice_date: date) -> DisputeWindow:
    """Return the terms for an invoice of that date: the carrier's own, or those for every other."""
    fitting = [window for window in _windows() if _holds(window, carrier, invoice_date)]
    return max(fitting, key=lambda window: (window.carrier != "*", window.valid_from), default=_windows()[-1])


def _holds(window: DisputeWindow, carrier: str, day: date) -> bool:
    open_ended = window.valid_to is None or day <= window.valid_to
    return window.carrier in (carrier, "*") and window.valid_from <= day and open_ended


@cache
def _windows() -> tuple[DisputeWindow, ...]:
    text = files("linkstar_labeler").joinpath("facts/dispute_windows.csv").read_text("utf-8")
    return tuple(
        DisputeWindow(
            row["carrier"], date.fromisoformat(row["valid_from"]),
            date.fromisoformat(row["valid_to"]) if row["valid_to"] else None, int(row["file_within_days"]),
            int(row["answer_within_days"]), row["source"], date.fromisoformat(row["as_of"]), row["synthetic"] == "true",
        )
        for row in csv.DictReader(text.splitlines())
    )  # fmt: skip
