"""Automation rules: what they fit, when they hold, their order, and that a dry run tells what the timer would do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from unit.tracker.tracked_facts import LABELLED

from linkstar_contracts.events import ExceptionCode, ResponsibleParty, RuleOutcome, Severity
from linkstar_contracts.values import Money
from linkstar_tracker.domain.automation import AutomationRule, Occasion, RuleDocument
from linkstar_tracker.domain.dry_run import DryRun
from linkstar_tracker.domain.rule_plan import plan

HOUR = timedelta(hours=1)
OPENED = LABELLED + 100 * HOUR
CODES = ("track.silent", "track.lost", "track.delivery_failed")


def occasion(
    code: str = "track.lost", ended: datetime | None = None, heard: Sequence[float] = (0,), **more: Any
) -> Occasion:
    told = Occasion(
        f"{code}.s-1", ExceptionCode(code), Severity.CRITICAL, ResponsibleParty.CARRIER, OPENED, ended, "ups", "ground",
        "US", "CA", "order", Money(amount_minor=20_000, currency="USD"), tuple(LABELLED + hours * HOUR for hours in heard),
    )  # fmt: skip
    return told._replace(**more)


def rule(name: str = "r", when: dict[str, Any] | None = None, then: dict[str, Any] | None = None, **more: Any) -> Any:
    return {"id": name, "when": when or {}, "then": then or {"action": "trace"}} | more


def document(*rules: Any) -> RuleDocument:
    return RuleDocument.model_validate({"rules": rules})


def outcomes(of: RuleDocument, about: Occasion, now: datetime, fired: Sequence[str] = ()) -> list[tuple[str, str]]:
    return [(each.rule.id, each.outcome.value) for each in plan(of.ordered, about, fired, now).firings]


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({}, True),
        ({"code": "track.lost"}, True),
        ({"code": ["track.silent", "track.lost"], "carrier": "ups", "country": ["US", "CA"]}, True),
        ({"code": "track.silent"}, False),
        ({"carrier": ["usps", "fedex"]}, False),
        ({"origin": "US", "kind": "order", "party": "carrier", "severity": "critical"}, True),
        ({"kind": "return"}, False),
        ({"value": {"over": "199.99 USD", "up_to": "200.00 USD"}}, True),
        ({"value": {"over": "200.00 USD"}}, False),
        ({"value": {"at_least": "200.00 USD"}}, True),
        ({"value": {"under": "200.00 USD"}}, False),
        ({"value": {"at_least": "1.00 EUR"}}, False),
    ],
)
def test_all_of_a_condition_must_hold(when: dict[str, Any], fits: bool) -> None:
    assert bool(outcomes(document(rule(when=when)), occasion(), OPENED)) is fits


def test_a_value_nobody_knows_fits_no_band() -> None:
    assert outcomes(document(rule(when={"value": {"at_least": "0.00 USD"}})), occasion(value=None), OPENED) == []


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (rule(when={"code": "track.tired"}), "use one of track"),
        (rule(when={"code": "label.failed"}), "use one of track"),
        (rule(when={"value": {"over": "5 USD", "under": "5 USD"}}), "swap them"),
        (rule(when={"value": {"over": "5 USD", "under": "9 EUR"}}), "one currency"),
        (rule(when={"value": {"over": "5"}}), "has no currency"),
        (rule(when={"weather": "bad"}), "Extra inputs"),
        (rule(then={"note": "x"}), "Extra inputs"),
        (rule(then={"action": "redirect"}), "Input should be"),
        ({"id": "r", "then": {}}, "does nothing"),
        (rule(name="no spaces here"), "match pattern"),
    ],
)
def test_faults_name_their_remedy(body: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        document(body)


def test_ids_stand_once() -> None:
    with pytest.raises(ValidationError, match="two rules are called r"):
        document(rule(), rule())


def test_the_first_that_wants_an_action_asks_and_all_others_still_tell() -> None:
    of = document(
        rule("low", then={"action": "trace", "notify": ["ops"]}, priority=-1),
        rule("told", then={"assignee": "li.wei"}),
        rule("first", then={"action": "hold"}, priority=5),
        rule("shadow", then={"action": "intercept"}, state="shadow", priority=9),
        rule("draft", state="draft", priority=99),
    )
    assert outcomes(of, occasion(), OPENED) == [
        ("shadow", "shadow"), ("first", "asked"), ("told", "told"), ("low", "outranked")
    ]  # fmt: skip
    assert plan(of.ordered, occasion(), (), OPENED).firings[-1].why == "first"


def test_age_and_silence_say_when() -> None:
    of = document(rule("old", {"age_hours": 24}), rule("silent", {"silent_hours": 200}))
    assert plan(of.ordered, occasion(), (), OPENED).due_at == OPENED + 24 * HOUR
    later = plan(of.ordered, occasion(), ("old",), OPENED + 24 * HOUR)
    assert (later.firings, later.due_at) == ((), LABELLED + 200 * HOUR)
    assert plan(of.ordered, occasion(heard=(0, 150)), ("old",), OPENED).due_at == LABELLED + 350 * HOUR
    assert plan(of.ordered, occasion(), ("old", "silent"), OPENED).due_at is None


def test_nothing_fires_after_the_exceptions_end() -> None:
    of = document(rule("old", {"age_hours": 24}))
    assert outcomes(of, occasion(ended=OPENED + 24 * HOUR), OPENED + 99 * HOUR) == []
    assert outcomes(of, occasion(ended=OPENED + 25 * HOUR), OPENED + 99 * HOUR) == [("old", "asked")]


WHEN = st.fixed_dictionaries({}, optional={
    "code": st.lists(st.sampled_from(CODES), min_size=1, max_size=2, unique=True),
    "age_hours": st.integers(1, 60), "silent_hours": st.integers(1, 200),
})  # fmt: skip
THEN = st.sampled_from([{"action": "trace"}, {"action": "hold", "notify": ["a"]}, {"assignee": "b"}])
RULES = st.lists(st.tuples(WHEN, THEN, st.integers(-2, 2), st.sampled_from(["active", "shadow"])), max_size=6).map(
    lambda each: document(*(rule(f"r{n}", w, t, priority=p, state=s) for n, (w, t, p, s) in enumerate(each)))
)
OCCASIONS = st.builds(
    lambda code, ended, heard: occasion(code, OPENED + ended * HOUR if ended else None, sorted({0, *heard})),
    st.sampled_from(CODES), st.none() | st.integers(1, 200), st.lists(st.integers(1, 250), max_size=4),
)  # fmt: skip


@given(RULES, OCCASIONS)
def test_a_rule_fires_once_and_one_action_at_most_is_asked_for_at_an_instant(of: RuleDocument, about: Occasion) -> None:
    firings = plan(of.ordered, about, (), OPENED + 1000 * HOUR).firings
    names = [each.rule.id for each in firings]
    assert len(names) == len(set(names))
    asking = [each.at for each in firings if each.outcome is RuleOutcome.ASKED]
    assert len(asking) == len(set(asking))
    wanting = {each.at for each in firings if each.rule.then.action and each.rule.state == "active"}
    assert set(asking) == wanting
    assert plan(of.ordered, about, names, OPENED + 1000 * HOUR).firings == ()


@given(RULES, OCCASIONS.filter(lambda each: len(each.heard_at) == 1), st.lists(st.integers(0, 300), max_size=6))
def test_looking_late_or_often_changes_nothing(of: RuleDocument, about: Occasion, looks: list[int]) -> None:
    end = OPENED + 1000 * HOUR
    at_once = plan(of.ordered, about, (), end).firings
    found, fired = [], set[str]()
    for now in [*(OPENED + hours * HOUR for hours in sorted(looks)), end]:
        firings = plan(of.ordered, about, fired, now).firings
        found += firings
        fired |= {each.rule.id for each in firings}
    assert found == list(at_once)


@given(RULES, OCCASIONS)
def test_due_at_is_the_next_instant_at_which_something_fires(of: RuleDocument, about: Occasion) -> None:
    now, fired = OPENED, set[str]()
    while True:
        found = plan(of.ordered, about, fired, now)
        fired |= {each.rule.id for each in found.firings}
        if found.due_at is None:
            break
        assert found.due_at > now
        assert plan(of.ordered, about, fired, found.due_at - timedelta(microseconds=1)).firings == ()
        assert plan(of.ordered, about, fired, found.due_at).firings
        now = found.due_at


@given(RULES, st.lists(OCCASIONS, max_size=8))
def test_a_dry_run_counts_what_would_fire(of: RuleDocument, past: list[Occasion]) -> None:
    run, now = DryRun(of.ordered, OPENED + 150 * HOUR), OPENED + 150 * HOUR
    for each in past:
        run.add("s-1", each)
    firings = [firing for each in past for firing in plan(of.ordered, each, (), now).firings]
    told = run.told()
    assert told["looked_at"] == len(past)
    assert {each["id"]: each["would_fire"] for each in told["rules"]} == {
        one.id: sum(firing.rule.id == one.id for firing in firings) for one in of.ordered
    }
    assert all(len(each["samples"]) == min(5, each["would_fire"]) for each in told["rules"])


def test_the_same_document_has_the_same_digest() -> None:
    assert document(rule()).digest == document(rule()).digest != document(rule(priority=1)).digest


def test_conditions_are_as_many_as_documented() -> None:
    assert AutomationRule.model_validate(rule(when={"silent_hours": 2160})).when.silent_hours == 2160
    with pytest.raises(ValidationError):
        AutomationRule.model_validate(rule(when={"age_hours": 0}))
