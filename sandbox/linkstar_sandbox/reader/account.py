"""The account of a run: the counts of the demo's last line, and every check with what it examined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from linkstar_sandbox.reader.check import Check, Kind
from linkstar_sandbox.reader.doubles import double_checks
from linkstar_sandbox.reader.evidence import Evidence
from linkstar_sandbox.reader.losses import loss_checks
from linkstar_sandbox.reader.outcomes import Final, accepted_orders, dead_lettered_ids, final_states
from linkstar_sandbox.reader.soundness import soundness_checks

__all__ = ["Account", "settle_account"]


@dataclass(frozen=True)
class Account:
    """Counts and checks of one run."""

    counts: dict[str, int]
    checks: Sequence[Check]

    def violations(self, kind: Kind) -> list[str]:
        """Return the violations of one kind, each with the name of its check."""
        return [f"{check.name}: {text}" for check in self.checks if check.kind == kind for text in check.violations]

    @property
    def faults(self) -> list[str]:
        """Everything for which the run must not pass: violations, equations that do not hold, nothing delivered."""
        counts = self.counts
        found = [text for kind in ("lost", "duplicated", "broken") for text in self.violations(kind)]
        if counts["orders"] != counts["accepted"] + counts["rejected"] + counts["dead_lettered"]:
            found.append("orders = accepted + rejected + dead_lettered does not hold")
        if counts["accepted"] != sum(counts[final] for final in Final):
            found.append("accepted = delivered + returned + cancelled + open does not hold")
        if not counts["delivered"]:
            found.append("nothing was delivered")
        return found


def settle_account(evidence: Evidence) -> Account:
    """Judge the evidence."""
    checks = [*loss_checks(evidence), *double_checks(evidence), *soundness_checks(evidence)]
    finals = Counter(final_states(evidence).values())
    counts: dict[str, int] = {
        "orders": len(evidence.expected),
        "accepted": len(accepted_orders(evidence)),
        "rejected": len({(refusal.door, refusal.order_id) for refusal in evidence.refusals}),
        "dead_lettered": len(dead_lettered_ids(evidence)),
        "routed": _orders_with(evidence, "routes-chosen", "route.chosen"),
        "labelled": _orders_with(evidence, "labels", "label.created"),
        **{str(final): finals[final] for final in (Final.DELIVERED, Final.RETURNED, Final.CANCELLED, Final.OPEN)},
        "exceptions": len(evidence.exceptions),
        "lost": sum(len(check.violations) for check in checks if check.kind == "lost"),
        "duplicated": sum(len(check.violations) for check in checks if check.kind == "duplicated"),
    }
    return Account(counts, checks)


def _orders_with(evidence: Evidence, topic: str, event: str) -> int:
    return len({record.order for record in evidence.of(topic, event) if record.body.get("kind") != "return"})
