"""Pairs of rules that pull an order in different directions, and which of the two wins."""

from __future__ import annotations

from typing import NamedTuple

from linkstar_router.domain.rules.rule import Rule

__all__ = ["Rivalry", "rivalry"]


class Rivalry(NamedTuple):
    """What two rules disagree on where both hold; `undecided` when only their place in the document decides."""

    what: str
    fix: str
    undecided: bool


_DECIDE = "give them different priorities, or narrow one"
_MEANT = "nothing to do if that is meant"


def rivalry(one: Rule, two: Rule) -> Rivalry | None:
    """Return how two rules disagree, or None when they do not."""
    return _held(one, two) or _hard(one, two) or _hard(two, one) or _required(one, two) or _preferred(one, two)


def _held(one: Rule, two: Rule) -> Rivalry | None:
    if one.actions.hold and two.actions.hold and one.priority == two.priority:
        return Rivalry("both hold an order, for different reasons: the first in the document is told", _MEANT, False)
    return None


def _hard(one: Rule, two: Rule) -> Rivalry | None:
    """Return where `one` forbids what `two` wants."""
    forbidden = one.actions.forbid
    wanted = two.actions.require or two.actions.allow or two.actions.prefer
    clash = forbidden & wanted if wanted else forbidden
    if not clash or not wanted:
        return None
    verb = "requires" if two.actions.require else "allows" if two.actions.allow else "prefers"
    names = _named(clash)
    return Rivalry(f"{one.id} forbids {names}, which {two.id} {verb}: forbid wins", _MEANT, False)


def _required(one: Rule, two: Rule) -> Rivalry | None:
    first, second = one.actions.require, two.actions.require
    if first is None or second is None or first == second:
        return None
    if first & second:
        return Rivalry(f"both require: only {_named(first & second)} is left", _MEANT, False)
    if one.priority == two.priority:
        return None
    winner = min(one, two, key=lambda rule: rule.rank)
    return Rivalry(f"they require different services: {winner.id} has the higher priority and wins", _MEANT, False)


def _preferred(one: Rule, two: Rule) -> Rivalry | None:
    first, second = one.actions.prefer, two.actions.prefer
    if not first or not second or first == second:
        return None
    if one.priority != two.priority:
        winner = min(one, two, key=lambda rule: rule.rank)
        return Rivalry(f"they prefer different services: {winner.id} has the higher priority", _MEANT, False)
    return Rivalry(
        f"they prefer different services with the same priority: {min(one, two, key=lambda r: r.rank).id} is heard first",
        _DECIDE, True,
    )  # fmt: skip


def _named(services: frozenset[str]) -> str:
    names = sorted(services)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
