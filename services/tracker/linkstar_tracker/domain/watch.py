"""Watch rules: how long a parcel may go without a scan before somebody should be told."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

from linkstar_contracts.events import ExceptionCode, TrackingStatus
from linkstar_tracker.domain.calendars import calendar_of, lasting
from linkstar_tracker.domain.silences import Expectation
from linkstar_tracker.domain.timeline import TERMINAL, Timeline

__all__ = ["DWELL", "WatchRule", "WatchRules", "Watched"]

DWELL = "dwell"
"""Stage of a parcel that is scanned again and again, but at one place."""
_MAY_DWELL = {TrackingStatus.ACCEPTED, TrackingStatus.IN_TRANSIT}


@dataclass(frozen=True, slots=True)
class WatchRule:
    """After `hours` without a scan in `stage`, raise `code`. `*` stands for any carrier or kind."""

    code: ExceptionCode
    stage: str
    carrier: str
    kind: str
    hours: float
    clock: Literal["calendar", "business"]

    def due(self, carrier: str, since: datetime) -> datetime:
        """Return when the rule strikes, counted from the last thing known."""
        if self.clock == "calendar":
            return since.astimezone(UTC) + lasting(self.hours)
        return calendar_of(carrier).after(since, self.hours)


class Watched(NamedTuple):
    """A moment at which a parcel will have been silent for too long."""

    at: datetime
    code: ExceptionCode
    parcel: int
    since: datetime
    hours: float
    expected: Expectation | None = None
    """What the limit was learned from; None where a row of the rules says it."""
    stage: str = ""
    spot: str = ""
    """Where the parcel dwells, if it is for that."""
    evidence: tuple[str, ...] = ()


class WatchRules:
    """Rules by stage; the row that names carrier and kind most exactly applies."""

    def __init__(self, rules: Iterable[WatchRule]) -> None:
        self._rules = tuple(sorted(rules, key=lambda rule: (rule.carrier == "*", rule.kind == "*")))
        self._applying = lru_cache(maxsize=1024)(self._choose)

    @classmethod
    def shipped(cls) -> WatchRules:
        """Return the rules that come with the package."""
        table = files("linkstar_tracker.domain").joinpath("watch_rules.csv").read_text("utf-8")
        return cls.from_rows(csv.DictReader(table.splitlines()))

    @classmethod
    def from_file(cls, path: Path) -> WatchRules:
        """Return the rules of a CSV file with the same columns."""
        return cls.from_rows(csv.DictReader(path.read_text("utf-8").splitlines()))

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]]) -> WatchRules:
        """Build the rules; an unknown code or clock is an error."""
        return cls(_rule(row) for row in rows)

    def watch(
        self,
        carrier: str,
        kind: str,
        parcel: int,
        timeline: Timeline,
        labelled_at: datetime,
        expected: Expectation | None = None,
        own: WatchRules | None = None,
    ) -> tuple[Watched, ...]:
        """Return what will have to be raised about the parcel, and when, if no further scan comes.

        The seller's own rows come first. Else, where it is known what to expect of a parcel under way, its silence is judged
        by that, not by the row's hours.
        """
        stage = _stage(timeline)
        if stage is None:
            return ()
        since = timeline.last_scan_at or labelled_at
        wanted, usual = self._of(stage, carrier, kind, own)
        found = [Watched(r.due(carrier, since), r.code, parcel, since, r.hours, None, stage) for r in wanted]
        learned = expected if stage == "movement" else None
        for rule in usual:
            found.append(_watched(rule, carrier, parcel, since, stage, learned))
        stay = timeline.stay
        if stay is not None and stay.since != timeline.last_scan_at and timeline.status in _MAY_DWELL:
            for rule in chain(*self._of(DWELL, carrier, kind, own)):
                due = rule.due(carrier, stay.since)
                found.append(Watched(due, rule.code, parcel, stay.since, rule.hours, None, DWELL, stay.spot))
        return tuple(found)

    def _of(
        self, stage: str, carrier: str, kind: str, own: WatchRules | None
    ) -> tuple[tuple[WatchRule, ...], tuple[WatchRule, ...]]:
        """Return the seller's own rows, and the usual ones about something else."""
        usual = self._applying(stage, carrier, kind)
        if own is None:
            return (), usual
        wanted = own._applying(stage, carrier, kind)
        if wanted:
            usual = tuple([rule for rule in usual if rule.code not in {each.code for each in wanted}])
        return wanted, usual

    def _choose(self, stage: str, carrier: str, kind: str) -> tuple[WatchRule, ...]:
        chosen: dict[ExceptionCode, WatchRule] = {}
        for rule in self._rules:
            if rule.stage == stage and rule.carrier in {carrier, "*"} and rule.kind in {kind, "*"}:
                chosen.setdefault(rule.code, rule)
        return tuple(chosen.values())


def _watched(
    rule: WatchRule, carrier: str, parcel: int, since: datetime, stage: str, expected: Expectation | None
) -> Watched:  # fmt: skip
    if expected is None or rule.code is not ExceptionCode.SILENT:
        return Watched(rule.due(carrier, since), rule.code, parcel, since, rule.hours, None, stage)
    hours = expected.limit_hours
    return Watched(calendar_of(carrier).after(since, hours), rule.code, parcel, since, hours, expected, stage)


def _stage(timeline: Timeline) -> str | None:
    if timeline.status in TERMINAL:
        return None
    if timeline.accepted_at is None:
        return "acceptance"
    if timeline.status is TrackingStatus.AVAILABLE_FOR_PICKUP:
        return "pickup"
    if timeline.status is TrackingStatus.RETURN_TO_SENDER:
        return "return_leg"
    return "movement"


def _rule(row: Mapping[str, str]) -> WatchRule:
    if row["clock"] not in {"calendar", "business"}:
        raise ValueError(f"clock must be calendar or business, not {row['clock']}")
    clock: Literal["calendar", "business"] = "business" if row["clock"] == "business" else "calendar"
    codes = {code.value: code for code in ExceptionCode}
    return WatchRule(codes[row["code"]], row["stage"], row["carrier"], row["kind"], float(row["hours"]), clock)
