"""One day of questions to a carrier, by the tracker's own plans and within an account's budget."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from linkstar_bench.polling.parcels import BEGIN_H, CARRIER, DAY_H, STATUSES, Parcel, at_hour, foresight_of, parcels
from linkstar_tracker.domain.polling import Followed, Poll, PollBudget, Polling
from linkstar_tracker.domain.timeline import Timeline

__all__ = ["Day", "poll_a_day"]

_TICK_H = 1 / 12
_FIXED_H = 2.0
_TOUR = 3
"""From this scan on the parcel is out for delivery, or has arrived."""


@dataclass(slots=True)
class Day:
    """What a day's questions cost and how old news was when it was seen, in hours; beside asking every two hours."""

    live_trackers: int
    budget: int
    calls: int = 0
    live_hours: float = 0.0
    waited: list[float] = field(default_factory=list, repr=False)
    tours: list[float] = field(default_factory=list, repr=False)

    @property
    def figures(self) -> dict[str, float]:
        """The figures; `same_calls` is a fixed interval that makes as many calls."""
        waited, tours = sorted(self.waited), sorted(self.tours)
        return {
            "live_trackers": self.live_trackers,
            "poll_budget": self.budget,
            "poll_budget_used": round(self.calls / self.budget, 4),
            "poll_calls": self.calls,
            "fixed_2h_calls": round(self.live_hours / _FIXED_H),
            "scan_age_mean_h": round(sum(waited) / len(waited), 3),
            "scan_age_p90_h": round(waited[int(len(waited) * 0.9)], 3),
            "tour_age_mean_h": round(sum(tours) / len(tours), 3),
            "fixed_2h_age_mean_h": _FIXED_H / 2,
            "same_calls_age_mean_h": round(self.live_hours / self.calls / 2, 3),
        }


def poll_a_day(live: int = 100_000, calls_per_day: int | None = None, seed: int = 1) -> Day:
    """Poll so many parcels under way for a day, after one to settle down. Without a budget it is what asking for each of
    them every two hours would take.
    """
    world = parcels(live, seed)
    budget = PollBudget(calls_per_day or round(live * DAY_H / _FIXED_H), 86_400)
    day = Day(sum(each.live(BEGIN_H) for each in world), budget.calls)
    day.live_hours = sum(_live_hours(each) for each in world)
    _Round(world, Polling(foresight_of(seed)), budget, day).run()
    return day


def _live_hours(parcel: Parcel) -> float:
    until = parcel.scans_h[-1] if parcel.arrives else BEGIN_H + DAY_H
    return max(min(until, BEGIN_H + DAY_H) - max(parcel.labelled_h, BEGIN_H), 0.0)


class _Round:
    """The scheduler's loop: due parcels by urgency, as many as the budget allows, at each tick."""

    def __init__(self, world: Sequence[Parcel], polling: Polling, budget: PollBudget, day: Day) -> None:
        self._world, self._polling, self._budget, self._day = world, polling, budget, day
        self._left, self._tokens_at = budget.burst, BEGIN_H - DAY_H
        self._seen = [0] * len(world)
        self._due: list[tuple[float, int, Poll]] = []
        for index, parcel in enumerate(world):
            begin = max(parcel.labelled_h, BEGIN_H - DAY_H)
            self._seen[index] = sum(each <= begin for each in parcel.scans_h)
            self._plan(index, begin)

    def run(self) -> None:
        """Ask from the day before until the end of the measured one; what is still unseen then has waited until then."""
        ticks = round(2 * DAY_H / _TICK_H)
        waiting: list[tuple[float, int, Poll]] = []
        for tick in range(ticks + 1):
            hour = BEGIN_H - DAY_H + tick * _TICK_H
            while self._due and self._due[0][0] <= hour:
                waiting.append(heapq.heappop(self._due))
            waiting = self._ask(waiting, hour)
        for index, parcel in enumerate(self._world):
            self._tell(index, parcel, BEGIN_H + DAY_H)

    def _ask(self, waiting: list[tuple[float, int, Poll]], hour: float) -> list[tuple[float, int, Poll]]:
        self._left = self._budget.filled(self._left, (hour - self._tokens_at) * 3600)
        self._tokens_at = hour
        calls = min(int(self._left), len(waiting))
        if calls < len(waiting):
            now = at_hour(hour)
            waiting.sort(key=lambda each: -each[2].urgency(now))
        for _, index, _ in waiting[:calls]:
            self._tell(index, self._world[index], hour)
            self._plan(index, hour)
        self._left -= calls
        self._day.calls += calls if hour >= BEGIN_H else 0
        return waiting[calls:]

    def _tell(self, index: int, parcel: Parcel, hour: float) -> None:
        """See every scan made by now; note how long those of the measured day went unseen."""
        while self._seen[index] < len(parcel.scans_h) and parcel.scans_h[self._seen[index]] <= hour:
            made = parcel.scans_h[self._seen[index]]
            if BEGIN_H <= made < BEGIN_H + DAY_H:
                self._day.waited.append(hour - made)
                if self._seen[index] >= _TOUR:
                    self._day.tours.append(hour - made)
            self._seen[index] += 1

    def _plan(self, index: int, hour: float) -> None:
        parcel, seen = self._world[index], self._seen[index]
        accepted = at_hour(parcel.scans_h[0]) if seen else None
        last = at_hour(parcel.scans_h[seen - 1]) if seen else None
        timeline = Timeline(status=STATUSES[seen], accepted_at=accepted, last_scan_at=last)
        plan = self._polling.plan(Followed(CARRIER, parcel.lane, timeline, at_hour(parcel.labelled_h)), at_hour(hour))
        if plan is not None:
            due_h = (plan.due_at - at_hour(0)).total_seconds() / 3600
            heapq.heappush(self._due, (due_h, index, plan))
