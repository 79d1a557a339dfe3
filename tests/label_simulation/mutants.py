"""Broken variants of a purchase, each of which some world must expose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from label_simulation.world import Result, simulate
from linkstar_contracts.values import Money
from linkstar_labeler.domain.connector import Capabilities, NotSent, OutcomeUnknown
from linkstar_labeler.domain.purchase_steps import Effects, Outcome, Patience, PurchaseState, Step
from linkstar_labeler.domain.purchasing import LabelPurchase

__all__ = ["MUTANTS", "play"]


@dataclass(slots=True)
class _RetriesUnknown(LabelPurchase):
    """A call without an answer counts as not sent."""

    def finish(
        self, step: Step, outcome: Outcome | None, now: datetime, patience: Patience, limit: Money | None = None
    ) -> Effects:
        unknown = isinstance(outcome, OutcomeUnknown)
        return LabelPurchase.finish(self, step, NotSent("unknown", "") if unknown else outcome, now, patience, limit)


@dataclass(slots=True)
class _CallingToIntent(LabelPurchase):
    """An expired call is an intent again."""

    def take(self, now: datetime, token: str, can: Capabilities, patience: Patience) -> Step | None:
        if self.state is PurchaseState.CALLING:
            self.state = PurchaseState.INTENT
        return LabelPurchase.take(self, now, token, can, patience)


@dataclass(slots=True)
class _BelievesZombies(LabelPurchase):
    """Whoever comes back decides, whether it still holds the token or not."""

    def finish(
        self, step: Step, outcome: Outcome | None, now: datetime, patience: Patience, limit: Money | None = None
    ) -> Effects:
        self.token = step.token
        return LabelPurchase.finish(self, step, outcome, now, patience, limit)


@dataclass(slots=True)
class _LooksUpAtOnce(LabelPurchase):
    """Does not let the carrier settle before it looks up."""

    def _now_unknown(self, now: datetime, patience: Patience, *, counted: bool = True) -> None:
        LabelPurchase._now_unknown(self, now, patience, counted=counted)
        self.due_at = now


@dataclass(slots=True)
class _ForgetsCancels(LabelPurchase):
    """A cancel during the call is forgotten."""

    def withdraw(self, now: datetime) -> Effects:
        calling = self.state is PurchaseState.CALLING
        return Effects() if calling else LabelPurchase.withdraw(self, now)


MUTANTS: dict[str, type[LabelPurchase] | None] = {
    "retry_on_unknown": _RetriesUnknown,
    "calling_to_intent": _CallingToIntent,
    "no_reconcile": None,
    "believes_zombies": _BelievesZombies,
    "looks_up_at_once": _LooksUpAtOnce,
    "forgets_cancels": _ForgetsCancels,
}


def play(seed: int, name: str = "") -> Result:
    """Run one world of the product, or of a broken variant."""
    if not name:
        return simulate(seed)
    kind = MUTANTS[name]
    return simulate(seed, kind or LabelPurchase, reconciles=kind is not None)
