"""Rules that change nothing because others, alone or together, already do all that they would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from linkstar_router.domain.rules.boxes import Box, Budget, intersection, remainder
from linkstar_router.domain.rules.catalogue import Catalogue
from linkstar_router.domain.rules.examples import example_in
from linkstar_router.domain.rules.removals import Territory
from linkstar_router.domain.rules.rule import Rule
from linkstar_router.domain.rules.space import Space

__all__ = ["Redundancy"]

_Does = Callable[[Territory], bool]
_PRICE_OF_AN_EXAMPLE = 5
"""In steps of the budget."""


class Redundancy:
    """Asks of each rule whether every one of its effects is had without it, on every order it holds for."""

    def __init__(self, space: Space, catalogue: Catalogue) -> None:
        self._space, self._catalogue = space, catalogue
        self._homes = {country: space.at(country) for country in sorted(set(catalogue.countries.values()))}

    def by(self, one: Territory, others: Sequence[Territory], budget: Budget) -> tuple[str, ...] | None:
        """Return the rules that make `one` superfluous (none of them: it has no effect by itself), or None.

        Raises TooHard when the budget is spent.
        """
        needed = list(others)
        if not self._superfluous(one, needed, budget):
            return None
        for other in others:
            fewer = [each for each in needed if each is not other]
            if self._superfluous(one, fewer, budget):
                needed = fewer
        return tuple(each.rule.id for each in needed)

    def _superfluous(self, one: Territory, others: Sequence[Territory], budget: Budget) -> bool:
        return all(
            self._covered(region, [box for each in others if does(each) for box in each.boxes], budget)
            for region, does in self._effects(one, others)
        )

    def _covered(self, region: Sequence[Box], holes: Sequence[Box], budget: Budget) -> bool:
        for box in region:
            for piece in remainder(box, holes, budget):
                budget.spend(_PRICE_OF_AN_EXAMPLE)
                if example_in(self._space, piece) is not None:
                    return False
        return True

    def _effects(self, one: Territory, others: Sequence[Territory]) -> Iterator[tuple[list[Box], _Does]]:
        """Return each effect of a rule: where it has it, and which rules have it too."""
        actions = one.rule.actions
        if actions.hold:
            yield one.boxes, lambda each: bool(each.rule.actions.hold)
        for extra in actions.ask_for:
            yield one.boxes, _or_held(lambda each, extra=extra: extra in each.rule.actions.ask_for)  # type: ignore[misc]
        for other in others:
            if _overrules(one.rule, other.rule):
                yield list(one.overlap(other)), _or_held(_silencing(other.rule, others))
        for country, home in self._homes.items():
            here = [common for box in one.boxes if (common := intersection(box, home)) is not None]
            if here:
                services = self._catalogue.within(country)
                yield from ((here, _or_held(does)) for does in _on_services(one, others, services))


def _silencing(rule: Rule, others: Sequence[Territory]) -> _Does:
    return lambda each: _overrules(each.rule, rule) and not _overruling(each.rule, others)


def _or_held(does: _Does) -> _Does:
    return lambda each: bool(each.rule.actions.hold) or does(each)


def _on_services(one: Territory, others: Sequence[Territory], services: frozenset[str]) -> Iterator[_Does]:
    """Return what a rule does to the services of one country, service by service."""
    rule, actions = one.rule, one.rule.actions
    if actions.allow is not None:
        yield from _allowing(actions.allow & services)
    stronger = _overruling(rule, others)
    removed = actions.forbid if actions.require is None else actions.forbid | (services - actions.require)
    for service in sorted(removed & services):
        yield (
            lambda each, service=service: (
                _removes(each.rule, service, others)
                or (  # type: ignore[misc]
                    service not in actions.forbid and each in stronger
                )
            )
        )
    surcharged = actions.surcharge.services if actions.surcharge else frozenset()
    for service in sorted(surcharged & services):
        yield lambda each, service=service: _removes(each.rule, service, others)  # type: ignore[misc]
    for service in sorted(actions.prefer & services):
        yield lambda each, service=service: _removes(each.rule, service, others) or _as_liked(each.rule, rule)  # type: ignore[misc]


def _allowing(allowed: Iterable[str]) -> Iterator[_Does]:
    names = sorted(allowed)
    if not names:
        yield lambda each: each.rule.actions.allow is not None
    for service in names:
        yield lambda each, service=service: service in (each.rule.actions.allow or ())  # type: ignore[misc]


def _overruling(rule: Rule, others: Sequence[Territory]) -> list[Territory]:
    return [each for each in others if _overrules(each.rule, rule) and not _overruling(each.rule, others)]


def _overrules(rule: Rule, other: Rule) -> bool:
    """True when a requirement of higher priority has nothing in common with another one, which then does not count."""
    ours, theirs = rule.actions.require, other.actions.require
    return ours is not None and theirs is not None and rule.priority > other.priority and not ours & theirs


def _removes(rule: Rule, service: str, others: Sequence[Territory]) -> bool:
    """True when a rule takes the service away whatever else holds: a requirement that may be overruled does not."""
    if service in rule.actions.forbid:
        return True
    required = rule.actions.require
    return required is not None and service not in required and not _overruling(rule, others)


def _as_liked(other: Rule, rule: Rule) -> bool:
    return other.actions.prefer == rule.actions.prefer and other.rank < rule.rank
