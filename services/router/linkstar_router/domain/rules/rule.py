"""One rule: conditions, actions, priority, validity and state, with the services its actions mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from linkstar_router.domain.rules.conditions import Condition

__all__ = ["EXTRAS", "Actions", "Rule", "State", "Surcharge"]

State = Literal["draft", "shadow", "active"]
Services = frozenset[str]
EXTRAS = ("signature", "insurance")
"""What a rule may ask for on top of the order."""


class Surcharge(NamedTuple):
    """What the choice adds to the cost of services priced in `currency`; the carrier's price stays as it is."""

    services: Services
    amount_minor: int
    currency: str
    basis_points: int


class Actions(NamedTuple):
    """What a rule does. Services are keys such as `usps/ground_advantage`; None means that the rule says nothing of it."""

    forbid: Services = frozenset()
    allow: Services | None = None
    require: Services | None = None
    prefer: Services = frozenset()
    surcharge: Surcharge | None = None
    ask_for: tuple[str, ...] = ()
    hold: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as validated. `place` counts from 1 in its document."""

    id: str
    place: int
    state: State
    priority: int
    conditions: tuple[Condition, ...]
    actions: Actions
    note: str = ""

    @property
    def rank(self) -> tuple[int, int]:
        """The order in which rules of one kind are heard: priority first, then the place in the document."""
        return -self.priority, self.place
