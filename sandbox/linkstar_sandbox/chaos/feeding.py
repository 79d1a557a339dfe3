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
DUELS = 0.5
"""Per order: how often the hot order of the moment is changed through both doors at once."""
HOT_S = 5.0
"""How long one order is hot: until a carrier has it, changes are taken."""
_HOT_AGE = 40
"""How many orders later an order becomes hot: LinkStar should know it by then."""
_LEVELS = ("standard", "expedited")


class Feeding:
    """Hands in what the generator makes until told to stop."""

    def __init__(self, seed: int, clock: Clock, publisher: Publisher, desk: Desk, tenant: str) -> None:
        self._clock, self._publisher, self._desk, self._tenant = clock, publisher, desk, tenant
        self._chance = Random(f"{seed}|feeding")
        self._generator = LoadGenerator(seed, clock.now(), tenant=tenant, prefix="chaos", mix=MESSY)
        self._recent: deque[str] = deque(maxlen=_HOT_AGE)
        self._hot, self._hot_until = "", 0.0
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
            if self._chance.random() < DUELS and len(self._recent) == _HOT_AGE:
                self._duel()
            if self._chance.random() < BY_HTTP:
                self.counts["by_http"] += 1
                self._by_http.add(record.order_id)
                self._desk.submit(record.order_id, record.message.value)
                return
        self._publisher.put(record, self._wall_ms())

    def _duel(self) -> None:
        """Change the hot order by HTTP and by Kafka at the same moment: both write one stream of versions."""
        now = self._clock.monotonic()
        if now > self._hot_until:
            self._hot, self._hot_until = self._recent[0], now + HOT_S
        self._duels += 1
        self.counts["duel"] += 1
        level = _LEVELS[self._duels % 2]
        self._desk.change(self._hot, f"http-{self._duels}", level)
        message = change_message(self._hot, self._tenant, self._clock.now(), f"kafka-{self._duels}", level)
        self._publisher.put(LoadRecord.about("change", self._hot, message), self._wall_ms())

    def _wall_ms(self) -> int:
        return int(self._clock.wall().timestamp() * 1000)
