"""The cost formula and the order of candidates: net price plus the expected penalty of missing the deadline.

All terms are integers of 1/1000 minor unit; ties go to the service that stands first in the fixed order of tariffs.
"""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from linkstar_router.domain.exchange import Exchange
from linkstar_router.domain.lanes import Course
from linkstar_router.domain.tariff import Offer, Rated

__all__ = ["Candidate", "cost_milli", "ranked"]


class Candidate(NamedTuple):
    """A service that can carry the shipment, with everything its choice rests on."""

    course: Course
    rated: Rated
    late_permille: int
    cost_milli: int

    @property
    def offer(self) -> Offer:
        """The service as it stands on the day of the price list."""
        return self.course.offer


def cost_milli(net_minor: int, penalty_minor: int, permille: int, exchange: Exchange | None = None) -> int:
    """Return net price plus step penalty times probability, in 1/1000 minor unit of the currency of comparison."""
    net = net_minor * 1000 if exchange is None else exchange.of(net_minor * 1000)
    return net + penalty_minor * permille


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidates, best first; the sort is stable, so the fixed order of services breaks ties."""
    return sorted(candidates, key=attrgetter("cost_milli"))
