"""A consumer group in memory: whole rebalances with generations, range assignment, session and rebalance time-outs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Assignor", "MemoryGroup", "by_range"]

Places = list[tuple[str, int]]
Assignor = Callable[[Mapping[str, Collection[str]], int], dict[str, Places]]
"""From the topics of each member, and the partition count of all topics, to the places of each member."""


def by_range(members: Mapping[str, Collection[str]], partitions: int) -> dict[str, Places]:
    """Kafka's range assignment: per topic, neighbouring partitions to the members in order of their names."""
    assignment: dict[str, Places] = {member: [] for member in members}
    for topic in sorted({topic for topics in members.values() for topic in topics}):
        readers = sorted(member for member, topics in members.items() if topic in topics)
        share, rest = divmod(partitions, len(readers))
        first = 0
        for number, member in enumerate(readers):
            count = share + (number < rest)
            assignment[member] += [(topic, partition) for partition in range(first, first + count)]
            first += count
    return assignment


@dataclass
class _Member:
    topics: Collection[str]
    seen: float


class MemoryGroup:
    """The coordinator of one group. Times are given by the caller; `tick` must be called from time to time."""

    def __init__(
        self, partitions: int, session_timeout_s: float, rebalance_timeout_s: float, assignor: Assignor = by_range
    ) -> None:
        self._partitions, self._assignor = partitions, assignor
        self._session_timeout_s, self._rebalance_timeout_s = session_timeout_s, rebalance_timeout_s
        self._members: dict[str, _Member] = {}
        self._joined: set[str] = set()
        self._deadline = 0.0
        self.generation = 0
        self.stable = True
        self.assignment: dict[str, Places] = {}
        self.committed: dict[tuple[str, int], int] = {}
        self.expired = 0
        """Members thrown out because they were silent for too long."""

    @property
    def members(self) -> Sequence[str]:
        """Names of the present members."""
        return list(self._members)

    def join(self, member: str, topics: Collection[str], now: float) -> None:
        """A new member: everyone must rejoin."""
        self._members[member] = _Member(topics, now)
        self._rebalance(now)

    def rejoin(self, member: str, now: float) -> None:
        """A member agrees to the new generation, its partitions given up."""
        self._joined.add(member)
        self.heartbeat(member, now)
        if not self.stable and all(name in self._joined for name in self._members):
            self._assign()

    def heartbeat(self, member: str, now: float) -> None:
        """Note a sign of life."""
        if member in self._members:
            self._members[member].seen = now

    def leave(self, member: str, now: float) -> None:
        """A member goes."""
        if self._members.pop(member, None):
            self._rebalance(now)

    def tick(self, now: float) -> None:
        """Throw out silent members, and do not wait for ever for those who do not rejoin."""
        silent = [name for name, each in self._members.items() if now - each.seen > self._session_timeout_s]
        for name in silent:
            del self._members[name]
        self.expired += len(silent)
        if silent:
            self._rebalance(now)
        if not self.stable and self._joined and now > self._deadline:
            self._assign()

    def commit(self, member: str, generation: int, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Store offsets; False for whoever is not a member of the present generation."""
        if member not in self._members or generation != self.generation or not self.stable:
            return False
        self.committed.update(offsets)
        return True

    def _rebalance(self, now: float) -> None:
        self.generation += 1
        self.stable = False
        self._joined = set()
        self._deadline = now + self._rebalance_timeout_s

    def _assign(self) -> None:
        self._members = {name: each for name, each in self._members.items() if name in self._joined}
        self.assignment = self._assignor({name: each.topics for name, each in self._members.items()}, self._partitions)
        self.stable = True
