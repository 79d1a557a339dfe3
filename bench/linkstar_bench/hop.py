"""One hop with next to no business logic: `python -m linkstar_bench.hop run`, an order in, the order's content out.

Run as a fenced stage and, through `linkstar_bench.usual`, the usual way. `LINKSTAR_BURN_US` makes every record cost CPU.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b

from linkstar_contracts.events import OrderChanged, OrderReceived
from linkstar_contracts.topics import ORDER_CHANGES, ORDERS_RECEIVED
from linkstar_runtime import Received, Service, Subscription, Transaction, main
from linkstar_runtime.clock import Clock

__all__ = ["Hop", "build"]

_TAKE = """
INSERT INTO hop (tenant, order_id, shard, body) SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[])
ON CONFLICT DO NOTHING RETURNING tenant, order_id"""
_KEPT = frozenset(OrderChanged.model_fields)


class Hop:
    """The handler and what each of its records costs."""

    def __init__(self, burn_us: int) -> None:
        self._burn_s, self._clock = burn_us / 1e6, Clock()

    async def on_orders(self, batch: Sequence[Received[OrderReceived]], tx: Transaction) -> list[OrderChanged]:
        """Store every order not seen before and pass its content on."""
        rows = [(r.event.tenant, r.event.order_id, r.shard, r.event.options.model_dump_json()) for r in batch]
        taken = {tuple(row) for row in await tx.fetch(_TAKE, *map(list, zip(*rows, strict=True)))}
        self._burn(len(batch))
        return [_passed_on(r.event) for r in batch if (r.event.tenant, r.event.order_id) in taken]

    def _burn(self, records: int) -> None:
        until, block = self._clock.monotonic() + self._burn_s * records, b"x" * 4096
        while self._burn_s and self._clock.monotonic() < until:
            blake2b(block).digest()


def _passed_on(order: OrderReceived) -> OrderChanged:
    return OrderChanged.model_construct(**{name: value for name, value in order if name in _KEPT})


def build() -> Service:
    """Return the service."""
    hop = Hop(int(os.environ.get("LINKSTAR_BURN_US", "0")))
    return Service(
        name="hop",
        migrations="linkstar_bench.hop_migrations",
        subscriptions=(Subscription(ORDERS_RECEIVED, (OrderReceived,), hop.on_orders),),
        emits=(ORDER_CHANGES,),
    )


if __name__ == "__main__":
    main(build)
