"""A short run of the fuzzers that need no server, and proof that each judge sees a planted error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fuzz import file_doors
from fuzz.file_doors import read_files
from fuzz.findings import Findings
from fuzz.http_doors import _Judge, problem_fault
from fuzz.kafka_doors import _Account
from fuzz.mutations import CONSUMED, fuzz_records
from fuzz.order_files import file_cases
from linkstar_contracts.topics import PARTITIONS, TOPICS
from linkstar_runtime.decoding import Decoder
from linkstar_runtime.records import StoredRecord
from linkstar_runtime.service import Subscription

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
        ({0: b"torn"}, ["kafka: unreadable record no dead letter"]),
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
