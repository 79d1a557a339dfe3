"""What several matching rules mean together: all apply, forbid beats require beats prefer, then priority decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from linkstar_router.domain.rules.rule import Rule, Surcharge

__all__ = ["Effects", "RuledOut", "effects_of"]


class RuledOut(NamedTuple):
    """Why a service may not be used: the rule that decides, and how."""

    code: str
    rule: str


class Charge(NamedTuple):
    """A surcharge of a rule."""

    rule: str
    surcharge: Surcharge


class Effects:
    """The joint effect of some rules, which never changes. What is asked of it often is worked out once."""

    __slots__ = (
        "_allowing",
        "_forbidding",
        "_liked",
        "_out",
        "_requiring",
        "ask_for",
        "charges",
        "hold",
        "preferred",
        "rules",
    )

    def __init__(self, rules: Sequence[Rule]) -> None:
        ranked = sorted(rules, key=lambda rule: rule.rank)
        self.rules = tuple(rule.id for rule in rules)
        self.hold = next(((rule.id, rule.actions.hold) for rule in ranked if rule.actions.hold), None)
        self.ask_for = frozenset(extra for rule in rules for extra in rule.actions.ask_for)
        self.preferred = tuple(rule.actions.prefer for rule in ranked if rule.actions.prefer)
        self.charges = tuple(Charge(rule.id, rule.actions.surcharge) for rule in ranked if rule.actions.surcharge)
        self._forbidding = tuple((rule.id, rule.actions.forbid) for rule in ranked if rule.actions.forbid)
        self._allowing = tuple((rule.id, rule.actions.allow) for rule in ranked if rule.actions.allow is not None)
        self._requiring = tuple(_heard(ranked))
        self._out: dict[str, RuledOut | None] = {}
        self._liked: dict[str, int] = {}

    def ruled_out(self, service: str) -> RuledOut | None:
        """Return why these rules leave a service out, or None when it may be used."""
        if service not in self._out:
            self._out[service] = self._judge(service)
        return self._out[service]

    def _judge(self, service: str) -> RuledOut | None:
        for rule, services in self._forbidding:
            if service in services:
                return RuledOut("rule_forbids", rule)
        for rule, services in self._requiring:
            if service not in services:
                return RuledOut("rule_requires_another", rule)
        if self._allowing and not any(service in services for _, services in self._allowing):
            return RuledOut("rule_allows_others", self._allowing[0][0])
        return None

    def preference(self, service: str) -> int:
        """Return how well a service is liked, the least the best: rules of higher priority decide before lower ones."""
        known = self._liked.get(service)
        if known is None:
            known = 0
            for services in self.preferred:
                known = known * 2 + (service not in services)
            self._liked[service] = known
        return known

    def surcharge_milli(self, service: str, net_minor: int, currency: str) -> int:
        """Return what these rules add to the cost of a service, in 1/1000 minor unit."""
        added = 0
        for _, (services, amount, of, basis_points) in self.charges:
            if service in services:
                added += net_minor * basis_points // 10 + (amount * 1000 if of == currency else 0)
        return added


def _heard(ranked: Sequence[Rule]) -> Iterable[tuple[str, frozenset[str]]]:
    """Return the requirements that count: one that has nothing in common with those of higher priority does not."""
    possible: frozenset[str] | None = None
    above: frozenset[str] | None = None
    priority: int | None = None
    for rule in ranked:
        required = rule.actions.require
        if required is None:
            continue
        if rule.priority != priority:
            priority, above = rule.priority, possible
        if above is None or above & required:
            possible = required if possible is None else possible & required
            yield rule.id, required


def effects_of(rules: Iterable[Rule]) -> Effects:
    """Return the joint effect of rules."""
    return Effects(tuple(rules))
