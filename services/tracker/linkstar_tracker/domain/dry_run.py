"""What a proposed document of rules would have done about exceptions that are past. Nothing happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from linkstar_contracts.events import RuleOutcome
from linkstar_tracker.domain.automation import AutomationRule, Occasion
from linkstar_tracker.domain.occasions import facts_of
from linkstar_tracker.domain.rule_plan import plan

__all__ = ["DryRun"]

_SAMPLES = 5


class DryRun:
    """Counts, exception by exception, what each rule would do: as if every scan had been known when it was made."""

    def __init__(self, ordered: Sequence[AutomationRule], now: datetime) -> None:
        self._ordered, self._now = ordered, now
        self._outcomes: dict[str, Counter[RuleOutcome]] = {rule.id: Counter() for rule in ordered}
        self._samples: dict[str, list[dict[str, Any]]] = {rule.id: [] for rule in ordered}
        self.looked_at = self.untouched = 0

    def add(self, shipment_id: str, occasion: Occasion) -> None:
        """Look at one exception, from its opening to its end or to now."""
        self.looked_at += 1
        firings = plan(self._ordered, occasion, (), self._now).firings
        self.untouched += not firings
        for firing in firings:
            self._outcomes[firing.rule.id][firing.outcome] += 1
            samples = self._samples[firing.rule.id]
            if len(samples) < _SAMPLES:
                at, outcome = firing.at.isoformat(), firing.outcome.value
                samples.append({
                    "exception_id": occasion.exception_id, "shipment_id": shipment_id, "at": at, "outcome": outcome,
                    "why": firing.why, "facts": facts_of(occasion),
                })  # fmt: skip

    def told(self) -> dict[str, Any]:
        """Return the counts, rules in the order in which they are heard."""
        return {
            "looked_at": self.looked_at, "untouched": self.untouched, "rules": [self._told(rule) for rule in self._ordered]
        }  # fmt: skip

    def _told(self, rule: AutomationRule) -> dict[str, Any]:
        outcomes = self._outcomes[rule.id]
        return {
            "id": rule.id,
            "state": rule.state,
            "would_fire": outcomes.total(),
            "actions": {rule.then.action: outcomes[RuleOutcome.ASKED]} if rule.then.action else {},
            "outranked": outcomes[RuleOutcome.OUTRANKED],
            "assignee": rule.then.assignee,
            "notify": list(rule.then.notify),
            "samples": self._samples[rule.id],
        }
