"""How far behind the logs this member is, in records and in seconds, and whether it moves at all.

Kafka is asked every few seconds where its logs end, apart from the consumer's own fetching: a consumer that no longer
fetches is seen, too. What a log ends with may be no record (the marker of an upstream's transaction): a partition handed
over to its end has nothing waiting, whatever the stored offset, unless what was handed over is not done.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

import structlog

from linkstar_runtime.clock import Clock
from linkstar_runtime.metrics import KAFKA_REACHABLE, LAG_RECORDS, LAG_SECONDS, NO_PROGRESS_SECONDS, OfTopic
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.ports import BrokerUnavailable
from linkstar_runtime.stage import Stage

__all__ = ["Progress"]

log = structlog.get_logger(__name__)
Place = tuple[str, int]
REMEMBERED = 720
"""Log ends remembered per partition: an hour of growth; older ones are kept rather than newer ones."""


class Progress:
    """Compares the owned shards' offsets with the ends of their logs."""

    def __init__(self, stage: Stage, ownership: Ownership, clock: Clock, every_s: float = 5.0) -> None:
        self._stage, self._ownership, self._clock, self._every_s = stage, ownership, clock, every_s
        self._ends: dict[Place, deque[tuple[float, int]]] = {}
        self._stood: dict[Place, tuple[int, float]] = {}
        self._moved_at: float | None = None
        self._topics: set[str] = set()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await self._clock.sleep(self._every_s)

    async def look(self) -> None:
        """Ask Kafka once and set the gauges; while it does not answer they stay and nothing is held against us."""
        consumer, expected = self._ownership.consumer, self._expected()
        if consumer is None:
            return
        try:
            bounds = await consumer.bounds(list(expected))
            reached = await consumer.reached(list(expected))
        except BrokerUnavailable as error:
            KAFKA_REACHABLE.set(0)
            self._moved_at = None
            log.info("log ends not known", action="progress_unknown", error=str(error))
            return
        KAFKA_REACHABLE.set(1)
        handed = self._ownership.handed
        waiting = {
            place: end
            for place, (_, end) in bounds.items()
            if reached.get(place, 0) < end or handed.get(place, 0) > expected[place]
        }
        self._note(self._expected(), {place: waiting.get(place, 0) for place in bounds})

    @property
    def stalled_s(self) -> float:
        """How long records have waited here without any offset moving; shards that back off do not count."""
        return 0.0 if self._moved_at is None else self._clock.monotonic() - self._moved_at

    def _expected(self) -> dict[Place, int]:
        return {
            (topic, shard): offset
            for shard, held in self._ownership.owned.items()
            for topic, offset in held.expected.items()
        }

    def _note(self, expected: Mapping[Place, int], ends: Mapping[Place, int]) -> None:
        now = self._clock.monotonic()
        behind = {place: max(0, ends[place] - offset) for place, offset in expected.items() if place in ends}
        before, self._stood = self._stood, {
            place: (expected[place], self._since(place, lag, expected[place], now)) for place, lag in behind.items()
        }  # fmt: skip
        self._judge(before, {place for place, lag in behind.items() if lag > 0}, now)
        self._ends = {place: self._remembered(place, ends[place], expected[place], now) for place in behind}
        self._topics |= {topic for topic, _ in behind}
        records: Counter[str] = Counter(dict.fromkeys(self._topics, 0))
        for (topic, _), lag in behind.items():
            records[topic] += lag
        for topic, lag in records.items():
            LAG_RECORDS.set(OfTopic(topic), lag)
        LAG_SECONDS.set(max((now - seen[0][0] for seen in self._ends.values() if seen), default=0.0))
        NO_PROGRESS_SECONDS.set(max((now - since for _, since in self._stood.values()), default=0.0))

    def _since(self, place: Place, lag: int, offset: int, now: float) -> float:
        """Since when `place` has stood at `offset` with records waiting; now when it moved or has none."""
        stood_at, since = self._stood.get(place, (offset, now))
        return since if lag > 0 and stood_at == offset else now

    def _judge(self, before: Mapping[Place, tuple[int, float]], behind: set[Place], now: float) -> None:
        """Begin or go on to hold against this process that nothing moves."""
        moved = any(place in before and before[place][0] != offset for place, (offset, _) in self._stood.items())
        waiting = {place for place in behind if place[1] not in self._stage.backing_off}
        if moved or not waiting:
            self._moved_at = None
        elif self._moved_at is None:
            self._moved_at = now

    def _remembered(self, place: Place, end: int, offset: int, now: float) -> deque[tuple[float, int]]:
        seen = self._ends.get(place) if end > offset else None
        if seen is None:
            seen = deque()
        if end > offset and (not seen or seen[-1][1] < end) and len(seen) < REMEMBERED:
            seen.append((now, end))
        while seen and seen[0][1] <= offset:
            seen.popleft()
        return seen
