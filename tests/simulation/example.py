"""The service that is simulated: facts arrive by two topics and by HTTP, each leaves as one event of its order with the
next version, and moves money between wallets that many orders share. The store is in memory, the stage is the product's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from linkstar_contracts.events import OrderCancelled, OrderCancelRequested, ReturnRequested
from linkstar_contracts.topics import ORDER_CHANGES, ORDERS_INBOUND, RETURNS_REQUESTED
from linkstar_runtime.handling import Outcome, Received, Reject, Retry
from linkstar_runtime.service import Subscription, Timer
from linkstar_runtime.testing import MemoryTransaction
from simulation.chance import Chance

__all__ = ["AT", "EMITS", "Example", "Fact", "fact_of", "legs_of", "request"]

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
EMITS = (ORDER_CHANGES,)
WALLETS = 3
Fact = OrderCancelRequested | ReturnRequested


def request(topic: str, order: str, fact: str) -> Fact:
    """Return the input event that brings `fact`."""
    if topic == RETURNS_REQUESTED.name:
        return ReturnRequested(tenant="sim", order_id=order, occurred_at=AT, request_id=fact)
    return OrderCancelRequested(tenant="sim", order_id=order, occurred_at=AT, reason=fact)


def fact_of(event: Fact) -> str:
    """Return the fact that an input event brings: its natural key."""
    return event.reason if isinstance(event, OrderCancelRequested) else event.request_id


def legs_of(fact: str) -> list[tuple[str, int]]:
    """Return what a fact moves: an amount from one wallet to another."""
    drawn = crc32(fact.encode())
    payer, payee, amount = drawn % WALLETS, (drawn + 1 + drawn // 7 % 2) % WALLETS, 1 + drawn % 97
    return [(f"wallet/{payer}", -amount), (f"wallet/{payee}", amount)]


class Example:
    """Handlers of one replica. `once` is shared by all: records that break the handler the first time only."""

    def __init__(self, chance: Chance, once: set[str], retry: float) -> None:
        self._chance, self._once, self._retry = chance, once, retry

    def subscriptions(self, topics: Sequence[str]) -> tuple[Subscription, ...]:
        """Wallets are locked by the last handler of a batch, hence last of all rows."""
        known = (
            Subscription(RETURNS_REQUESTED, (ReturnRequested,), self.on_returns),
            Subscription(ORDERS_INBOUND, (OrderCancelRequested,), self.on_orders),
        )
        return tuple(each for each in known if each.topic.name in topics)

    def timers(self) -> tuple[Timer, ...]:
        return (Timer("follow-ups", 1.0, self.follow_up),)

    async def on_returns(self, batch: Sequence[Received[Any]], tx: MemoryTransaction) -> list[Outcome]:
        return [outcome for outcome, _ in await self._apply(batch, tx)]

    async def on_orders(self, batch: Sequence[Received[Any]], tx: MemoryTransaction) -> list[Outcome]:
        """One event per new fact, and one posting of two legs; some facts want a follow-up by the timer."""
        done = await self._apply(batch, tx)
        await self._post([fact for _, fact in done if fact], tx)
        return [outcome for outcome, _ in done]

    async def follow_up(self, shards: Sequence[int], tx: MemoryTransaction) -> list[OrderCancelled]:
        """The timer: every due order of the owned shards gets one more event."""
        due = sorted(name for name in tx.tables.state if name.startswith("due/"))
        mine = [(name, *name.split("/")[2:]) for name in due if int(name.split("/")[1]) in shards]
        if not mine:
            return []
        await self.lock(tx, sorted({f"order/{order}" for _, order, _ in mine}))
        events = []
        for name, order, fact in mine:
            if tx.get(name) is not None:
                tx.put(name, None)
                events.append(self._record(tx, order, f"{fact}-followed"))
        return events

    # -- the parts that broken variants replace ----------------------------------------------------------------------

    async def lock(self, tx: MemoryTransaction, orders: Sequence[str]) -> None:
        """Lock the aggregates before anything is computed from them."""
        await tx.lock(orders)

    async def lock_wallets(self, tx: MemoryTransaction, wallets: Sequence[str]) -> None:
        """Lock wallets in sorted order, row by row."""
        for wallet in sorted(wallets):
            await tx.lock([wallet])

    def known(self, tx: MemoryTransaction, fact: str) -> bool:
        """The natural key: has this fact had its effect?"""
        return tx.get(f"fact/{fact}") is not None

    # -- effects -----------------------------------------------------------------------------------------------------

    async def _apply(self, batch: Sequence[Received[Any]], tx: MemoryTransaction) -> list[tuple[Outcome, str]]:
        self._misbehave(batch)
        await self.lock(tx, sorted({f"order/{received.event.order_id}" for received in batch}))
        done: list[tuple[Outcome, str]] = []
        for received in batch:
            fact, order = fact_of(received.event), received.event.order_id
            if fact.startswith("reject"):
                done.append((Reject(received, "unwanted", "nobody wants it"), ""))
            elif not self.known(tx, fact):
                done.append((self._record(tx, order, fact), fact))
                if fact.endswith("f"):
                    tx.put(f"due/{received.shard}/{order}/{fact}", True)
        return done

    def _record(self, tx: MemoryTransaction, order: str, fact: str) -> OrderCancelled:
        version = tx.get(f"version/{order}", 0) + 1
        tx.put(f"version/{order}", version)
        tx.put(f"fact/{fact}", version)
        tx.append("effect", (fact, order, version))
        return OrderCancelled(tenant="sim", order_id=order, version=version, occurred_at=tx.now, reason=fact)

    async def _post(self, facts: Sequence[str], tx: MemoryTransaction) -> None:
        legs = [(fact, wallet, amount) for fact in facts for wallet, amount in legs_of(fact)]
        await self.lock_wallets(tx, list(dict.fromkeys(wallet for _, wallet, _ in legs)))
        for fact, wallet, amount in legs:
            tx.put(wallet, tx.get(wallet, 0) + amount)
            tx.append("ledger", (fact, wallet, amount))

    def _misbehave(self, batch: Sequence[Received[Any]]) -> None:
        for received in batch:
            fact = fact_of(received.event)
            if fact.startswith("bug"):
                raise ZeroDivisionError
            if fact.startswith("once") and fact not in self._once and len(batch) > 1:
                self._once.add(fact)
                raise ZeroDivisionError
        if self._chance.hit("retry", self._retry):
            raise Retry
