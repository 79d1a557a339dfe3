"""One world: orders come and are cancelled, buyers die and stand still, and in the end an outsider compares the carrier's
own truth with the books.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from simulation.loop import PROCESS, Exhausted, Process, VirtualLoop, bury

from label_simulation.book import PRICE, Book
from label_simulation.carrier import KINDS, Carrier, Sale
from label_simulation.time import WorldClock
from linkstar_labeler.domain.purchase_steps import Patience, PurchaseKey, PurchaseState
from linkstar_labeler.domain.purchasing import LabelPurchase, purchase_key
from linkstar_labeler.handlers.buying import Buyer
from linkstar_labeler.handlers.reconciling import Reconciler

__all__ = ["Result", "simulate"]

TROUBLE_S = 400.0
"""So long faults happen; after that everything must come to its end."""
_LOOK_S, _LISTS_S = 10.0, 150.0
_CHECKS_S = (120.0, 240.0, 600.0)
"""A day of look-ups, shortened: longer together than any pause of a process."""
_QUIET = 5
"""Minutes without anything to do after which a world is over: time for two readings of the carrier's list."""
_ENDED = {
    PurchaseState.PURCHASED, PurchaseState.REFUSED, PurchaseState.WITHDRAWN, PurchaseState.VOIDED, PurchaseState.KEPT,
}  # fmt: skip


@dataclass
class Result:
    """What a world showed."""

    seed: int
    kind: str
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)


def simulate(seed: int, kind: type[LabelPurchase] = LabelPurchase, *, reconciles: bool = True) -> Result:
    """Run one world; the same arguments give the same result. `kind` and `reconciles` serve broken variants."""
    return _World(seed, kind, reconciles).play()


class _World:
    def __init__(self, seed: int, kind: type[LabelPurchase], reconciles: bool) -> None:
        self._chance = random.Random(seed)
        self.loop = VirtualLoop(self._chance, 200_000)
        self.clock = WorldClock(self.loop)
        self.carrier = Carrier(self.loop, self.clock, self._chance.choice(sorted(KINDS)), self._chance)
        self.patience = Patience(
            give_up_s=self._chance.choice((200.0, 1_800.0)), void_again_s=120.0, backoff_max_s=120.0,
            suspect_checks_s=_CHECKS_S,
        )  # fmt: skip
        self.book = Book(self.clock, self.carrier, self._chance, self.patience, kind)
        self.reconciles = reconciles
        self.processes: list[Process] = []
        self.cancelled: set[PurchaseKey] = set()
        self.result = Result(seed, self.carrier.carrier)

    def play(self) -> Result:
        self.carrier.before_send = self._stop_before_send
        self.loop.call_soon(self._start, context=self.clock.nobody())
        try:
            self.loop.run()
        except Exhausted as error:
            self.result.violations.append(f"no_end: {error}")
        self._judge()
        bury(self.loop.tasks)
        for process in self.processes:
            bury(process.tasks)
        return self.result

    def _start(self) -> None:
        for _ in range(self._chance.randint(1, 3)):
            self._spawn()
        for number in range(self._chance.randint(1, 6)):
            at = self._chance.uniform(0, TROUBLE_S / 2)
            self.loop.call_later(
                at, self._order, PurchaseKey("acme", f"order-{number}", 1), context=self.clock.nobody()
            )
        for _ in range(self._chance.randint(0, 6)):
            self.loop.call_later(self._chance.uniform(0, TROUBLE_S), self._harm, context=self.clock.nobody())
        if self._chance.random() < 0.2:
            self.loop.call_later(self._chance.uniform(0, TROUBLE_S), self._suspend, context=self.clock.nobody())
        self.loop.call_later(TROUBLE_S, self._calm, context=self.clock.nobody())

    def _spawn(self) -> None:
        process = Process(self.loop)
        self.processes.append(process)
        process.spawn(self._buy())
        if self.reconciles:
            process.spawn(self._reconcile())

    async def _buy(self) -> None:
        buyer = Buyer(self.book, self.clock, at_once=4)
        while True:
            await buyer.run()
            await self.clock.sleep(_LOOK_S)

    async def _reconcile(self) -> None:
        reconciler = Reconciler(self.book, self.patience)
        while True:
            await self.clock.sleep(_LISTS_S)
            await reconciler.read_lists()
            await reconciler.look_up_suspects()
            await reconciler.void_orphans()

    def _order(self, key: PurchaseKey) -> None:
        self.book.begin(key)
        self._burden(key)
        if self._chance.random() < 0.3:
            delay = self._chance.choice((0.1, 2, 20, 100, 400)) * self._chance.random()
            self.loop.call_later(delay, self._cancel, key, context=self.clock.nobody())
            self.result.figures["cancelled"] += 1

    def _burden(self, key: PurchaseKey) -> None:
        """Some orders can never be taken: refused whenever they are asked for, unwritable, or erased at some moment."""
        share = self._chance.random()
        if share < 0.04:
            self.carrier.refused.add(purchase_key(key))
        elif share < 0.07:
            self.carrier.unwritable.add(purchase_key(key))
        elif share < 0.12:
            at = self._chance.choice((0.1, 20, 200)) * self._chance.random()
            self.loop.call_later(at, self._erase, key, context=self.clock.nobody())

    def _erase(self, key: PurchaseKey) -> None:
        self.result.faults["erased"] += 1
        self.book.erased.add(key)

    def _suspend(self) -> None:
        """Stop the account for a while."""
        self.result.faults["suspended"] += 1
        self.book.suspended = True
        self.loop.call_later(self._chance.uniform(5, TROUBLE_S), self._resume, context=self.clock.nobody())

    def _resume(self) -> None:
        self.book.suspended = False

    def _cancel(self, key: PurchaseKey) -> None:
        self.book.withdraw(key)
        self.cancelled.add(key)

    def _harm(self) -> None:
        """Kill a process, another takes its place; or let one stand still past its lease."""
        alive = [process for process in self.processes if process.alive]
        if not alive:
            return
        victim = self._chance.choice(alive)
        if self._chance.random() < 0.5:
            self.result.faults["kill"] += 1
            victim.kill()
            self.loop.call_later(self._chance.uniform(1, 60), self._spawn, context=self.clock.nobody())
        else:
            self.result.faults["pause"] += 1
            victim.freeze(self._chance.uniform(1, 3 * self.patience.lease_s))

    def _stop_before_send(self) -> None:
        """The hole no client can close: a stop between the look at the deadline and the write to the socket."""
        process = PROCESS.get()
        if process and self.carrier.faulty and self._chance.random() < 0.01:
            self.result.faults["stop_before_send"] += 1
            process.freeze(self._chance.uniform(1, 3 * self.patience.lease_s))

    def _calm(self) -> None:
        self.carrier.faulty = self.book.faulty = False
        self._wait_for_the_end()

    def _wait_for_the_end(self, quiet: int = 0) -> None:
        """The end is when nothing was left to do through two readings of the carrier's list."""
        quiet = 0 if self.book.busy else quiet + 1
        if quiet > _QUIET:
            self.loop.stop()
        else:
            self.loop.call_later(60.0, self._wait_for_the_end, quiet, context=self.clock.nobody())

    # -- the outsider ---------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        result = self.result
        result.faults.update(self.carrier.faults)
        result.faults["lost_replies"] += self.book.lost_replies
        result.violations += self.loop.errors
        paid = 0
        for key, purchase in self.book.purchases.items():
            paid += self._judge_purchase(key, purchase)
        result.figures["orders"] += len(self.book.purchases)
        result.figures["orphans"] += len(self.book.orphans)
        if self.book.accounts != Counter({"wallet": -paid, "held": 0, "carrier": paid}):
            result.violations.append(f"books: {dict(self.book.accounts)}, carrier's labels are worth {paid}")
        self._judge_doubles()

    def _judge_purchase(self, key: PurchaseKey, purchase: LabelPurchase) -> int:
        """Compare one purchase with the carrier's truth and return what is rightly paid for it."""
        sales = [sale for sale in self.carrier.sales if sale.purchase_key == purchase_key(key)]
        live = [sale for sale in sales if not sale.voided]
        told, state = self.book.told[key], purchase.state
        borne = {sale.carrier_id for sale in live if sale.carrier_id != purchase.carrier_id and self._is_borne(sale)}
        live = [sale for sale in live if sale.carrier_id not in borne]
        name = f"{key.shipment_id} {state.value}"
        if state not in _ENDED:
            self.result.violations.append(f"stuck: {name}")
        self.result.figures[state.value] += 1
        if told.count("created") > 1 or told.count("rejected") > 1 or len(told) > 1:
            self.result.violations.append(f"told: {name} {told}")
        if key in self.cancelled and state is PurchaseState.PURCHASED:
            self.result.violations.append(f"paid_though_cancelled: {name}")
        if state is PurchaseState.PURCHASED and told != ["created"]:
            self.result.violations.append(f"lost_label: {name} {told}")
        wanted = {purchase.carrier_id} if state in (PurchaseState.PURCHASED, PurchaseState.KEPT) else set()
        if {sale.carrier_id for sale in live} != wanted:
            self.result.violations.append(f"unrepaired: {name} {[sale.carrier_id for sale in live]} live")
        return PRICE if purchase.captured and state in (PurchaseState.PURCHASED, PurchaseState.KEPT) else 0

    def _is_borne(self, sale: Sale) -> bool:
        """An orphan the carrier declined to void: found, told, and nobody's label. Or one that stays suspected until the
        carrier's invoice: nobody can ask for it any more.
        """
        if self.book.is_left_to_the_invoice(sale.reference):
            self.result.figures["left_to_the_invoice"] += 1
            return True
        orphan = self.book.orphans.get(sale.carrier_id)
        return orphan is not None and orphan.state == "kept"

    def _judge_doubles(self) -> None:
        """Two live labels at once: never under a key, and with a look-up only through the hole before the send."""
        doubles = len(self.carrier.twice)
        self.result.figures["transient_doubles"] += doubles
        holed = self.result.faults["stop_before_send"] > 0
        can = self.carrier.capabilities
        if doubles and (can.key_lives_s or (can.recovers and not holed)):
            self.result.violations.append(f"double_charged: {doubles} under {self.carrier.carrier}")
