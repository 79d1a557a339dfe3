"""What a handler keeps of a record: its own JSON, with fields that only newer versions know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from linkstar_contracts import topics
from linkstar_contracts.event import Event
from linkstar_contracts.order_events import OrderCancelled
from linkstar_runtime.decoding import Decoder
from linkstar_runtime.handling import Received
from linkstar_runtime.records import StoredRecord
from linkstar_runtime.service import Subscription

CANCELLED = OrderCancelled(tenant="demo", order_id="o1", version=2, occurred_at=datetime(2026, 5, 1, tzinfo=UTC))


async def ignored(_batch: Sequence[Received[Event]], _tx: object) -> list[Event]:
    return []


def received(value: bytes) -> Received[Event]:
    subscription = Subscription(topics.ORDER_CHANGES, (OrderCancelled,), ignored)
    record = StoredRecord(
        "order-changes", 0, 1, CANCELLED.key.encode(), value, tuple(CANCELLED.headers("/linkstar/ingest"))
    )
    found = Decoder((subscription,), "", topics.PARTITIONS).decode(record).received
    assert found is not None
    return found


def test_a_field_of_a_newer_version_is_kept() -> None:
    newer = {**json.loads(CANCELLED.body()), "asked_by": "buyer"}
    assert json.loads(received(json.dumps(newer).encode()).json()) == newer


def test_a_command_has_the_event_alone() -> None:
    assert Received(CANCELLED, CANCELLED.key, 3).json() == CANCELLED.body().decode()
