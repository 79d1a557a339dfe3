"""Laws of the rule language, each against trying every order of a small world."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from unit.router.rule_worlds import HARD, SMALL, documents, effects, every_order, holds, outcome, parsed

from linkstar_router.domain.rules.catalogue import shipped_catalogue
from linkstar_router.domain.rules.checking import Report, check_rules
from linkstar_router.domain.rules.compiled import compile_rules
from linkstar_router.domain.rules.document import RuleSet, parse_rules
from linkstar_router.domain.rules.examples import example_in
from linkstar_router.domain.rules.facts import Facts
from linkstar_router.domain.rules.rule import Rule
from linkstar_router.domain.rules.space import Space

ORDERS = tuple(every_order())
ALL = (*HARD, "prefer", "hold", "ask_for", "surcharge")


def _report(rules: RuleSet) -> Report:
    report = check_rules(rules, SMALL)
    assert report.skipped == ()
    return report


@examples(max_examples=60)
@given(documents(ALL, most=8))
def test_the_compiled_function_means_what_the_conditions_say(document: dict[str, Any]) -> None:
    rules = parsed(document).rules
    compiled = compile_rules(rules, "v1")
    for facts in ORDERS[::5]:
        found = [rule.id for place, rule in enumerate(rules) if compiled.match(facts) >> place & 1]
        assert found == [rule.id for rule in rules if holds(rule, facts)]
        assert compiled.effects(compiled.match(facts)).rules == tuple(found)


@examples(max_examples=60)
@given(documents(ALL))
def test_examples_of_a_box_lie_in_it_and_boxes_miss_no_order(document: dict[str, Any]) -> None:
    rules = parsed(document).rules
    space = Space(rules, ("GB", "US"))
    for rule in rules:
        found = [order for box in space.boxes(rule) if (order := example_in(space, box)) is not None]
        assert all(holds(rule, order) for order in found)
        assert bool(found) == any(holds(rule, order) for order in ORDERS)


def _cornering(rules: tuple[Rule, ...], facts: Facts) -> bool:
    services = SMALL.within(facts.country)
    return bool(services) and all(effects(rules, facts).ruled_out(service) for service in services)


@examples(max_examples=80)
@given(documents(("forbid", "require"), most=4))
@example({"rules": [
    {"id": "a", "when": {"channel": "a"}, "then": {"forbid": "ups/air"}},
    {"id": "b", "when": {"weight": {"over": "5 lb"}}, "then": {"forbid": "ups/ground"}},
    {"id": "c", "when": {"country": "US"}, "then": {"require": "ups"}},
]})  # fmt: skip
def test_contradictions_are_exactly_the_least_sets_that_leave_an_order_nothing(document: dict[str, Any]) -> None:
    rules = parsed(document)
    found = {
        finding.rules for finding in _report(rules).findings
        if finding.code in ("rules.contradictory", "rules.no_service_left")
    }  # fmt: skip
    assert found == set(_least_cornering(rules.rules))


def _least_cornering(rules: tuple[Rule, ...]) -> Iterator[tuple[str, ...]]:
    for country in ("US", "GB"):
        orders = [order for order in ORDERS if order.country == country]
        found: list[set[str]] = []
        for chosen in (chosen for size in range(1, len(rules) + 1) for chosen in combinations(rules, size)):
            names = {rule.id for rule in chosen}
            if any(known <= names for known in found):
                continue
            if any(all(holds(rule, order) for rule in chosen) and _cornering(chosen, order) for order in orders):
                found.append(names)
                yield tuple(rule.id for rule in chosen)


@examples(max_examples=80)
@given(documents(HARD, most=5))
def test_no_order_is_cornered_without_being_told(document: dict[str, Any]) -> None:
    rules = parsed(document)
    cornered = any(_cornering(rules.rules, order) for order in ORDERS)
    codes = {finding.code for finding in _report(rules).findings}
    assert not cornered or codes & {"rules.contradictory", "rules.no_service_left"}


@examples(max_examples=80)
@given(documents(ALL))
@example({"rules": [  # the third silences the second
    {"id": "r1", "when": {}, "then": {"require": ["usps"]}, "priority": 0},
    {"id": "r2", "when": {}, "then": {"require": ["ups"]}, "priority": 0},
    {"id": "r3", "when": {}, "then": {"require": ["usps"]}, "priority": 1},
]})  # fmt: skip
def test_what_is_called_without_effect_can_go_and_nothing_changes(document: dict[str, Any]) -> None:
    rules = parsed(document)
    gone = {
        finding.rules[0] for finding in _report(rules).findings
        if finding.code in ("rules.shadowed", "rules.no_effect", "rules.never_matches")
    }  # fmt: skip
    left = [rule for rule in rules.rules if rule.id not in gone]
    assert all(outcome(rules.rules, order) == outcome(left, order) for order in ORDERS)


@examples(max_examples=30)
@given(documents(("forbid", "hold", "ask_for"), most=5))
def test_every_other_rule_changes_something(document: dict[str, Any]) -> None:
    rules = parsed(document)
    gone = {
        finding.rules[0] for finding in _report(rules).findings
        if finding.code in ("rules.shadowed", "rules.no_effect", "rules.never_matches")
    }  # fmt: skip
    left = [rule for rule in rules.rules if rule.id not in gone]
    for rule in left:
        without = [other for other in left if other is not rule]
        assert any(outcome(left, order) != outcome(without, order) for order in ORDERS), rule.id


@examples(max_examples=60)
@given(documents(ALL, most=6), st.sampled_from(["US", "GB"]))
def test_a_country_is_uncovered_exactly_when_some_order_meets_no_rule(document: dict[str, Any], country: str) -> None:
    rules = parsed(document)
    notes = [finding for finding in _report(rules).findings if finding.code == "rules.uncovered"]
    free = any(
        order.country == country and not any(holds(rule, order) for rule in rules.rules) for order in ORDERS
    )  # fmt: skip
    assert any(finding.example["country"] == country for finding in notes) == free


def test_two_contradicting_rules_are_found_among_many() -> None:
    """However many others make the search for larger sets give up."""
    shipped = shipped_catalogue()
    offered = sorted(shipped.within("US"))
    half, first, others = len(offered) // 2, offered[0], offered[1:]
    clash = [
        {"id": f"z{n}", "when": {"country": "US", "channel": "z"}, "then": {"forbid": part}}
        for n, part in enumerate((offered[:half], offered[half:]))
    ]
    noise = [
        {"id": f"n{n}", "when": {"country": "US", "channel": "y", "sku": [f"S{n}-*", f"T{n}-*"]},
         "then": {"forbid": others[n % 8 :: 8]}}
        for n in range(39)
    ] + [
        {"id": f"l{n}", "when": {"country": "US", "channel": "x", "sku": [f"L{n}-*"]}, "then": {"forbid": [first]}}
        for n in range(9)
    ]  # fmt: skip
    report = check_rules(parse_rules({"rules": noise + clash}, shipped), shipped)
    assert any("too many combinations" in skipped for skipped in report.skipped)
    assert [finding.rules for finding in report.errors if finding.code == "rules.contradictory"] == [("z0", "z1")]
