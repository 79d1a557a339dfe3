"""By when somebody must have acted on an exception, as rows of data with their source."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

from linkstar_contracts.events import ExceptionCode
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.claim_windows import ClaimKind, known_windows
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.promises import promised_until
from linkstar_tracker.domain.timeline import Timeline
from linkstar_tracker.domain.troubles import Trouble

__all__ = ["Anchors", "Deadlines"]

_DAY_H = 24.0
_CLAIMED_AS: Mapping[ExceptionCode, ClaimKind] = {
    ExceptionCode.LOST: "loss", ExceptionCode.SILENT: "loss", ExceptionCode.DAMAGED: "damage",
    ExceptionCode.DELIVERY_DISPUTED: "missing",
}  # fmt: skip


class Anchors(NamedTuple):
    """The moments of a parcel that deadlines count from. One that is not known makes no deadline."""

    opened: datetime
    mailing: datetime | None = None
    """Acceptance, or the label before that."""
    last_scan: datetime | None = None
    promised: datetime | None = None
    """The end of the promised day."""
    delivery: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Deadline:
    anchor: str
    days: float
    clock: Literal["calendar", "business"]

    def of(self, carrier: str, anchors: Anchors) -> datetime | None:
        since: datetime | None = getattr(anchors, self.anchor)
        if since is None:
            return None
        if self.clock == "calendar":
            return since.astimezone(UTC) + timedelta(days=self.days)
        return calendar_of(carrier).after(since, self.days * _DAY_H)


class Deadlines:
    """Deadlines by code, stage of the watch and carrier; the row that names the carrier goes before the one for any."""

    def __init__(self, rows: Mapping[tuple[ExceptionCode, str, str], _Deadline]) -> None:
        self._rows = dict(rows)

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> Deadlines:
        """Return the deadlines that come with the package: its own rows, and the ends of carriers' claim windows."""
        table = files("linkstar_tracker.domain").joinpath("deadlines.csv").read_text("utf-8")
        return cls.from_rows([*csv.DictReader(table.splitlines()), *_claim_rows()])

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]]) -> Deadlines:
        """Build the deadlines; an unknown code, anchor or clock, or a second row about the same, is an error."""
        codes = {code.value: code for code in ExceptionCode}
        found: dict[tuple[ExceptionCode, str, str], _Deadline] = {}
        for row in rows:
            key = codes[row["code"]], row["stage"], row["carrier"]
            if key in found:
                raise ValueError(f"two rows for {row['code']} of {row['carrier']}")
            found[key] = _deadline(row)
        return cls(found)

    def due(
        self, trouble: Trouble, label: TrackedLabel, parcels: Mapping[int, Timeline], now: datetime
    ) -> datetime | None:  # fmt: skip
        """Return by when somebody must have acted on a trouble that is told of now."""
        parcel = parcels.get(trouble.parcel) or Timeline()
        mailing = parcel.accepted_at or label.labelled_at
        anchors = Anchors(now, mailing, parcel.last_scan_at, promised_until(label), parcel.delivered_at)
        return self.of(trouble.code, trouble.stage, label.carrier, anchors)

    def of(self, code: ExceptionCode, stage: str, carrier: str, anchors: Anchors) -> datetime | None:
        """Return by when somebody must have acted; None where nobody says. Of rows that count from a moment which is not
        known the next wider one is taken.
        """
        for place in ((code, stage, carrier), (code, stage, "*"), (code, "", carrier), (code, "", "*")):
            due = self._rows[place].of(carrier, anchors) if place in self._rows else None
            if due is not None:
                return due
        return None


def _claim_rows() -> Iterator[dict[str, str]]:
    for window in known_windows():
        for code in [code for code, kind in _CLAIMED_AS.items() if kind == window.kind]:
            yield {
                "code": code.value, "stage": "", "carrier": window.carrier, "anchor": window.anchor,
                "days": str(window.closes_after.days), "clock": "calendar",
            }  # fmt: skip


def _deadline(row: Mapping[str, str]) -> _Deadline:
    if row["anchor"] not in Anchors._fields:
        raise ValueError(f"nothing counts from {row['anchor']}")
    if row["clock"] not in {"calendar", "business"}:
        raise ValueError(f"clock must be calendar or business, not {row['clock']}")
    clock: Literal["calendar", "business"] = "business" if row["clock"] == "business" else "calendar"
    return _Deadline(row["anchor"], float(row["days"]), clock)
