"""Small worlds of rules and orders in which everything can be tried, for the laws of the rule language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from hypothesis import strategies as st

from linkstar_router.domain.rules.catalogue import Catalogue
from linkstar_router.domain.rules.conditions import AnyOf, Between, Condition, Flag, InPostcodes, OneOf
from linkstar_router.domain.rules.document import RuleSet, parse_rules
from linkstar_router.domain.rules.effects import Effects, effects_of
from linkstar_router.domain.rules.facts import NOWHERE, Facts
from linkstar_router.domain.rules.rule import Rule

SMALL = Catalogue({"ups/ground": "US", "ups/air": "US", "usps/ground": "US", "evri/standard": "GB"})
LB = 4_535_923_700_000_000
_TARGETS = ("ups", "usps", "ups/air", "evri", "ups/ground")
_PARCELS = (({"none"}, 1), ({"in_equipment"}, 1), ({"standalone"}, 1), ({"none", "standalone"}, 2))


def _maybe(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(st.just({}), st.builds(lambda value: {name: value}, values))


_bounds = st.sampled_from([{"over": "5 lb"}, {"up_to": "10 lb"}, {"over": "5 lb", "up_to": "10 lb"}, {"under": "5 lb"}])
_countries = st.sampled_from(["US", "GB", ["US", "GB"], {"not": ["US"]}])
_when = st.builds(
    lambda *parts: {key: value for part in parts for key, value in part.items()},
    _maybe("country", _countries), _maybe("channel", st.sampled_from(["a", ["a", "b"], {"not": "b"}])),
    _maybe("weight", _bounds), _maybe("battery", st.sampled_from(["standalone", {"none": "standalone"}, "none"])),
    _maybe("tag", st.sampled_from(["x*", "xy", {"none": "x*"}, ["xy", "z"]])),
)  # fmt: skip
_services = st.lists(st.sampled_from(_TARGETS), min_size=1, max_size=2, unique=True)
HARD = ("forbid", "allow", "require")


def documents(actions: Sequence[str], most: int = 5) -> st.SearchStrategy[dict[str, Any]]:
    """Rule documents whose rules do some of these actions."""
    named = dict.fromkeys(("forbid", "allow", "require", "prefer"), _services)
    others = {
        "hold": st.just("ask first"), "ask_for": st.sampled_from(["signature", "insurance"]),
        "surcharge": st.builds(lambda on: {"services": on, "amount": "1.00 USD"}, _services),
    }  # fmt: skip
    then = st.one_of([st.builds(lambda value, name=name: {name: value}, {**named, **others}[name]) for name in actions])
    rules = st.lists(st.tuples(_when, then, st.integers(0, 1)), max_size=most)
    return rules.map(lambda found: {"rules": [
        {"id": f"r{place}", "when": when, "then": then, "priority": priority}
        for place, (when, then, priority) in enumerate(found)
    ]})  # fmt: skip


def parsed(document: dict[str, Any]) -> RuleSet:
    return parse_rules(document, SMALL)


def every_order() -> Iterator[Facts]:
    """Every order that these rules can tell apart."""
    for country, channel, weight, (battery, parcels), tags in product(
        ("US", "GB", "ZZ"), ("a", "b", "c"), (4, 5, 7, 12), _PARCELS,
        (set(), {"xa"}, {"xy"}, {"z"}, {"xy", "z"}, {"xa", "z"}),
    ):  # fmt: skip
        yield NOWHERE._replace(
            country=country, channel=channel, weight=weight * LB, battery=frozenset(battery), parcels=parcels,
            tag=frozenset(tags),
        )  # fmt: skip


def holds(rule: Rule, facts: Facts) -> bool:
    """The meaning of conditions, word for word."""
    return all(_fulfilled(condition, facts) for condition in rule.conditions)


def _fulfilled(condition: Condition, facts: Facts) -> bool:
    value = getattr(facts, condition.field)
    match condition:
        case OneOf(values=values, negated=negated):
            return (value in values) != negated
        case Flag(value=wanted):
            return bool(value) == wanted
        case Between(low=low, high=high):
            return (low is None or value >= low) and (high is None or value <= high)
        case InPostcodes(ranges=ranges):
            return any(first <= value and value[: len(last)] <= last for first, last in ranges)
        case AnyOf(patterns=patterns, negated=negated):
            fits = any(
                word.startswith(p.text) if p.open_ended else word == p.text for word in value for p in patterns
            )  # fmt: skip
            return fits != negated


def effects(rules: Sequence[Rule], facts: Facts) -> Effects:
    return effects_of([rule for rule in rules if holds(rule, facts)])


def outcome(rules: Sequence[Rule], facts: Facts) -> tuple[object, ...]:
    """All that rules do to an order, as far as anybody could see it."""
    found = effects(rules, facts)
    if found.hold is not None:
        return ("held",)
    left = [name for name in sorted(SMALL.within(facts.country)) if found.ruled_out(name) is None]
    ranks = sorted({found.preference(name) for name in left})
    return (
        [(name, ranks.index(found.preference(name)), found.surcharge_milli(name, 100, "USD")) for name in left],
        found.ask_for,
    )  # fmt: skip
