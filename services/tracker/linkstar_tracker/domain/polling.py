"""When a parcel is asked for next: as soon as the news that its carrier may have by then is worth a call.

A parcel that was known to be silent for `a` hours has news by `x` with the chance that silences like its own end in between.
What a question then gains is the expected time for which that news has gone unseen. A question is due when this reaches
what its stage can bear; out for delivery that is little, on the way back much. Long silences end ever more rarely, so
questions about them grow rare by themselves.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from linkstar_contracts.events import TrackingStatus
from linkstar_performance.silence import HORIZON_HOURS, Curve
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.foresight import Foresight
from linkstar_tracker.domain.lessons import lane_key
from linkstar_tracker.domain.timeline import TERMINAL, Timeline

__all__ = ["Followed", "Poll", "PollBudget", "PollStage", "Polling", "retry_after"]

GIVEN_UP = timedelta(days=60)
"""After so long without a scan nobody asks any more."""

SAFETY_NET = timedelta(hours=24)
"""How often a parcel is asked for whose carrier tells of it by itself."""

_STEP_HOURS = 0.5
_FIRST_RETRY, _LAST_RETRY = timedelta(minutes=5), timedelta(hours=6)
_REMEMBERED = 100_000

S = TrackingStatus
_ATTEMPTED = frozenset({S.ATTEMPT_FAILED, S.HELD, S.DAMAGED})


class Followed(NamedTuple):
    """A parcel as it is known. `told`: its newest scan came from the carrier by itself."""

    carrier: str
    lane: str
    timeline: Timeline
    labelled_at: datetime
    told: bool = False


class Poll(NamedTuple):
    """A question to come: due at a moment, counted from when nothing newer was known."""

    known_at: datetime
    due_at: datetime

    def urgency(self, now: datetime) -> float:
        """Return how many times over the bearable wait has passed: of two parcels the more urgent gains more by a call."""
        bearable = max((self.due_at - self.known_at).total_seconds(), 1.0)
        return max((now - self.known_at).total_seconds(), 0.0) / bearable


class PollStage(NamedTuple):
    """How parcels of a stage are asked for. `bearable_hours`: how long news may be expected to go unseen."""

    usual_hours: float
    bearable_hours: float
    least_hours: float
    most_hours: float


class PollBudget(NamedTuple):
    """How many calls an account may make in a period of real seconds."""

    calls: int
    per_s: int

    @property
    def burst(self) -> float:
        """What may be used at once: with the drip below, no period, wherever it begins, sees more calls than allowed."""
        return max(self.calls / 10, 1.0)

    @property
    def drip_s(self) -> float:
        """Calls that are added each second."""
        return max(self.calls - self.burst, 0.0) / self.per_s or self.calls / self.per_s

    def filled(self, left: float, seconds: float) -> float:
        """Return what may be used after so many more seconds."""
        return min(self.burst, left + max(seconds, 0.0) * self.drip_s)

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> Mapping[str, PollBudget]:
        """Return what carriers allow who was told nothing else, by carrier."""
        return {row["carrier"]: cls(int(row["calls"]), int(row["per_s"])) for row in _rows("poll_budgets.csv")}


class Polling:
    """Plans questions by what lanes usually show, as far as that is known, else by stage."""

    def __init__(self, foresight: Foresight | None = None, stages: Mapping[str, PollStage] | None = None) -> None:
        self._foresight = foresight or Foresight()
        self._stages = dict(stages or _shipped_stages())
        self._waits: dict[tuple[object, str, str, int], float] = {}

    def plan(self, parcel: Followed, asked_at: datetime | None) -> Poll | None:
        """Return the next question about a parcel that was last asked for then; None when nobody need ask any more."""
        stage = stage_of(parcel.timeline)
        if stage is None:
            return None
        since = parcel.timeline.last_scan_at or parcel.labelled_at
        known_at = max(since, asked_at or since)
        if known_at - since > GIVEN_UP:
            return None
        if parcel.told:
            return Poll(known_at, known_at + SAFETY_NET)
        return Poll(known_at, self._due_at(parcel, stage, since, known_at))

    def _due_at(self, parcel: Followed, stage: str, since: datetime, known_at: datetime) -> datetime:
        rule, calendar = self._stages[stage], calendar_of(parcel.carrier)
        least, most = (known_at + timedelta(hours=hours) for hours in (rule.least_hours, rule.most_hours))
        if least == most:
            return least
        age = calendar.between(since, known_at, HORIZON_HOURS)
        wait = self._wait(parcel, stage, int(age / _STEP_HOURS))
        return min(max(calendar.after(known_at, wait), least), most)

    def _wait(self, parcel: Followed, stage: str, step: int) -> float:
        """Return after how many more working hours the question is due, of a silence that old; worked out once per lane."""
        known = self._foresight.expectations
        key = (known, lane_key(parcel.timeline, parcel.lane) if known else "", stage, step)
        if key not in self._waits:
            if len(self._waits) >= _REMEMBERED:
                self._waits.clear()
            rule, age = self._stages[stage], step * _STEP_HOURS
            curve = known.curve(key[1]) if known and parcel.timeline.accepted_at else None
            self._waits[key] = _learned_wait(curve, rule, age) if curve else usual_wait(rule, age)
        return self._waits[key]


def stage_of(timeline: Timeline) -> str | None:
    """Return the stage that tells how a parcel is asked for; None of one that nobody waits for."""
    if timeline.status in TERMINAL:
        return None
    if timeline.accepted_at is None:
        return "acceptance"
    if timeline.status is S.OUT_FOR_DELIVERY:
        return "out_for_delivery"
    if timeline.status in _ATTEMPTED:
        return "attempted"
    if timeline.status is S.AVAILABLE_FOR_PICKUP:
        return "pickup"
    return "return_leg" if timeline.status is S.RETURN_TO_SENDER else "movement"


def usual_wait(rule: PollStage, age: float) -> float:
    """Return the wait where nothing is learned: a silence of `age` hours lasts d more with chance ((u+age)/(u+age+d))²,
    so that it grows more lasting with age, and the news of d hours went unseen for d²/(u+age+d) on the mean.
    """
    bearable = rule.bearable_hours
    return (bearable + math.sqrt(bearable * bearable + 4 * bearable * (rule.usual_hours + age))) / 2


def _learned_wait(curve: Curve, rule: PollStage, age: float) -> float:
    """As `usual_wait`, by the lane's own curve. A parcel that is lost has no news, however long one waits."""
    lasting = max(curve.silent(age), 1e-9)
    alive = 1 - curve.posterior(age)
    unseen, wait = 0.0, 0.0
    while unseen < rule.bearable_hours and age + wait < HORIZON_HOURS and wait < rule.most_hours:
        wait += _STEP_HOURS
        unseen += alive * (1 - curve.silent(age + wait - _STEP_HOURS / 2) / lasting) * _STEP_HOURS
    return wait


def retry_after(failures: int) -> timedelta:
    """Return when a question is put again that failed so many times in a row."""
    return min(_FIRST_RETRY * (1 << min(failures - 1, 10)), _LAST_RETRY)


@lru_cache(maxsize=1)
def _shipped_stages() -> Mapping[str, PollStage]:
    return {
        row["stage"]: PollStage(*(float(row[f"{name}_hours"]) for name in ("usual", "bearable", "least", "most")))
        for row in _rows("poll_stages.csv")
    }


def _rows(table: str) -> Iterable[Mapping[str, str]]:
    text = files("linkstar_tracker.domain").joinpath(table).read_text("utf-8")
    return csv.DictReader(text.splitlines())
