"""The purchase of one label from a carrier over the network: INTENT, CALLING, then PURCHASED, REFUSED or UNKNOWN.

A call that was sent and not answered stays UNKNOWN until the carrier's own means resolve it: its idempotency key, a
look-up by our reference, or, where it has neither, another attempt with the earlier one kept under suspicion until the
carrier's list of labels clears it. An expired call is UNKNOWN, never an intent. Times are real ones: no virtual clock may
shorten a carrier's settling.
"""

from __future__ import annotations

from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from linkstar_contracts.values import Money
from linkstar_labeler.domain.connector import (
    Capabilities,
    NotFound,
    NotSent,
    Purchased,
    PurchasedLabel,
    Refused,
    VoidDeclined,
    Voided,
    VoidPending,
)
from linkstar_labeler.domain.purchase_steps import (
    CARRIER_UNAVAILABLE,
    OPEN_STATES,
    Effects,
    Outcome,
    Patience,
    PurchaseKey,
    PurchaseState,
    Step,
    StepKind,
)

__all__ = ["LabelPurchase", "purchase_key", "reference_of"]


@dataclass(slots=True)
class LabelPurchase:
    """A purchase as an aggregate. `take` begins the step that is due, `finish` says what its outcome means."""

    key: PurchaseKey
    state: PurchaseState = PurchaseState.INTENT
    wanted: bool = True
    captured: bool = False
    attempt: int = 0
    unknowns: int = 0
    tries: int = 0
    """Steps in a row that led nowhere; the back-off grows with them."""
    token: str = ""
    due_at: datetime | None = None
    """When to look at it next: in a step, the end of its lease. None where nothing is left to do."""
    called_at: datetime | None = None
    """When the present attempt was first sent."""
    waiting_since: datetime | None = None
    given_back: bool = False
    """The route went back to the router, so that nobody but the platform bears what the carrier still bills."""
    carrier_id: str = ""
    tracking_numbers: tuple[str, ...] = ()

    def withdraw(self, now: datetime) -> Effects:
        """Nobody wants the label any more. What has surely not been bought is released at once."""
        effects = Effects()
        self.wanted = False
        if self.state is PurchaseState.INTENT:
            self._end(PurchaseState.WITHDRAWN)
            effects.money = "release"
        elif self.state is PurchaseState.PURCHASED:
            self.state, self.due_at, self.tries = PurchaseState.VOIDING, now, 0
        return effects

    def take(self, now: datetime, token: str, can: Capabilities, patience: Patience) -> Step | None:
        """Begin what is due under `token`. None for a call whose lease has ended: it is unknown now, and settles first."""
        if self.state is PurchaseState.CALLING:
            self._now_unknown(now, patience)
            return None
        kind = self._due(now, can, patience)
        doubtful = self.state is PurchaseState.UNKNOWN and kind in (StepKind.BUY, StepKind.GIVE_UP)
        suspects = self.attempt if doubtful else 0
        self.token, self.due_at = token, now + timedelta(seconds=patience.lease_s)
        if kind is StepKind.BUY:
            self.attempt, self.called_at, self.waiting_since = self.attempt + 1, now, self.waiting_since or now
        if kind in (StepKind.BUY, StepKind.REPEAT):
            self.state = PurchaseState.CALLING
        return Step(kind, self.attempt, token, suspects)

    def _due(self, now: datetime, can: Capabilities, patience: Patience) -> StepKind:
        """Choose what comes next; after an unanswered call, the surest way to learn what it did."""
        if self.state is not PurchaseState.UNKNOWN:
            return StepKind.VOID if self.state is PurchaseState.VOIDING else StepKind.BUY
        overdue = self._waited(now) > patience.give_up_s
        alive = self.called_at is not None and now < self.called_at + timedelta(seconds=can.key_lives_s)
        if alive and not overdue and (self.wanted or not can.recovers):
            return StepKind.REPEAT
        if can.recovers and not overdue:
            return StepKind.LOOK_UP
        again = self.wanted and not overdue and self.unknowns < patience.attempts
        return StepKind.BUY if again else StepKind.GIVE_UP

    def finish(
        self, step: Step, outcome: Outcome | None, now: datetime, patience: Patience, limit: Money | None = None
    ) -> Effects:
        """Take in how `step` ended, None where it was no call. A label that costs more than `limit` is voided and the route
        given back.

        A caller that no longer holds the token decides nothing. What it bought is the answer to the open question when
        its attempt is still the newest, and otherwise an orphan.
        """
        effects = Effects()
        if step.token != self.token:
            if isinstance(outcome, Purchased) and step.kind is not StepKind.LOOK_UP:
                self._late(step, outcome, effects, now, limit)
            return effects
        self.token = ""
        if step.kind is StepKind.GIVE_UP:
            self._give_back(effects, Refused(CARRIER_UNAVAILABLE, "No answer whether the label was bought"))
        elif step.kind is StepKind.VOID:
            self._end_void(outcome, effects, now, patience)
        elif isinstance(outcome, Purchased):
            self._end_bought(outcome, effects, now, limit)
        elif isinstance(outcome, Refused):
            if step.kind is not StepKind.BUY:
                effects.suspects = self.attempt
            self._give_back(effects, outcome)
        elif isinstance(outcome, NotFound):
            self._not_found(effects, now, patience)
        elif isinstance(outcome, NotSent) and step.kind is StepKind.BUY:
            self._not_sent(outcome, effects, now, patience)
        else:
            self._now_unknown(now, patience, counted=step.kind is StepKind.BUY)
        return effects

    def label(self, service: str) -> PurchasedLabel:
        """Return what was bought, as a void names it."""
        return PurchasedLabel(reference_of(self.key, self.attempt), self.carrier_id, self.tracking_numbers, service)

    def _late(self, step: Step, bought: Purchased, effects: Effects, now: datetime, limit: Money | None) -> None:
        if step.attempt == self.attempt and self.state in OPEN_STATES:
            self._end_bought(bought, effects, now, limit)
        elif bought.carrier_id != self.carrier_id:
            effects.orphan = bought

    def _end_bought(self, bought: Purchased, effects: Effects, now: datetime, limit: Money | None) -> None:
        self.carrier_id, self.token = bought.carrier_id, ""
        self.tracking_numbers = tuple(parcel.tracking_number or "" for parcel in bought.parcels)
        self.tries = 0
        if self.wanted and not _too_dear(bought.charged, limit):
            self._end(PurchaseState.PURCHASED)
            self.captured, effects.money, effects.created = True, "capture", bought
            return
        if self.wanted:
            effects.refused = Refused("price_changed", f"The carrier charges {bought.charged}, the limit is {limit}")
            self.given_back, effects.money = True, "release"
        self.wanted, self.state, self.due_at = False, PurchaseState.VOIDING, now

    def _not_found(self, effects: Effects, now: datetime, patience: Patience) -> None:
        """The look-up says that nothing was bought; the carrier's list has the last word about that attempt."""
        effects.suspects = self.attempt
        if not self.wanted:
            self._give_back(effects, None)
        elif self.unknowns >= patience.attempts:
            self._give_back(effects, Refused(CARRIER_UNAVAILABLE, "The carrier did not answer several times"))
        else:
            self.state, self.due_at = PurchaseState.INTENT, now

    def _not_sent(self, outcome: NotSent, effects: Effects, now: datetime, patience: Patience) -> None:
        if not self.wanted:
            self._give_back(effects, None)
        elif outcome.code == CARRIER_UNAVAILABLE or self._waited(now) > patience.give_up_s:
            retry_at = now + timedelta(seconds=max(outcome.after_s, patience.backoff_s))
            self._give_back(effects, Refused(CARRIER_UNAVAILABLE, outcome.detail, retry_at))
        else:
            self.state = PurchaseState.INTENT
            self._back_off(now, patience, outcome.after_s)

    def _now_unknown(self, now: datetime, patience: Patience, *, counted: bool = True) -> None:
        self.unknowns += counted and self.state is PurchaseState.CALLING
        self.state, self.token = PurchaseState.UNKNOWN, ""
        self._back_off(now, patience, patience.settle_s)

    def _end_void(self, outcome: Outcome | None, effects: Effects, now: datetime, patience: Patience) -> None:
        if isinstance(outcome, Voided):
            self._end(PurchaseState.VOIDED)
            effects.money = "refund" if self.captured else "" if self.given_back else "release"
        elif isinstance(outcome, VoidDeclined):
            self._end(PurchaseState.KEPT)
            effects.declined = outcome
            if not self.captured and not self.given_back:
                effects.money, self.captured = "capture", True
        elif isinstance(outcome, VoidPending):
            self.due_at = now + timedelta(seconds=patience.void_again_s)
        else:
            self._back_off(now, patience, outcome.after_s if isinstance(outcome, NotSent) else 0.0)

    def _give_back(self, effects: Effects, refused: Refused | None) -> None:
        """Nothing was bought, as far as anybody knows: the hold is released, and the route given back if still wanted."""
        effects.money = "release"
        effects.refused = refused if self.wanted else None
        self._end(PurchaseState.REFUSED if effects.refused else PurchaseState.WITHDRAWN)

    def _back_off(self, now: datetime, patience: Patience, least_s: float) -> None:
        wait = min(patience.backoff_s * 2**self.tries, patience.backoff_max_s)
        self.tries = min(self.tries + 1, 16)
        self.due_at = now + timedelta(seconds=max(wait, least_s))

    def _waited(self, now: datetime) -> float:
        return (now - (self.waiting_since or now)).total_seconds()

    def _end(self, state: PurchaseState) -> None:
        self.state, self.due_at, self.token = state, None, ""


def purchase_key(key: PurchaseKey) -> str:
    """Return the idempotency key of a purchase: 32 hexadecimal digits, the same for every attempt."""
    return _digest(key, 16).hex()


def reference_of(key: PurchaseKey, attempt: int) -> str:
    """Return the reference of one attempt: 20 letters and digits (21 from attempt 100 on), for every carrier's field."""
    return f"LS{b32encode(_digest(key, 10)).decode()}{attempt:02}"


def _digest(key: PurchaseKey, size: int) -> bytes:
    return blake2b("|".join(map(str, key)).encode(), digest_size=size).digest()


def _too_dear(charged: Money | None, limit: Money | None) -> bool:
    if charged is None or limit is None:
        return False
    return charged.currency != limit.currency or charged.amount_minor > limit.amount_minor
