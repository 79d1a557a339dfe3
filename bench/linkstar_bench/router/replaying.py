"""Decided orders priced and chosen again from columns: one course at a time, all its parcels at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linkstar_router.domain.bulk import Columns, columns_of, rate_many, within
from linkstar_router.domain.choice import Candidate
from linkstar_router.domain.decision import Decision, Question
from linkstar_router.domain.lanes import Course
from linkstar_router.domain.measures import measure
from linkstar_router.domain.snapshot import shipped

__all__ = ["replay_figures"]

_NEVER = np.iinfo(np.int64).max
Ints = NDArray[np.int64]


class _Job(NamedTuple):
    """The parcels of one course: which orders they are of, where the service stands, what being late costs each."""

    course: Course
    orders: Ints
    place: int
    parcels: Columns
    lateness: Ints


def replay_figures(questions: Sequence[Question], decisions: Sequence[Decision]) -> dict[str, float]:
    """Return orders per second of one core, columns already made; raises when a choice differs from the decision's."""
    single = [place for place, question in enumerate(questions) if len(question.parcels) == 1]
    jobs, services = _jobs([questions[place] for place in single], [decisions[place] for place in single])
    _choose(jobs, len(single), len(services))
    began = time.process_time()
    chosen = _choose(jobs, len(single), len(services))
    spent = time.process_time() - began
    told = [decisions[place].candidates[0].offer.service.key if decisions[place].candidates else "" for place in single]
    if [services[place] if place >= 0 else "" for place in chosen.tolist()] != told:
        raise RuntimeError("the columns choose another service than the decision")
    return {"replay_orders_per_s": round(len(single) / spent)}


def _jobs(questions: Sequence[Question], decisions: Sequence[Decision]) -> tuple[list[_Job], list[str]]:
    """Group the candidates of all decisions by their course; services keep the fixed order, which breaks ties."""
    found: dict[int, tuple[Course, list[tuple[int, Candidate]]]] = {}
    for order, decision in enumerate(decisions):
        for candidate in decision.candidates:
            found.setdefault(id(candidate.course), (candidate.course, []))[1].append((order, candidate))
    services = _in_fixed_order(decisions)
    jobs = []
    for course, members in found.values():
        lateness = [questions[order].penalty_minor * candidate.late_permille for order, candidate in members]
        parcels = columns_of([measure(questions[order].parcels[0]) for order, _ in members])
        orders = np.array([order for order, _ in members], dtype=np.int64)
        place = services.index(course.offer.service.key)
        jobs.append(_Job(course, orders, place, parcels, np.array(lateness, dtype=np.int64)))
    return jobs, services


def _in_fixed_order(decisions: Sequence[Decision]) -> list[str]:
    weighed = {candidate.offer.service.key for decision in decisions for candidate in decision.candidates}
    return [service.key for service in shipped().services if service.key in weighed]


def _choose(jobs: Sequence[_Job], orders: int, services: int) -> Ints:
    """Return the place of the best service of each order, -1 where there is none."""
    costs = np.full((orders, services), _NEVER, dtype=np.int64)
    for job in jobs:
        rated = rate_many(job.course, job.parcels)
        fits = rated.priced & within(job.course.edition.limits, job.parcels)
        costs[job.orders, job.place] = np.where(fits, rated.net * 1000 + job.lateness, _NEVER)
    best = costs.argmin(axis=1)
    return np.where(costs[np.arange(orders), best] == _NEVER, -1, best)
