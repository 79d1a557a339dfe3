"""Finds what is wrong with a set of rules before any order meets it, each time with an order that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from linkstar_router.domain.rules.boxes import Box, Budget, TooHard, remainder
from linkstar_router.domain.rules.catalogue import Catalogue
from linkstar_router.domain.rules.document import RuleSet
from linkstar_router.domain.rules.examples import example_in, told
from linkstar_router.domain.rules.facts import Facts
from linkstar_router.domain.rules.redundancy import Redundancy
from linkstar_router.domain.rules.removals import Territory, cornered
from linkstar_router.domain.rules.rivalry import rivalry
from linkstar_router.domain.rules.rule import Rule
from linkstar_router.domain.rules.space import Space

__all__ = ["Finding", "Report", "check_rules"]

_WORK = 800_000
"""Comparisons that one kind of question may take in all: some tenths of a second."""
_NAMED = 5
Severity = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """Something to know about some rules. An `error` keeps the set from being published."""

    severity: Severity
    code: str
    rules: tuple[str, ...]
    what: str
    fix: str
    example: dict[str, str]


class Report(NamedTuple):
    """All findings, and the questions that were left unanswered, each with its reason."""

    findings: tuple[Finding, ...]
    skipped: tuple[str, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep the set from being published."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def check_rules(rules: RuleSet, catalogue: Catalogue) -> Report:
    """Check the rules that are not drafts; rules in shadow are judged as if they were active."""
    checker = _Checker([rule for rule in rules.rules if rule.state != "draft"], catalogue)
    return checker.report()


class _Checker:
    def __init__(self, rules: Sequence[Rule], catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._countries = sorted(set(catalogue.countries.values()))
        self._space = Space(rules, self._countries)
        self._territories = [Territory(rule, self._space, catalogue.services) for rule in rules]
        self._skipped: list[str] = []

    def _budget(self) -> Budget:
        return Budget(_WORK // (len(self._space.axes) + 10))

    def report(self) -> Report:
        findings = [*self._never_matching()]
        reachable = {finding.rules[0] for finding in findings}
        self._territories = [each for each in self._territories if each.rule.id not in reachable]
        findings += [*self._cornering(), *self._overlaps(), *self._shadowed(), *self._uncovered()]
        return Report(tuple(findings), tuple(self._skipped))

    def _never_matching(self) -> Iterator[Finding]:
        for each in self._territories:
            if self._order_in(each.boxes) is None:
                what, fix = "no order can meet all its conditions", "mend the conditions that exclude each other"
                yield Finding("error", "rules.never_matches", (each.rule.id,), what, fix, {})

    def _cornering(self) -> Iterator[Finding]:
        known: set[tuple[Rule, ...]] = set()
        budget = self._budget()
        for country in self._countries:
            try:
                for rules, order in cornered(country, self._territories, self._space, self._catalogue, budget):
                    if rules not in known:
                        known.add(rules)
                        yield self._contradiction(rules, order)
            except TooHard:
                self._skipped.append(f"contradictions of more rules within {country}: too many combinations")

    def _contradiction(self, rules: tuple[Rule, ...], order: Facts) -> Finding:
        names = tuple(rule.id for rule in rules)
        if len(rules) == 1:
            what = f"leaves orders within {order.country} no service at all"
            fix = f"add `country` to its conditions, or name a service that ships within {order.country}"
            return Finding("warning", "rules.no_service_left", names, what, fix, self._told(order, rules))
        severity: Severity = "error" if all(rule.state == "active" for rule in rules) else "warning"
        what = "together leave an order no service, though each alone leaves some"
        fix = "narrow the conditions of one so that they do not meet, or give the require a priority of its own"
        return Finding(severity, "rules.contradictory", names, what, fix, self._told(order, rules))

    def _overlaps(self) -> Iterator[Finding]:
        for one, two in combinations(self._territories, 2):
            told_apart = rivalry(one.rule, two.rule)
            if told_apart is None:
                continue
            order = self._order_in(one.overlap(two))
            if order is not None:
                severity: Severity = "warning" if told_apart.undecided else "note"
                rules = (one.rule, two.rule)
                names = (one.rule.id, two.rule.id)
                yield Finding(
                    severity, "rules.overlap", names, told_apart.what, told_apart.fix, self._told(order, rules)
                )  # fmt: skip

    def _shadowed(self) -> Iterator[Finding]:
        redundancy, budget = Redundancy(self._space, self._catalogue), self._budget()
        left = list(self._territories)
        for each in reversed(self._territories):
            others = [other for other in left if other is not each and self._meet(each, other)]
            try:
                by = redundancy.by(each, others, budget)
            except TooHard:
                unasked = [each.rule.id for each in self._territories[: self._territories.index(each) + 1]]
                more = f" and {len(unasked) - _NAMED} more" if len(unasked) > _NAMED else ""
                names = ", ".join(unasked[:_NAMED])
                self._skipped.append(f"whether rules are shadowed: {names}{more}: too many combinations")
                return
            if by is not None:
                left.remove(each)
                yield self._without_effect(each, by)

    def _without_effect(self, territory: Territory, by: tuple[str, ...]) -> Finding:
        rule = territory.rule
        order = self._order_in(territory.boxes)
        example = self._told(order, (rule,)) if order else {}
        if not by:
            what, fix = "no service it names ships where it holds", "name other services, or widen its conditions"
            return Finding("error", "rules.no_effect", (rule.id,), what, fix, example)
        what = f"changes nothing: {', '.join(by)} {'does' if len(by) == 1 else 'together do'} all of it"
        return Finding(
            "warning", "rules.shadowed", (rule.id, *by), what, "remove it, or widen its conditions", example
        )  # fmt: skip

    @staticmethod
    def _meet(one: Territory, two: Territory) -> bool:
        return next(one.overlap(two), None) is not None

    def _uncovered(self) -> Iterator[Finding]:
        holes = [box for each in self._territories for box in each.boxes]
        budget = self._budget()
        for country in self._countries:
            try:
                rest = remainder(self._space.at(country), holes, budget)
                order = self._order_in(rest)
            except TooHard:
                self._skipped.append(f"orders within {country} that no rule touches: too many combinations")
                continue
            if order is not None:
                what = f"no rule touches some orders within {country}: price and promise alone decide"
                fix = "nothing to do if that is meant"
                rules = [each.rule for each in self._territories if self._reaches(each, country)]
                yield Finding("note", "rules.uncovered", (), what, fix, self._told(order, rules))

    def _reaches(self, territory: Territory, country: str) -> bool:
        home = self._space.at(country)
        return any(all(a & b for a, b in zip(home, box, strict=True)) for box in territory.boxes)

    def _order_in(self, boxes: Iterator[Box] | Sequence[Box]) -> Facts | None:
        return next((order for box in boxes if (order := example_in(self._space, box)) is not None), None)

    @staticmethod
    def _told(order: Facts, rules: Sequence[Rule]) -> dict[str, str]:
        return told(order, {condition.field for rule in rules for condition in rule.conditions})
