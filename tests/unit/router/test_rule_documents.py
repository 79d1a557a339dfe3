"""Rule documents: every fault is named with rule, field and remedy, and nothing of a faulty document is taken."""

from __future__ import annotations

from typing import Any

import pytest

from linkstar_router.domain.rules.catalogue import shipped_catalogue
from linkstar_router.domain.rules.checking import Report, check_rules
from linkstar_router.domain.rules.compiled import compile_rules
from linkstar_router.domain.rules.document import MOST_RULES, parse_rules, read_document
from linkstar_router.domain.rules.effects import Effects
from linkstar_router.domain.rules.facts import NOWHERE, Facts
from linkstar_router.domain.rules.faults import BadRules
from linkstar_router.domain.snapshot import shipped

LB = 4_535_923_700_000_000


def _rule(**more: Any) -> dict[str, Any]:
    return {"id": "one", "then": {"forbid": "usps"}, **more}


@pytest.mark.parametrize(
    ("rule", "code", "field", "hint"),
    [
        (_rule(when={"countri": "US"}), "rules.unknown_field", "when.countri", "did you mean country?"),
        (_rule(when={"country": False}), "rules.not_text", "when.country", "in quotes"),
        (_rule(when={"country": "USA"}), "rules.bad_value", "when.country", "two letters"),
        (_rule(when={"level": "fast"}), "rules.bad_value", "when.level", "expedited"),
        (_rule(when={"battery": "standalon"}), "rules.bad_value", "when.battery", "did you mean standalone?"),
        (_rule(when={"state": "AK"}), "rules.country_needed", "when.state", "country: US"),
        (_rule(when={"country": "US", "postcode": 2134}), "rules.not_text", "when.postcode", "in quotes"),
        (_rule(when={"country": "US", "postcode": "9-1"}), "rules.never_matches", "when.postcode", "lower postcode first"),
        (_rule(when={"channel": []}), "rules.never_matches", "when.channel", "at least one"),
        (_rule(when={True: 1}), "rules.unknown_field", "when.True", "use one of"),
        (_rule(when={"weight": {"over": "1e999999999 lb"}}), "rules.bad_unit", "when.weight", "5 lb"),
        (_rule(when={"weight": {"over": "-5 lb"}}), "rules.bad_unit", "when.weight", "5 lb"),
        (_rule(when={"value": {"over": "1e99999 USD"}}), "rules.bad_amount", "when.value", "12.50 USD"),
        (_rule(when={"value": {"over": "NaN USD"}}), "rules.bad_amount", "when.value", "12.50 USD"),
        (_rule(then={"hold": 7}), "rules.bad_value", "then.hold", "reason"),
        (_rule(when={"weight": {"over": 5}}), "rules.bad_unit", "when.weight", "5 lb"),
        (_rule(when={"weight": "5 lb"}), "rules.bad_bound", "when.weight", "over, at_least, under and up_to"),
        (_rule(when={"weight": {"over": "5 lb", "up_to": "80 oz"}}), "rules.never_matches", "when.weight", "lower"),
        (_rule(when={"longest_side": {"over": "5 lb"}}), "rules.bad_unit", "when.longest_side", "48 in"),
        (_rule(when={"value": {"over": "5"}}), "rules.bad_amount", "when.value", "12.50 USD"),
        (_rule(when={"value": {"over": "5 USD", "up_to": "9 EUR"}}), "rules.bad_value", "when.value", "each currency"),
        (_rule(when={"parcels": {"over": True}}), "rules.bad_value", "when.parcels", "whole number"),
        (_rule(when={"po_box": "yes"}), "rules.bad_value", "when.po_box", "true or false"),
        (_rule(then={}), "rules.no_action", "then", "forbid"),
        (_rule(then={"forbit": "ups"}), "rules.unknown_action", "then.forbit", "did you mean forbid?"),
        (_rule(then={"forbid": "upps"}), "rules.unknown_service", "then.forbid", "did you mean ups?"),
        (_rule(then={"prefer": "usps/grund"}), "rules.unknown_service", "then.prefer", "ups/ground"),
        (_rule(then={"surcharge": {"amount": "1 USD"}}), "rules.bad_surcharge", "then.surcharge", "services: [ups]"),
        (_rule(then={"ask_for": "insuranc"}), "rules.bad_value", "then.ask_for", "did you mean insurance?"),
        (_rule(then={"hold": ""}), "rules.bad_value", "then.hold", "reason"),
        (_rule(state="on"), "rules.bad_value", "state", "active"),
        (_rule(priority="high"), "rules.bad_value", "priority", "whole number"),
        (_rule(valid_from="tomorrow"), "rules.bad_date", "valid_from", "2026-11-27"),
        (_rule(valid_from="2026-12-01", valid_to="2026-11-01"), "rules.never_matches", "valid_to", "swap"),
        (_rule(prio=1), "rules.unknown_key", "prio", "did you mean priority?"),
        (_rule(id="a b"), "rules.no_id", "id", "no-air-batteries"),
    ],
)  # fmt: skip
def test_a_fault_names_rule_field_and_remedy(rule: dict[str, Any], code: str, field: str, hint: str) -> None:
    with pytest.raises(BadRules) as refused:
        parse_rules({"rules": [_rule(id="sound"), rule]}, shipped_catalogue())
    (fault,) = refused.value.faults
    assert (fault.code, fault.field) == (code, field)
    assert fault.rule in ("one", "a b")
    assert hint in fault.fix


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("rules: [", "rules.not_yaml"), ("rules: {}", "rules.no_rules"), ("- 1", "rules.no_rules"),
        ("rules: []\nrule: 1", "rules.unknown_key"), ("rules: [1]", "rules.not_a_rule"),
        ("rules:\n  - id: a\n    when: {country: US, country: GB}\n    then: {forbid: usps}", "rules.key_twice"),
        ("rules: [{id: a, then: {forbid: usps}}, {id: a, then: {forbid: ups}}]", "rules.id_twice"),
        ("rules: [" + "{id: a, then: {forbid: usps}}, " * (MOST_RULES + 1) + "]", "rules.too_many"),
        ('{"rules": [], "\\ud800": 1}', "rules.bad_text"),
        ("{? {a: 1} : 2}", "rules.not_yaml"), ("rules: !!python/object:os.system []", "rules.not_yaml"),
    ],
)  # fmt: skip
def test_documents_that_are_none(text: str, code: str) -> None:
    with pytest.raises(BadRules) as refused:
        parse_rules(read_document(text), shipped_catalogue())
    assert code in {fault.code for fault in refused.value.faults}


def _effects(rules: list[dict[str, Any]], **facts: Any) -> Effects:
    named = [{"id": f"r{place}", **rule} for place, rule in enumerate(rules)]
    compiled = compile_rules(parse_rules({"rules": named}, shipped_catalogue()).rules, "v1")
    return compiled.effects(compiled.match(NOWHERE._replace(**facts)))


def _left(effects: Effects, country: str = "US") -> set[str]:
    return {key.partition("/")[0] for key in shipped_catalogue().within(country) if effects.ruled_out(key) is None}


def test_forbid_beats_require_beats_prefer_then_priority() -> None:
    forbidding, requiring = {"then": {"forbid": "ups"}}, {"then": {"require": ["ups", "usps"]}}
    assert _left(_effects([requiring, forbidding])) == {"usps"}
    preferring = [{"then": {"prefer": "fedex"}}, {"then": {"prefer": "ups"}, "priority": 1}]
    effects = _effects([requiring, *preferring])
    assert effects.ruled_out("fedex/2day") == ("rule_requires_another", "r0")
    assert (
        effects.preference("ups/ground") < effects.preference("fedex/2day") < effects.preference("usps/priority_mail")
    )


def test_a_requirement_of_higher_priority_overrules_one_that_has_nothing_in_common() -> None:
    rules = [{"then": {"require": "usps"}}, {"then": {"require": ["ups", "fedex"]}, "priority": 5}]
    assert _left(_effects(rules)) == {"ups", "fedex"}
    assert _left(_effects([*rules, {"then": {"require": "ups"}}])) == {"ups"}


def test_allows_add_up_and_leave_the_rest_out() -> None:
    rules = [{"then": {"allow": "usps"}}, {"when": {"tag": "fragile"}, "then": {"allow": "ups"}}]
    assert _left(_effects(rules)) == {"usps"}
    assert _left(_effects(rules, tag=frozenset({"fragile"}))) == {"usps", "ups"}
    assert _effects(rules).ruled_out("fedex/2day") == ("rule_allows_others", "r0")


def test_surcharges_of_another_currency_do_not_count() -> None:
    on = {"services": ["ups"], "amount": "1.50 USD", "percent": 10}
    effects = _effects([{"then": {"surcharge": on}}])
    assert effects.surcharge_milli("ups/ground", 1000, "USD") == 150_000 + 100_000
    assert effects.surcharge_milli("ups/ground", 1000, "EUR") == 100_000
    assert effects.surcharge_milli("usps/priority_mail", 1000, "USD") == 0


@pytest.mark.parametrize(
    ("when", "facts", "holds"),
    [
        ({"weight": {"over": "5 lb"}}, {"weight": 5 * LB}, False),
        ({"weight": {"over": "80 oz"}}, {"weight": 5 * LB + 1}, True),
        ({"weight": {"at_least": "80 oz"}}, {"weight": 5 * LB}, True),
        ({"weight": {"under": "5 lb"}}, {"weight": 5 * LB}, False),
        ({"volume": {"over": "2 cu ft"}}, {"volume": 3456 * 2_540_000**3}, False),
        ({"value": {"over": "10.00 USD"}}, {"value": 1001, "currency": "USD"}, True),
        ({"value": {"over": "10.00 USD"}}, {"value": 1001, "currency": "EUR"}, False),
        ({"country": "US", "postcode": "995"}, {"country": "US", "postcode": "99501"}, True),
        ({"country": "US", "postcode": "99400-99499"}, {"country": "US", "postcode": "99501"}, False),
        ({"country": "GB", "postcode": ["KA27-KA28"]}, {"country": "GB", "postcode": "KA28"}, True),
        ({"country": "GB", "postcode": "IV"}, {"country": "GB", "postcode": "IV27"}, True),
        ({"country": "us", "state": "ak"}, {"country": "US", "state": "AK"}, True),
        ({"sku": "ABC-*"}, {"sku": frozenset({"X", "ABC-1"})}, True),
        ({"sku": {"none": "ABC-*"}}, {"sku": frozenset({"X", "ABC-1"})}, False),
        ({"tag": {"none": "gift"}}, {}, True),
        ({"level": {"not": "standard"}}, {}, False),
    ],
)
def test_conditions_are_exact(when: dict[str, Any], facts: dict[str, Any], holds: bool) -> None:
    assert bool(_effects([{"when": when, "then": {"forbid": "usps"}}], **facts).rules) == holds


def test_validity_counts_both_days() -> None:
    rule = {"valid_from": "2026-11-27", "valid_to": "2026-11-28", "then": {"forbid": "usps"}}
    first = 739_947
    assert [bool(_effects([rule], day=first + day).rules) for day in (-1, 0, 1, 2)] == [False, True, True, False]


def test_rules_in_draft_and_shadow_do_nothing() -> None:
    assert _effects([{"state": state, "then": {"forbid": "usps"}} for state in ("draft", "shadow")]).rules == ()


def _check(*rules: dict[str, Any]) -> Report:
    named = [{"id": f"r{place}", **rule} for place, rule in enumerate(rules)]
    return check_rules(parse_rules({"rules": named}, shipped_catalogue()), shipped_catalogue())


def _graver(report: Report) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.code, finding.rules) for finding in report.findings if finding.severity != "note"]


@pytest.mark.parametrize(
    "when",
    [
        {"longest_side": {"over": "40 in"}, "length_girth": {"under": "40 in"}},
        {"longest_side": {"under": "2 in"}, "volume": {"over": "8 cu in"}},
        {"length_girth": {"over": "51 in"}, "longest_side": {"up_to": "10 in"}},
        {"battery": {"none": ["none", "in_equipment", "with_equipment", "standalone"]}},
        {"weight": {"over": "3000000 lb"}},
    ],
)
def test_impossible_parcels_never_match(when: dict[str, Any]) -> None:
    try:
        found = _graver(_check({"when": {"country": "US", **when}, "then": {"forbid": "usps"}}))
    except BadRules as refused:
        found = [(fault.code, (fault.rule,)) for fault in refused.faults]
    assert found == [("rules.never_matches", ("r0",))]


def test_possible_sizes_are_not_called_impossible() -> None:
    sizes = {"longest_side": {"under": "2.1 in"}, "volume": {"over": "8 cu in"}}
    assert _graver(_check({"when": {"country": "US", **sizes}, "then": {"forbid": "usps"}})) == []


def test_a_union_of_postcodes_shadows_what_none_of_them_does_alone() -> None:
    halves = [{"when": {"country": "US", "postcode": span}, "then": {"forbid": "ups"}} for span in ("0-4", "5-9")]
    middle = {"when": {"country": "US", "postcode": "45-54"}, "then": {"forbid": "ups/ground"}}
    assert _graver(_check(*halves, middle)) == [("rules.shadowed", ("r2", "r0", "r1"))]
    assert _graver(_check(halves[0], middle)) == []


def test_a_service_of_another_country_has_no_effect() -> None:
    assert _graver(_check({"when": {"country": "US"}, "then": {"prefer": "evri"}})) == [("rules.no_effect", ("r0",))]


def test_dates_keep_rules_apart() -> None:
    summer = {"valid_to": "2026-08-31", "when": {"country": "US"}, "then": {"require": "usps"}}
    autumn = {"valid_from": "2026-09-01", "when": {"country": "US"}, "then": {"require": "ups"}}
    assert _graver(_check(summer, autumn)) == []
    assert _graver(_check(summer, autumn | {"valid_from": "2026-08-31"})) == [("rules.contradictory", ("r0", "r1"))]


def test_a_contradiction_with_a_rule_in_shadow_does_not_keep_a_set_back() -> None:
    report = _check({"then": {"require": "usps"}}, {"state": "shadow", "then": {"forbid": "usps"}})
    assert report.errors == ()
    assert "rules.contradictory" in {finding.code for finding in report.findings}


def test_what_takes_too_long_is_named() -> None:
    places = [{"when": {"weight": {"over": f"{n} lb"}, "longest_side": {"over": f"{(n * 71) % 199} in"},
                        "value": {"over": f"{(n * 37) % 193}.00 USD"}, "volume": {"over": f"{(n * 53) % 197} cu in"},
                        "tag": f"t{n % 7}", "channel": f"c{n % 3}"},
               "then": {"forbid": "usps"}} for n in range(1, 190)]  # fmt: skip
    report = _check(*places)
    assert any("shadowed" in question for question in report.skipped)


def test_the_catalogue_is_what_the_router_rates() -> None:
    assert shipped_catalogue().countries == {service.key: service.country for service in shipped().services}


def test_facts_of_an_ordinary_order_meet_no_condition_by_accident() -> None:
    assert Facts._fields == NOWHERE._fields
    assert not any((NOWHERE.signature, NOWHERE.hazmat, NOWHERE.po_box))
