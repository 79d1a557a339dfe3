"""A short run of the fuzzers that need no server, and proof that each judge sees a planted error."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from contracts.golden import GOLDENS

from fuzz import file_doors
from fuzz.file_doors import read_files
from fuzz.findings import Findings
from fuzz.http_doors import _Judge, problem_fault
from fuzz.kafka_doors import _Account
from fuzz.mutations import CONSUMED, fuzz_records
from fuzz.order_files import file_cases
from fuzz.readers import Readers
from linkstar_contracts.events import EVENTS, LabelCreated
from linkstar_contracts.topics import LABELS, ORDERS_INBOUND, PARTITIONS, TOPICS
from linkstar_runtime.decoding import Decoder
from linkstar_runtime.records import StoredRecord
from linkstar_runtime.service import Subscription
from linkstar_runtime.shards import shard_of

DECODER = Decoder(
    tuple(Subscription(topic, topic.events, Any) for topic in TOPICS if topic.consumers),  # type: ignore[arg-type]
    "",
    PARTITIONS,
)


def test_every_damaged_record_is_decoded_or_becomes_a_dead_letter() -> None:
    seen = {"received": 0, "dead": 0}
    for offset, damaged in enumerate(fuzz_records(7, 3_000, huge_share=0.001)):
        headers = tuple((name, value or b"") for name, value in damaged.headers)
        item = DECODER.decode(
            StoredRecord(damaged.topic, damaged.partition, offset, damaged.key, damaged.value, headers)
        )
        seen["received"] += item.received is not None
        seen["dead"] += item.dead is not None
    assert min(seen.values()) > 300
    assert {record.topic for record in fuzz_records(7, 100)} == set(CONSUMED)


def test_the_same_seed_gives_the_same_damage() -> None:
    assert list(fuzz_records(3, 200)) == list(fuzz_records(3, 200))
    assert list(fuzz_records(3, 200)) != list(fuzz_records(4, 200))
    assert [case.damage for case in file_cases(3, 20)] == [case.damage for case in file_cases(3, 20)]


def test_damaged_order_files_are_read_or_refused_with_a_code() -> None:
    findings = Findings()
    read = read_files(11, 60, findings)
    assert findings.listed() == []
    assert 0 < read["refused"] < 60


def test_a_traceback_in_a_reader_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_doors, "CHANNELS", {})
    findings = Findings()
    read_files(11, 3, findings)
    assert findings.total("files: traceback") == 3


GOOD = {"type": "urn:x", "title": "No", "status": 404, "code": "unknown"}


@pytest.mark.parametrize(
    ("content_type", "document", "found"),
    [
        ("application/problem+json", GOOD, False),
        ("application/json", GOOD, True),
        ("application/problem+json", {**GOOD, "code": ""}, True),
        ("application/problem+json", {**GOOD, "status": 400}, True),
        ("application/problem+json", {"detail": "Not Found"}, True),
        ("", {}, True),
    ],
)
def test_a_refusal_that_is_no_coded_problem_is_found(content_type: str, document: Any, found: bool) -> None:
    assert (problem_fault(404, content_type, json.dumps(document).encode()) is not None) is found


def test_server_errors_and_a_rivals_data_are_found() -> None:
    judge = _Judge(Findings())
    judge.look("GET", "/v1/orders", 500, "text/plain", b"")
    judge.look("GET", "/v1/orders", 200, "application/json", b'{"order_id": "ctl-rival-http"}')
    judge.look("GET", "/v1/orders", 200, "application/json", b'{"order_id": "ctl-demo-http"}')
    assert judge.findings.counts == {"http: server error": 1, "http: cross read": 1}


def stored(offset: int, key: bytes, value: bytes) -> StoredRecord:
    return StoredRecord("orders-inbound", 0, offset, key, value, ())


def letter(raw: bytes) -> dict[str, Any]:
    return {"raw": raw, "code": "invalid", "detail": "x"}


@pytest.mark.parametrize(
    ("letters", "found"),
    [
        ({0: b"torn", 1: b"{}"}, []),
        ({0: b"other", 1: b"{}"}, ["kafka: dead letter differs from its record"]),
        ({0: b"torn", 1: b"{}", 2: b"good"}, ["kafka: sound record dead"]),
        ({0: b"torn", 1: b"{}", 9: b"phantom"}, ["kafka: dead letter differs from its record"]),
    ],
)
def test_what_is_lost_altered_or_wrongly_dead_is_found(letters: dict[int, bytes], found: list[str]) -> None:
    typed = (("ce_type", b"linkstar.order.submitted.v1"),)
    control = StoredRecord("orders-inbound", 0, 2, b"demo/ctl-1", b"{}", typed)
    log = {0: stored(0, b"demo/fz-1", b"torn"), 1: stored(1, b"demo/fz-2", b"{}"), 2: control}
    letters = {offset: b"{}" if raw == b"good" else raw for offset, raw in letters.items()}
    findings = Findings()
    account = _Account(None, findings)  # type: ignore[arg-type]
    dead = {("orders-inbound", 0, offset): letter(raw) for offset, raw in letters.items()}
    wrong = account._check_letters({("orders-inbound", 0): log}, {"ingest": dead})
    assert list(findings.counts) == found
    assert wrong == len(found)


def sound(topic: str, offset: int, event: str) -> StoredRecord:
    """The golden example of an event, as it comes on this topic."""
    golden = next(one for one in GOLDENS if one.topic.name == topic and one.headers["ce_type"].endswith(event))
    event_class = EVENTS[golden.headers["ce_type"]].model_validate_json(json.dumps(golden.body))
    partition = shard_of(event_class.key, PARTITIONS)
    headers = tuple(event_class.headers("/fuzz"))
    return StoredRecord(topic, partition, offset, event_class.key.encode(), event_class.body(), headers)


def fates(records: list[StoredRecord], dead: set[int]) -> tuple[dict[str, int], list[str]]:
    """How two readers of `labels` and of the door are counted, when the first has letters of these offsets."""
    subscriptions = (
        Subscription(LABELS, (LabelCreated,), Any),  # type: ignore[arg-type]
        Subscription(ORDERS_INBOUND, ORDERS_INBOUND.events, Any),  # type: ignore[arg-type]
    )
    skipping = (Subscription(LABELS, (LabelCreated,), Any, skips=lambda _head: True),)  # type: ignore[arg-type]
    readers = Readers({"first": Decoder(subscriptions, "", PARTITIONS), "second": Decoder(skipping, "", PARTITIONS)})
    logs: dict[tuple[str, int], dict[int, StoredRecord]] = {}
    for record in records:
        logs.setdefault((record.topic, record.partition), {})[record.offset] = record
    letters = {"first": {(r.topic, r.partition, r.offset): letter(b"") for r in records if r.offset in dead}}
    findings = Findings()
    return dict(readers.account(logs, letters, findings)), list(findings.counts)


def test_what_nobody_reads_and_what_is_re_keyed_is_no_event() -> None:
    order, label = sound("orders-inbound", 0, "order.submitted.v1"), sound("labels", 1, "label.created.v1")
    records = [order, label, sound("labels", 2, "label.voided.v1"), replace(order, offset=3, key=b"demo/other")]
    assert fates(records, set()) == ({"event": 2, "skipped": 3, "rekeyed": 1}, [])


@pytest.mark.parametrize(
    ("change", "dead", "found"),
    [
        ({"value": b"torn"}, True, []),
        ({"value": b"torn"}, False, ["kafka: unreadable record no dead letter"]),
        ({"value": b"{}"}, False, ["kafka: refused record no dead letter"]),
        ({"headers": ()}, True, ["kafka: unreadable record no dead letter"]),
    ],
)
def test_an_unreadable_record_is_found_on_every_topic_unless_its_reader_skips_it_by_its_head(
    change: dict[str, Any], dead: bool, found: list[str]
) -> None:
    """The second reader skips labels by their head, so it finds no fault with the body, but with a missing head."""
    damaged = replace(sound("labels", 0, "label.created.v1"), **change)
    assert fates([damaged], {0} if dead else set())[1] == found


def test_a_skipped_record_that_died_is_found() -> None:
    assert fates([sound("labels", 0, "label.voided.v1")], {0})[1] == ["kafka: skipped record dead"]
