"""The load of a chaos run: records and HTTP calls at a steady rate, and duels of both doors over the same order."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from random import Random

from linkstar_runtime.clock import Clock
from linkstar_sandbox.chaos.desk import Desk
from linkstar_sandbox.load.generator import MESSY, LoadGenerator, LoadRecord
from linkstar_sandbox.load.publisher import Publisher
from linkstar_sandbox.order_files.messages import change_message

__all__ = ["Feeding"]

BY_HTTP = 0.12
"""Share of orders that come by HTTP."""
DUELS = 0.10
"""Per order: how often changes of one recent order come through both doors at once."""
DUEL_ROUNDS = 3
_DUEL_AGE = 40
_LEVELS = ("standard", "expedited")


class Feeding:
    """Hands in what the generator makes until told to stop."""

    def __init__(self, seed: int, clock: Clock, publisher: Publisher, desk: Desk, tenant: str) -> None:
        self._clock, self._publisher, self._desk, self._tenant = clock, publisher, desk, tenant
        self._chance = Random(f"{seed}|feeding")
        self._generator = LoadGenerator(seed, clock.now(), tenant=tenant, prefix="chaos", mix=MESSY)
        self._recent: deque[str] = deque(maxlen=_DUEL_AGE)
        self._duels = 0
        self._by_http: set[str] = set()
        self.counts: Counter[str] = Counter()

    async def feed(self, seconds: float, rate: float) -> None:
        """Hand in `rate` orders a second with what belongs to them, whether or not anybody keeps up."""
        began = self._clock.monotonic()
        records = self._generator.records(int(seconds * rate))
        orders = 0
        for record in records:
            orders += record.kind == "order"
            ahead = orders / rate - (self._clock.monotonic() - began)
            if ahead > 0:
                await asyncio.sleep(ahead)
            self._hand_in(record)

    def _hand_in(self, record: LoadRecord) -> None:
        if record.kind == "conflict" and record.order_id in self._by_http:
            return  # which of the two would come first is open, hence which of them is the conflict
        self.counts[record.kind] += 1
        if record.kind == "order":
            self._recent.append(record.order_id)
            if self._chance.random() < DUELS and len(self._recent) == _DUEL_AGE:
                self._duel(self._recent[0])
            if self._chance.random() < BY_HTTP:
                self.counts["by_http"] += 1
                self._by_http.add(record.order_id)
                self._desk.submit(record.order_id, record.message.value)
                return
        self._publisher.put(record, self._wall_ms())

    def _duel(self, order_id: str) -> None:
        """Several changes of one order at the same moment, half by HTTP and half by Kafka: one stream of versions."""
        self._duels += 1
        for number in range(DUEL_ROUNDS):
            self.counts["duel"] += 1
            self._desk.change(order_id, f"http-{self._duels}-{number}", _LEVELS[number % 2])
            request_id = f"duel-{self._duels}-{number}"
            message = change_message(order_id, self._tenant, self._clock.now(), request_id, _LEVELS[number % 2])
            self._publisher.put(LoadRecord.about("change", order_id, message), self._wall_ms())

    def _wall_ms(self) -> int:
        return int(self._clock.wall().timestamp() * 1000)
