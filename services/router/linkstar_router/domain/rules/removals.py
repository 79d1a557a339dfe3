"""Which services a rule takes away from the orders it holds for, and which sets of rules leave none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

from linkstar_router.domain.rules.boxes import Box, Budget, intersection, remainder
from linkstar_router.domain.rules.catalogue import Catalogue
from linkstar_router.domain.rules.effects import effects_of
from linkstar_router.domain.rules.examples import example_in
from linkstar_router.domain.rules.facts import Facts
from linkstar_router.domain.rules.rule import Rule
from linkstar_router.domain.rules.space import Space

__all__ = ["Cornered", "Territory", "cornered"]


class Territory:
    """A rule with its boxes and the services it takes away by itself."""

    def __init__(self, rule: Rule, space: Space, services: frozenset[str]) -> None:
        self.rule = rule
        self.boxes = space.boxes(rule)
        allowed = services if rule.actions.allow is None else rule.actions.allow
        required = services if rule.actions.require is None else rule.actions.require
        self.removed = rule.actions.forbid | (services - allowed) | (services - required)

    def overlap(self, other: Territory) -> Iterator[Box]:
        """Return the orders both rules hold for."""
        for one in self.boxes:
            for two in other.boxes:
                common = intersection(one, two)
                if common is not None:
                    yield common


Cornered = tuple[tuple[Rule, ...], Facts]
"""Rules that together leave an order no service, and such an order."""


def cornered(
    country: str, territories: Sequence[Territory], space: Space, catalogue: Catalogue, budget: Budget
) -> Iterator[Cornered]:
    """Return every least set of rules that leaves some order within a country no service.

    A set is least when none of its parts leaves that order none. Raises TooHard when the budget is spent, but not before
    every two rules were compared.
    """
    services = catalogue.within(country)
    acting = [each for each in territories if each.removed & services]
    seen: set[frozenset[int]] = set()
    within = space.at(country)
    for chosen, region in chain(_pairs(acting, services, within), _removing(acting, services, (), within, budget)):
        key = frozenset(each.rule.place for each in chosen)
        if any(known <= key for known in seen):
            continue
        order = _proven(chosen, region, acting, space, services, budget)
        if order is not None:
            seen.add(key)
            yield tuple(each.rule for each in sorted(chosen, key=lambda each: each.rule.place)), order


def _pairs(
    acting: Sequence[Territory], services: frozenset[str], within: Box
) -> Iterator[tuple[tuple[Territory, ...], Box]]:
    """Return every two rules that hold together and take away all services between them, neither alone."""
    for one, two in combinations(acting, 2):
        if services <= one.removed | two.removed and not services <= one.removed and not services <= two.removed:
            for common in one.overlap(two):
                region = intersection(within, common)
                if region is not None:
                    yield (one, two), region


def _removing(
    acting: Sequence[Territory], left: frozenset[str], chosen: tuple[Territory, ...], box: Box, budget: Budget
) -> Iterator[tuple[tuple[Territory, ...], Box]]:
    """Return sets of rules that hold together and take away all of `left`, smallest branching first."""
    budget.spend()
    if not left:
        yield chosen, box
        return
    service = min(left, key=lambda name: (sum(name in each.removed for each in acting), name))
    for each in acting:
        if service in each.removed and each not in chosen:
            for own in each.boxes:
                common = intersection(box, own)
                if common is not None:
                    yield from _removing(acting, left - each.removed, (*chosen, each), common, budget)


def _proven(
    chosen: Sequence[Territory], region: Box, acting: Sequence[Territory], space: Space, services: frozenset[str],
    budget: Budget,
) -> Facts | None:  # fmt: skip
    """Return an order that exactly these rules corner; others that would give a service back must not hold for it."""
    if not _least(chosen, services):
        return None
    helpers = [
        box for each in acting for box in each.boxes
        if each not in chosen and (each.rule.actions.allow is not None or each.rule.actions.require is not None)
    ]  # fmt: skip
    rules = [each.rule for each in chosen]
    if not _nothing_left(rules, services):
        return None
    for piece in remainder(region, helpers, budget):
        found = example_in(space, piece)
        if found is not None:
            return found
    return example_in(space, region)


def _nothing_left(rules: Sequence[Rule], services: frozenset[str]) -> bool:
    effects = effects_of(rules)
    return all(effects.ruled_out(service) for service in services)


def _least(chosen: Sequence[Territory], services: frozenset[str]) -> bool:
    rules = [each.rule for each in chosen]
    return not any(_nothing_left([*rules[:at], *rules[at + 1 :]], services) for at in range(len(rules)))
