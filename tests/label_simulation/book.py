"""The books of a simulated world: what PostgreSQL holds in the product, each method one transaction."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from label_simulation.carrier import Carrier
from label_simulation.time import WorldClock
from linkstar_contracts.values import Consignee, Dimensions, Money, Parcel, ServiceOptions, Weight
from linkstar_labeler.carriers.remote.unbound import Unbound
from linkstar_labeler.domain.connector import BillableLabel, CarrierConnector, LabelRequest, RecoverOutcome, Refused
from linkstar_labeler.domain.purchase_steps import Effects, Outcome, Patience, PurchaseKey, StepKind
from linkstar_labeler.domain.purchasing import LabelPurchase, purchase_key, reference_of
from linkstar_labeler.domain.reconciliation import Standing, judge, weigh
from linkstar_labeler.handlers.buying import Errand
from linkstar_labeler.handlers.reconciling import OrphanEnd, Suspect
from linkstar_labeler.store import AccountKey, OrphanLabel, SuspectedAttempt
from linkstar_runtime.ports import StoreUnavailable

__all__ = ["ACCOUNT", "PRICE", "Book"]

ACCOUNT = AccountKey("platform", "usps", "platform")
PRICE = 500
DAY_S = 600.0
_LIMIT = Money(amount_minor=PRICE * 110 // 100, currency="USD")
_SOMEBODY = Consignee(name="A", street="1 Main", city="X", postcode="10001", country="US")
_PARCEL = Parcel(
    number=1, weight=Weight(value=Decimal(1), unit="lb"),
    dimensions=Dimensions(length=Decimal(9), width=Decimal(6), height=Decimal(3), unit="in"),
    declared_value=Money(amount_minor=1000, currency="USD"),
)  # fmt: skip


@dataclass
class Suspicion:
    """An attempt that may have bought something: when it is looked up again, and how often it was."""

    since: float
    check_at: float | None
    checks: int = 0


@dataclass
class Orphan:
    """A found orphan: its label, and how far its void is."""

    label: OrphanLabel
    due_at: float | None
    state: str = "voiding"


class Book:
    """Purchases, attempts, orphans and money. A transaction takes time before and after it, and its reply can be lost."""

    def __init__(
        self, clock: WorldClock, carrier: Carrier, chance: random.Random, patience: Patience,
        kind: type[LabelPurchase] = LabelPurchase,
    ) -> None:  # fmt: skip
        self._clock, self._carrier, self._chance, self._patience, self._kind = clock, carrier, chance, patience, kind
        self.purchases: dict[PurchaseKey, LabelPurchase] = {}
        self.references: dict[str, tuple[PurchaseKey, int]] = {}
        self.suspects: dict[str, Suspicion] = {}
        self.orphans: dict[str, Orphan] = {}
        self.accounts: Counter[str] = Counter()
        self.told: defaultdict[PurchaseKey, list[str]] = defaultdict(list)
        self.suspended = False
        self.erased: set[PurchaseKey] = set()
        """Purchases whose consignee's data is gone: their requests cannot be written any more."""
        self.faulty = True
        self.lost_replies = 0
        self._tokens = 0

    # -- what handlers do in the product ----------------------------------------------------------------------------

    def begin(self, key: PurchaseKey) -> None:
        """A route was chosen: its price is set aside."""
        self.purchases[key] = self._kind(key, due_at=self._clock.wall())
        self._move("wallet", "held")

    def withdraw(self, key: PurchaseKey) -> None:
        """The order was cancelled."""
        self._money(self.purchases[key].withdraw(self._clock.wall()))

    # -- PurchaseBook -------------------------------------------------------------------------------------------------

    async def take(self, limit: int) -> Sequence[Errand]:
        await self._latency()
        now = self._clock.wall()
        due = [p for p in self.purchases.values() if p.due_at is not None and p.due_at <= now][:limit]
        errands = [errand for purchase in due if (errand := self._errand(purchase))]
        await self._latency()
        return errands

    def _errand(self, purchase: LabelPurchase) -> Errand | None:
        self._tokens += 1
        connector = self._connector
        step = purchase.take(self._clock.wall(), str(self._tokens), connector.capabilities, self._patience)
        if step is None:
            return None
        if step.suspects:
            self._suspect(purchase.key, step.suspects)
        if step.kind is StepKind.BUY:
            self.references[reference_of(purchase.key, step.attempt)] = (purchase.key, step.attempt)
        errand = Errand(purchase.key, step, connector, self._clock.monotonic() + self._patience.lease_s)
        if step.kind is StepKind.VOID:
            return errand.voiding(copy(purchase).label("ground"))
        request = self._request(purchase.key, step.attempt)
        return errand.asking(request or Refused("consignee_erased", "erased before the label was bought"))

    @property
    def _connector(self) -> CarrierConnector:
        """The account's connector as the account stands now."""
        return Unbound("usps", "account_suspended", "suspended") if self.suspended else self._carrier

    def _request(self, key: PurchaseKey, attempt: int) -> LabelRequest | None:
        return None if key in self.erased else _request(key, attempt)

    async def settle(self, errand: Errand, outcome: Outcome | None) -> None:
        await self._latency()
        if self.faulty and self._chance.random() < 0.02:
            raise StoreUnavailable("away")
        purchase = self.purchases[errand.key]
        effects = purchase.finish(errand.step, outcome, self._clock.wall(), self._patience, _LIMIT)
        if effects.suspects:
            self._suspect(errand.key, effects.suspects)
        if effects.orphan:
            reference = reference_of(errand.key, errand.step.attempt)
            self._orphan(OrphanLabel(ACCOUNT, effects.orphan.carrier_id, reference, ()))
        if effects.created:
            self.orphans.pop(effects.created.carrier_id, None)
            self.told[errand.key].append("created")
        if effects.refused:
            self.told[errand.key].append("rejected")
        self._money(effects)
        if self.faulty and self._chance.random() < 0.02:
            self.lost_replies += 1
            raise StoreUnavailable("the reply to the commit was lost")

    # -- OrphanBook ---------------------------------------------------------------------------------------------------

    async def days_in_doubt(self) -> Sequence[tuple[AccountKey, CarrierConnector, date]]:
        await self._latency()
        connector = self._connector
        return [(ACCOUNT, connector, self._clock.now().date())] if connector.capabilities.lists_labels else []

    async def compare(self, account: AccountKey, day: date, listed: Sequence[BillableLabel]) -> None:
        await self._latency()
        for label in listed:
            key, attempt = self.references[label.reference]
            if judge(label, attempt, self.purchases[key]) is Standing.ORPHAN:
                self._orphan(OrphanLabel(account, label.carrier_id, label.reference, (label.tracking_number,)))
        for suspicion in self.suspects.values():
            if suspicion.since < self._clock.monotonic() - DAY_S:
                suspicion.check_at = None

    async def take_suspects(self, limit: int) -> Sequence[Suspect]:
        await self._latency()
        now, taken = self._clock.monotonic(), []
        for reference, suspicion in self.suspects.items():
            if suspicion.check_at is not None and suspicion.check_at <= now and len(taken) < limit:
                suspicion.check_at = now + self._patience.lease_s
                key, attempt = self.references[reference]
                suspected = SuspectedAttempt(key, attempt, reference, ACCOUNT, suspicion.checks)
                taken.append(Suspect(suspected, self._connector, self._request(key, attempt)))
        return taken

    async def end_suspect(self, suspect: Suspect, outcome: RecoverOutcome) -> None:
        await self._latency()
        suspicion, attempt = self.suspects[suspect.attempt.reference], suspect.attempt
        purchase = self.purchases[attempt.key]
        found = weigh(outcome, attempt.reference, attempt.attempt, suspicion.checks, purchase, self._patience)
        if found.orphan:
            self._orphan(OrphanLabel(ACCOUNT, found.orphan.carrier_id, attempt.reference, ()))
        suspicion.checks = found.checks
        suspicion.check_at = self._clock.monotonic() + found.again_s if found.again_s else None

    async def take_orphans(self, limit: int) -> Sequence[tuple[OrphanLabel, CarrierConnector]]:
        await self._latency()
        now = self._clock.monotonic()
        due = [orphan for orphan in self.orphans.values() if orphan.due_at is not None and orphan.due_at <= now][:limit]
        for orphan in due:
            self._tokens += 1
            orphan.label = orphan.label._replace(token=str(self._tokens))
            orphan.due_at = now + self._patience.lease_s
        return [(orphan.label, self._connector) for orphan in due]

    async def end_orphan(self, orphan: OrphanLabel, end: OrphanEnd) -> None:
        await self._latency()
        known = self.orphans[orphan.carrier_id]
        if known.label.token == orphan.token:
            known.state = end.state
            known.due_at = self._clock.monotonic() + end.again_s if end.state == "voiding" else None

    # -- the rest -----------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """True while something is left to do."""
        waiting = any(purchase.due_at is not None for purchase in self.purchases.values())
        waiting = waiting or any(
            suspicion.check_at is not None and not self.is_left_to_the_invoice(reference)
            for reference, suspicion in self.suspects.items()
        )
        return waiting or any(orphan.due_at is not None for orphan in self.orphans.values())

    def is_left_to_the_invoice(self, reference: str) -> bool:
        """A suspected attempt that nobody can look up any more, at a carrier without a list: only its invoice will tell."""
        key, _ = self.references[reference]
        suspected = reference in self.suspects and self.suspects[reference].check_at is not None
        return suspected and key in self.erased and not self._carrier.capabilities.lists_labels

    def _suspect(self, key: PurchaseKey, attempt: int) -> None:
        now = self._clock.monotonic()
        self.suspects[reference_of(key, attempt)] = Suspicion(now, now + self._patience.suspect_checks_s[0])

    def _orphan(self, label: OrphanLabel) -> None:
        held = {purchase.carrier_id for purchase in self.purchases.values()}
        if label.carrier_id not in held:
            self.orphans.setdefault(label.carrier_id, Orphan(label, self._clock.monotonic()))

    def _money(self, effects: Effects) -> None:
        if effects.money == "capture":
            self._move("held", "carrier")
        elif effects.money == "release":
            self._move("held", "wallet")
        elif effects.money == "refund":
            self._move("carrier", "wallet")

    def _move(self, source: str, target: str) -> None:
        self.accounts[source] -= PRICE
        self.accounts[target] += PRICE

    async def _latency(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.001, 0.05))


def _request(key: PurchaseKey, attempt: int) -> LabelRequest:
    day = date(2026, 11, 27)
    return LabelRequest(
        purchase_key(key), reference_of(key, attempt), "ground", _SOMEBODY, _SOMEBODY, (_PARCEL,), ServiceOptions(), day,
        Money(amount_minor=PRICE, currency="USD"),
    )  # fmt: skip
