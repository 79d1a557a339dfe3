"""Runs the example service: `python -m behaviour.example run`. Facts come by two topics and leave as OrderCancelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from behaviour.example.store import count_facts
from linkstar_contracts.events import OrderCancelled, OrderCancelRequested, ReturnRequested
from linkstar_contracts.topics import ORDER_CHANGES, ORDERS_INBOUND, RETURNS_REQUESTED
from linkstar_runtime import Received, Service, Subscription, Transaction, main

_raised: list[str] = []


async def on_facts(batch: Sequence[Received[Any]], tx: Transaction) -> list[OrderCancelled]:
    """One event per new fact; breaks on `poison`, and once per process on `raises-once`."""
    facts = []
    for received in batch:
        event = received.event
        identity = event.reason if isinstance(event, OrderCancelRequested) else event.request_id
        if identity == "poison":
            raise ZeroDivisionError
        if identity == "raises-once" and not _raised:
            _raised.append(identity)
            raise ZeroDivisionError
        facts.append((received.key, identity))
    return [
        OrderCancelled(
            tenant=key.split("/")[0], order_id=key.split("/")[1], version=version, occurred_at=tx.now, reason=identity
        )
        for key, identity, version in await count_facts(tx, facts)
    ]


def build() -> Service:
    return Service(
        name="example",
        migrations="behaviour.example.migrations",
        subscriptions=(
            Subscription(ORDERS_INBOUND, (OrderCancelRequested,), on_facts),
            Subscription(RETURNS_REQUESTED, (ReturnRequested,), on_facts),
        ),
        emits=(ORDER_CHANGES,),
    )


if __name__ == "__main__":
    main(build)
