"""How many orders each rule touches, and what rules in shadow would change: the stored orders, decided once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from linkstar_router.domain.decision import Decision, Question, decide
from linkstar_router.domain.rules.compiled import CompiledRules
from linkstar_router.domain.rules.rule import Rule
from linkstar_router.domain.shipment import Content, asked_about
from linkstar_router.domain.snapshot import Snapshot

__all__ = ["Coverage"]


class Coverage:
    """A count over orders. Rules that are drafts are left out."""

    def __init__(self, rules: Sequence[Rule], snapshot: Snapshot, penalty_minor: int) -> None:
        self._snapshot, self._penalty_minor = snapshot, penalty_minor
        self._rules = [rule for rule in rules if rule.state != "draft"]
        active = [rule for rule in self._rules if rule.state == "active"]
        shadows = [rule for rule in self._rules if rule.state == "shadow"]
        self._all, self._active = CompiledRules(self._rules, "all"), CompiledRules(active, "active")
        self._with = {rule.id: CompiledRules([*active, rule], rule.id) for rule in shadows}
        self._orders = self._untouched = 0
        self._touched: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()
        self._holding: Counter[str] = Counter()

    def add(self, content: Content, decided_at: datetime) -> None:
        """Count one order."""
        question = asked_about(content, decided_at, self._penalty_minor, self._all)
        held = decide(self._snapshot, question, self._all)
        touching = held.effects.rules if held.effects else ()
        self._orders += 1
        self._untouched += not touching
        self._touched.update(touching)
        for rule in touching:
            if rule in self._with:
                self._compare(rule, question)

    def _compare(self, rule: str, question: Question) -> None:
        now, then = (_chosen(decide(self._snapshot, question, rules)) for rules in (self._active, self._with[rule]))
        self._changed[rule] += now != then
        self._holding[rule] += then is None and now is not None

    def told(self) -> dict[str, Any]:
        """Return the counts by rule, in the order of the document."""
        return {
            "orders": self._orders, "untouched": self._untouched,
            "rules": [
                {"id": rule.id, "state": rule.state, "touched": self._touched[rule.id], **self._shadow(rule)}
                for rule in self._rules
            ],
        }  # fmt: skip

    def _shadow(self, rule: Rule) -> dict[str, int]:
        if rule.id not in self._with:
            return {}
        return {"would_change": self._changed[rule.id], "would_hold": self._holding[rule.id]}


def _chosen(decision: Decision) -> str | None:
    return decision.candidates[0].offer.service.key if decision.candidates else None
