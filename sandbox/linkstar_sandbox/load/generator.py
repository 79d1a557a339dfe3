"""An endless seeded stream of what upstream systems publish: orders, repeats, changes, cancels, and records nobody can read.

The same seed, time and mix give the same records in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Literal, NamedTuple

from aiokafka.partitioner import murmur2

from linkstar_sandbox.load.templates import COUNTRIES, render_templates
from linkstar_sandbox.order_files.drafts import invent_draft
from linkstar_sandbox.order_files.messages import Message, cancel_message, change_message, poison_messages

__all__ = ["MESSY", "ORDERS_ONLY", "PARTITIONS", "Kind", "LoadGenerator", "LoadRecord", "Mix"]

PARTITIONS = 12
_LONGEST_DELAY = 400
"""How many orders later a repeat, change or cancel may come."""

Kind = Literal["order", "repeat", "restated", "conflict", "change", "cancel", "poison"]


class LoadRecord(NamedTuple):
    """One record for `orders-inbound`, and what it is. `flaw` names what is wrong with a poison record."""

    kind: Kind
    order_id: str
    partition: int
    message: Message
    flaw: str = ""

    @classmethod
    def about(cls, kind: Kind, order_id: str, message: Message, flaw: str = "") -> LoadRecord:
        """A record in the partition its key belongs to."""
        return cls(kind, order_id, (murmur2(message.key) & 0x7FFFFFFF) % PARTITIONS, message, flaw)


@dataclass(frozen=True)
class Mix:
    """How often, per order, something else follows it (`early_cancel`: comes before it)."""

    repeat: float = 0.0
    """The same bytes at a new offset."""
    restated: float = 0.0
    """The same fact in other bytes."""
    conflict: float = 0.0
    """The same order id with other content: a dead letter."""
    change: float = 0.0
    cancel: float = 0.0
    early_cancel: float = 0.0
    poison: float = 0.0


ORDERS_ONLY = Mix()
MESSY = Mix(repeat=0.08, restated=0.04, conflict=0.002, change=0.03, cancel=0.03, early_cancel=0.005, poison=0.003)


class LoadGenerator:
    """Makes records of one tenant; order ids are `<prefix>-0000001` and so on."""

    def __init__(
        self, seed: int, now: datetime, *, tenant: str = "demo", prefix: str = "load", mix: Mix = ORDERS_ONLY,
        countries: tuple[str, ...] = COUNTRIES, variety: int = 64,
    ) -> None:  # fmt: skip
        self._now, self._tenant, self._prefix, self._mix = now, tenant, prefix, mix
        self._rng = Random(f"{seed}|load")
        self._templates = render_templates(seed, now, tenant, countries, variety)
        self._numbers, self._ties = count(1), count()
        self._made = 0
        self._later: list[tuple[int, int, LoadRecord]] = []

    def records(self, orders: int) -> Iterator[LoadRecord]:
        """Yield the next `orders` orders with everything that belongs to them; nothing is left waiting at the end."""
        for _ in range(orders):
            self._made += 1
            yield from self._around(f"{self._prefix}-{next(self._numbers):07}")
            while self._later and self._later[0][0] <= self._made:
                yield heappop(self._later)[2]
        while self._later:
            yield heappop(self._later)[2]

    def _around(self, order_id: str) -> Iterator[LoadRecord]:
        """Yield one order now; what follows it later is kept."""
        mix, rng = self._mix, self._rng
        template = rng.choice(self._templates)
        order = LoadRecord.about("order", order_id, template.stamp(order_id))
        if mix is ORDERS_ONLY:
            yield order
            return
        if rng.random() < mix.early_cancel:
            yield LoadRecord.about("cancel", order_id, cancel_message(order_id, self._tenant, self._now))
        elif rng.random() < mix.cancel:
            self._follow(LoadRecord.about("cancel", order_id, cancel_message(order_id, self._tenant, self._now)))
        yield order
        self._repeat(order)
        if rng.random() < mix.conflict:
            other = Message(order.message.key, _reworded(order.message.value), order.message.headers)
            self._follow(order._replace(kind="conflict", message=other, flaw="other content"))
        if rng.random() < mix.change:
            level = rng.choice(("standard", "expedited"))
            self._follow(
                LoadRecord.about("change", order_id, change_message(order_id, self._tenant, self._now, "chg-1", level))
            )
        if rng.random() < mix.poison:
            yield self._poison(order_id)

    def _repeat(self, order: LoadRecord) -> None:
        if self._rng.random() < self._mix.repeat:
            self._follow(order._replace(kind="repeat"))
        if self._rng.random() < self._mix.restated:
            spaced = Message(order.message.key, b" " + order.message.value, order.message.headers)
            self._follow(order._replace(kind="restated", message=spaced))

    def _follow(self, record: LoadRecord) -> None:
        """Keep `record` for later: most soon, some long after."""
        delay = int(_LONGEST_DELAY * self._rng.random() ** 3)
        heappush(self._later, (self._made + delay, next(self._ties), record))

    def _poison(self, order_id: str) -> LoadRecord:
        draft = invent_draft(self._rng, f"{order_id}-bad", "US", self._now)
        flaw, message = self._rng.choice(sorted(poison_messages(draft, self._tenant).items()))
        bad_id = message.key.decode().partition("/")[2]
        return LoadRecord.about("poison", bad_id, message, flaw)


def _reworded(value: bytes) -> bytes:
    """The same order for another channel: valid, and not what was accepted."""
    return value.replace(b'"channel": "erp"', b'"channel": "erp2"', 1)
