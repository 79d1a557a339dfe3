"""The load generator: the same seed gives the same records, each valid for what it claims to be."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from pydantic import ValidationError

from linkstar_contracts.event import read_headers
from linkstar_contracts.events import OrderCancelRequested, OrderChangeRequested, OrderSubmitted
from linkstar_contracts.topics import PARTITIONS as TOPIC_PARTITIONS
from linkstar_runtime.shards import shard_of
from linkstar_sandbox.load import MESSY, ORDERS_ONLY, History, LoadGenerator, Publication, read_history
from linkstar_sandbox.load.generator import PARTITIONS

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CLASSES = {each.TYPE: each for each in (OrderSubmitted, OrderChangeRequested, OrderCancelRequested)}


def test_the_same_seed_gives_the_same_records_and_another_seed_others() -> None:
    first, again, other = (list(LoadGenerator(seed, NOW, mix=MESSY).records(300)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_record_but_poison_is_a_valid_event_under_its_key_and_partition() -> None:
    for record in LoadGenerator(3, NOW, mix=MESSY).records(500):
        head = read_headers(record.message.headers)
        if record.kind == "poison":
            continue
        assert head is not None
        event = CLASSES[head.type].model_validate_json(record.message.value)
        assert (event.order_id, event.ce_id, event.aggregate_id) == (record.order_id, head.id, head.subject)
        assert record.message.key == event.key.encode()
        assert record.partition == shard_of(event.key, TOPIC_PARTITIONS)
    assert PARTITIONS == TOPIC_PARTITIONS


def test_poison_is_unreadable_or_refused_by_business() -> None:
    poison = [r for r in LoadGenerator(5, NOW, mix=MESSY).records(20_000) if r.kind == "poison"]
    assert {record.flaw for record in poison} == {
        "not JSON", "no envelope", "unknown field", "no parcels", "time without zone", "unknown warehouse",
    }  # fmt: skip
    for record in poison:
        if record.flaw not in ("no envelope", "unknown warehouse"):
            with pytest.raises(ValidationError):
                OrderSubmitted.model_validate_json(record.message.value)


def test_a_mix_repeats_facts_at_new_offsets_and_alters_none() -> None:
    records = list(LoadGenerator(7, NOW, mix=MESSY).records(5_000))
    kinds = Counter(record.kind for record in records)
    assert kinds["order"] == 5_000
    assert min(kinds.values()) > 3
    assert len(kinds) == 7
    first = {record.order_id: index for index, record in enumerate(records) if record.kind == "order"}
    orders = {record.order_id: record.message for record in records if record.kind == "order"}
    for index, record in enumerate(records):
        if record.kind in ("repeat", "restated", "conflict"):
            assert index > first[record.order_id]
        if record.kind == "repeat":
            assert record.message == orders[record.order_id]
        if record.kind in ("restated", "conflict"):
            before, now = (
                OrderSubmitted.model_validate_json(each.value) for each in (orders[record.order_id], record.message)
            )
            assert (before == now) == (record.kind == "restated")
    early = [r for i, r in enumerate(records) if r.kind == "cancel" and i < first[r.order_id]]
    assert early


def test_orders_only_are_nothing_else_and_reach_all_countries() -> None:
    records = list(LoadGenerator(1, NOW, mix=ORDERS_ONLY).records(500))
    assert {record.kind for record in records} == {"order"}
    assert len({record.order_id for record in records}) == 500
    countries = {OrderSubmitted.model_validate_json(r.message.value).consignee.country for r in islice(records, 200)}
    assert countries == {"US", "CA", "GB", "DE", "FR"}


def test_the_history_says_what_was_published_where(tmp_path: Path) -> None:
    lines = [Publication("order", "load-1", 3, 7, 1_000), Publication("poison", "load-2", 3, None, 1_001, "not JSON")]
    with History(tmp_path / "history.jsonl") as history:
        history.note(lines[:1])
        history.note(lines[1:])
    assert list(read_history(tmp_path / "history.jsonl")) == lines
