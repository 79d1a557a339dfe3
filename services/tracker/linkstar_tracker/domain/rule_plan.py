"""Which rules fire about an exception, when, and which of them may ask for its action."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from linkstar_contracts.events import RuleOutcome
from linkstar_tracker.domain.automation import AutomationRule, Occasion

__all__ = ["Firing", "Plan", "plan"]


class Firing(NamedTuple):
    """A rule that fires. `why` names the rule that went before an outranked one."""

    rule: AutomationRule
    at: datetime
    outcome: RuleOutcome
    why: str = ""


class Plan(NamedTuple):
    """What fires now, in its order, and when to look again; None where nothing more can come."""

    firings: tuple[Firing, ...]
    due_at: datetime | None


def plan(ordered: Sequence[AutomationRule], occasion: Occasion, fired: Collection[str], now: datetime) -> Plan:
    """Return what of these rules, heard in this order, follows for the occasion until `now`.

    Every rule whose conditions hold fires, and fires once. Of those that fire at one instant the first that wants an action
    asks for it and the others' wishes are outranked; that is so however late somebody looks. Nothing fires after the
    exception's end.
    """
    waiting = list(_waiting(ordered, occasion, fired))
    due = sorted((at, place) for at, place in waiting if at <= now)
    later = min((at for at, _ in waiting if at > now), default=None)
    asked: dict[datetime, str] = {}
    return Plan(tuple(_fire(ordered[place], at, asked) for at, place in due), later)


def _waiting(
    ordered: Sequence[AutomationRule], occasion: Occasion, fired: Collection[str]
) -> Iterator[tuple[datetime, int]]:  # fmt: skip
    for place, rule in enumerate(ordered):
        at = None if rule.id in fired else rule.when.holds_from(occasion)
        if at is not None and (occasion.ended_at is None or at < occasion.ended_at):
            yield at, place


def _fire(rule: AutomationRule, at: datetime, asked: dict[datetime, str]) -> Firing:
    if rule.state == "shadow":
        return Firing(rule, at, RuleOutcome.SHADOW)
    if rule.then.action is None:
        return Firing(rule, at, RuleOutcome.TOLD)
    first = asked.setdefault(at, rule.id)
    return Firing(rule, at, RuleOutcome.ASKED) if first == rule.id else Firing(rule, at, RuleOutcome.OUTRANKED, first)
