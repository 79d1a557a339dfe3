"""A carrier in a simulated world: sells, looks up, lists and voids labels over a network that loses, delays and lies."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from simulation.loop import VirtualLoop

from label_simulation.time import WorldClock
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Consignee, Money
from linkstar_labeler.domain.connector import (
    BillableLabel,
    Capabilities,
    Document,
    LabelRequest,
    Manifest,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PickupRequest,
    Purchased,
    PurchasedLabel,
    PurchasedParcel,
    PurchaseOutcome,
    RecoverOutcome,
    Refused,
    VoidDeclined,
    Voided,
    VoidOutcome,
    VoidPending,
)

__all__ = ["KINDS", "Carrier", "Sale"]

KINDS = {
    "native": Capabilities(PurchaseGuarantee.NATIVE, frozenset({"ground"}), key_lives_s=86_400, lists_labels=True),
    "recovered": Capabilities(PurchaseGuarantee.RECOVERED, frozenset({"ground"}), recovers=True),
    "reconciled": Capabilities(PurchaseGuarantee.RECONCILED, frozenset({"ground"}), lists_labels=True),
    "keyed": Capabilities(PurchaseGuarantee.RECONCILED, frozenset({"ground"}), recovers=True, key_lives_s=86_400),
    "listed": Capabilities(PurchaseGuarantee.RECONCILED, frozenset({"ground"}), recovers=True, lists_labels=True),
}
"""What a carrier may have: key and list, look-up, list, key and look-up (as USPS), look-up and list (as Canpar)."""
CALL_TIMEOUT_S = 30.0
LATEST_S = 50.0
"""A request that the carrier gets later than this was lost: less than the time purchases take to settle."""
T = TypeVar("T")


@dataclass
class Sale:
    """One label the carrier sold, as the carrier knows it."""

    carrier_id: str
    reference: str
    purchase_key: str
    charged: Money
    voided: bool = False
    scanned: bool = False


class Carrier:
    """The carrier's own truth is `sales`; everything else is what its network makes of it."""

    def __init__(self, loop: VirtualLoop, clock: WorldClock, kind: str, chance: random.Random) -> None:
        self._loop, self._clock, self._chance = loop, clock, chance
        self.carrier, self.capabilities = kind, KINDS[kind]
        self.sales: list[Sale] = []
        self.faults: Counter[str] = Counter()
        self.faulty = True
        self.before_send: Callable[[], None] = lambda: None
        self.refused: set[str] = set()
        """Purchases this carrier will never sell a label for."""
        self.unwritable: set[str] = set()
        """Purchases whose request the connector cannot write: it breaks its promise and raises."""
        self.twice: set[str] = set()
        """Purchases that had two unvoided labels at some moment."""

    # -- the carrier's side -----------------------------------------------------------------------------------------

    def _sell(self, request: LabelRequest) -> PurchaseOutcome:
        if self.capabilities.key_lives_s:
            for sale in self.sales:
                if sale.purchase_key == request.purchase_key:
                    same = sale.reference == request.reference
                    return _bought(sale) if same else OutcomeUnknown("key_reused", "sold under this key before")
        if request.purchase_key in self.refused or self._fault("refused", 0.03):
            return Refused("address_invalid", "no such street")
        dearer = self._fault("price_changed", 0.02)
        amount = request.expected.amount_minor * (3 if dearer else 1)
        sale = Sale(
            f"L{len(self.sales) + 1}", request.reference, request.purchase_key,
            Money(amount_minor=amount, currency="USD"),
        )  # fmt: skip
        self.sales.append(sale)
        if sum(not other.voided for other in self.sales if other.purchase_key == sale.purchase_key) > 1:
            self.twice.add(sale.purchase_key)
        return _bought(sale)

    def _look_up(self, request: LabelRequest) -> RecoverOutcome:
        found = [sale for sale in self.sales if sale.reference == request.reference]
        return _bought(found[0]) if found else NotFound()

    def _void(self, label: PurchasedLabel) -> VoidOutcome:
        sale = next(sale for sale in self.sales if sale.carrier_id == label.carrier_id)
        if sale.scanned or (not sale.voided and self._fault("void_declined", 0.03)):
            sale.scanned = True
            return VoidDeclined("in_use", "the parcel has been scanned")
        if not sale.voided and self._fault("void_pending", 0.1):
            return VoidPending()
        sale.voided = True
        return Voided()

    def _list(self) -> list[BillableLabel]:
        return [
            BillableLabel(sale.reference, sale.carrier_id, f"T{sale.carrier_id}", sale.charged, sale.voided)
            for sale in self.sales
        ]

    # -- the caller's side ------------------------------------------------------------------------------------------

    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        if request.purchase_key in self.unwritable:
            self.faults["unwritable"] += 1
            raise ValueError("a name in no alphabet the carrier knows")
        return await self._call(lambda: self._sell(request))

    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        return await self._call(lambda: self._look_up(request))

    async def void(self, label: PurchasedLabel) -> VoidOutcome:
        return await self._call(lambda: self._void(label))

    async def billable(self, day: date) -> Sequence[BillableLabel] | NotSent | OutcomeUnknown:
        return await self._call(self._list)

    async def manifest(
        self, reference: str, origin: Consignee, labels: Sequence[PurchasedLabel], day: date
    ) -> Manifest | Refused | NotSent | OutcomeUnknown:
        raise NotImplementedError

    async def book_pickup(self, request: PickupRequest) -> str | Refused | NotSent | OutcomeUnknown:
        raise NotImplementedError

    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        raise NotImplementedError

    async def _call(self, work: Callable[[], T]) -> T | NotSent | OutcomeUnknown:
        self.before_send()
        await asyncio.sleep(0)
        if self._fault("throttled", 0.05):
            return NotSent("throttled", "429", self._chance.uniform(1, 60))
        if self._fault("no_connection", 0.05):
            return NotSent("no_connection", "refused")
        reply: asyncio.Future[T] = self._loop.create_future()
        if self._fault("request_lost", 0.05):
            delay = None
        elif self._fault("late", 0.05):
            delay = self._chance.uniform(CALL_TIMEOUT_S, LATEST_S)
        else:
            delay = self._chance.uniform(0.05, 5)
        answers = not self._fault("reply_lost", 0.07)
        if delay is not None:
            self._loop.call_later(delay, self._serve, work, reply, answers, context=self._clock.nobody())
        try:
            answer = await asyncio.wait_for(reply, CALL_TIMEOUT_S)
        except TimeoutError:
            return OutcomeUnknown("timeout", "no answer")
        return OutcomeUnknown("malformed", "not JSON") if self._fault("malformed", 0.04) else answer

    def _serve(self, work: Callable[[], T], reply: asyncio.Future[T], answers: bool) -> None:
        answer = work()
        if answers and not reply.done():
            reply.set_result(answer)

    def _fault(self, name: str, share: float) -> bool:
        hit = self.faulty and self._chance.random() < share
        self.faults[name] += hit
        return hit


def _bought(sale: Sale) -> Purchased:
    parcel = PurchasedParcel(f"TRACK{sale.carrier_id}", Document("application/pdf", b"%PDF"))
    return Purchased(sale.carrier_id, (parcel,), sale.charged)
