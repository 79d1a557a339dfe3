"""The load: order records as a foreign publisher writes them, built before the clock starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.shards import shard_of
from linkstar_sandbox.order_files.drafts import invent_draft
from linkstar_sandbox.order_files.messages import Message, order_message

__all__ = ["TENANTS", "OrderRecord", "build_orders"]

TENANTS = tuple(f"seller-{number:02}" for number in range(1, 21))
"""Twenty sellers, so that no variant is held up by one hot wallet."""
_WAREHOUSES = {
    "US": ("US-LA", "US-NJ"),
    "CA": ("CA-TOR",),
    "GB": ("UK-BHX",),
    "DE": ("DE-HAJ",),
    "FR": ("FR-LIL",),
}
_COUNTRIES = tuple(_WAREHOUSES)
_SHARES = (60, 8, 12, 12, 8)


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One record for `orders-inbound` and the key its order has in every later event."""

    key: tuple[str, str]
    partition: int
    message: Message


def build_orders(count: int, seed: int, name: str, now: datetime) -> Sequence[OrderRecord]:
    """Return `count` orders nobody refuses; the same arguments give the same bytes."""
    rng = Random(f"{seed}|{name}")
    return [_record(rng, f"{name}-{number:07}", TENANTS[number % len(TENANTS)], now) for number in range(count)]


def _record(rng: Random, reference: str, tenant: str, now: datetime) -> OrderRecord:
    country = rng.choices(_COUNTRIES, _SHARES)[0]
    draft = invent_draft(rng, reference, country, now)
    message = order_message(draft, tenant, rng.choice(_WAREHOUSES[country]))
    return OrderRecord((tenant, reference), shard_of(message.key.decode(), PARTITIONS), message)
