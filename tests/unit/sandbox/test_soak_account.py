"""The soak's account finds a lost order, a doubled fact, another payload, a gap and poison that was swallowed."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from linkstar_sandbox.load.history import Publication
from linkstar_sandbox.soak.account import SoakAccount

WAY = [
    ("orders-received", "linkstar.order.received.v1", "o"), ("routes-chosen", "linkstar.route.chosen.v1", "s"),
    ("labels", "linkstar.label.created.v1", "s"), ("shipments-current", "linkstar.shipment.updated.v1", "s"),
]  # fmt: skip
HANDED_IN = [
    Publication("order", "a-1", 0, 0, 0), Publication("order", "a-2", 0, 1, 0),
    Publication("poison", "a-2-bad", 3, 7, 0, "no json"),
]  # fmt: skip


def _record(topic: str, kind: str, order: str, **changes: Any) -> SimpleNamespace:
    headers = {
        "ce_id": f"{order}{kind}", "ce_type": kind, "ce_tenant": "demo", "ce_subject": order, "ce_version": "1",
        **changes.get("headers", {}),
    }  # fmt: skip
    return SimpleNamespace(
        topic=topic, key=f"demo/{order}".encode(), value=changes.get("value", b"{}"),
        headers=[(name, value.encode()) for name, value in headers.items()],
    )  # fmt: skip


def _world() -> list[SimpleNamespace]:
    records = [_record(topic, kind, order) for order in ("a-1", "a-2") for topic, kind, _ in WAY]
    letter = {"orig-topic": "orders-inbound", "orig-partition": "3", "orig-offset": "7"}
    return [*records, _record("orders-inbound-dlq", "x", "a-2-bad", headers=letter)]


def _exception(version: int, state: str, which: str = "label.a-2") -> SimpleNamespace:
    headers = {"ce_id": f"{which}{version}", "ce_subject": which, "ce_version": str(version)}
    body = json.dumps({"state": state}).encode()
    return _record("exceptions-raised", "linkstar.exception.raised.v1", "a-2", headers=headers, value=body)


def _order(topic: str, version: int) -> SimpleNamespace:
    headers = {"ce_id": f"{topic}{version}", "ce_version": str(version)}
    return _record(topic, "linkstar.order.changed.v1", "a-1", headers=headers)


def _violations(records: list[SimpleNamespace]) -> list[str]:
    account = SoakAccount()
    for record in records:
        account.take(record)
    return [f"{check.kind}: {text}" for check in account.judge(HANDED_IN) for text in check.violations]


def test_a_sound_run_has_no_violations_and_every_check_looked_at_something() -> None:
    account = SoakAccount()
    for record in _world():
        account.take(record)
    assert [check.verdict for check in account.judge(HANDED_IN)] == ["ok"] * 5
    assert account.events == 8


def test_a_repeated_send_after_a_crash_is_no_duplicate() -> None:
    world = _world()
    assert _violations([*world, world[2]]) == []


@pytest.mark.parametrize(
    ("told", "held"),
    [
        ([_exception(1, "open")], True),
        ([_exception(1, "open"), _exception(2, "resolved"), _exception(1, "open")], False),
        ([_exception(1, "open"), _exception(2, "resolved"), _exception(3, "open")], True),
        ([_exception(1, "open"), _exception(1, "open", "route.a-2"), _exception(2, "resolved")], True),
        ([], False),
    ],
)
def test_an_order_without_a_label_is_held_only_by_an_exception_that_is_still_open(
    told: list[SimpleNamespace], held: bool
) -> None:
    unlabelled = [record for number, record in enumerate(_world()) if number not in (6, 7)]
    lost = [text for text in _violations([*unlabelled, *told]) if text.startswith("lost")]
    assert bool(lost) is not held


def test_changes_that_rise_over_both_topics_of_an_order_are_sound() -> None:
    assert _violations([*_world(), _order("order-changes", 2), _order("order-changes", 3)]) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (lambda w: w[:6] + w[8:], "lost: a-2 got as far as"),
        (lambda w: w[:-1], "lost: poison at (3, 7) is no dead letter"),
        (lambda w: [*w, _record("labels", WAY[2][1], "a-1", value=b"{2}")], "has two payloads"),
        (lambda w: [*w, _record("labels", WAY[2][1], "a-1", headers={"ce_id": "other"})], "has two ids"),
        (lambda w: [*w, _record("labels", "linkstar.label.voided.v1", "a-1", headers={"ce_version": "3"})],
         "broken: labels: version 3 of a-1 came after 1"),
        (lambda w: [*w, _order("orders-received", 0)], "broken: orders-received: version 0 of a-1 came after 1"),
        (lambda w: [*w, _order("order-changes", 3), _order("order-changes", 2)],
         "broken: order-changes: version 2 of a-1 came after 3"),
        (lambda w: [*w, _order("order-changes", 3)], "broken: a-1 has versions [1, 3]"),
    ],
)  # fmt: skip
def test_what_is_planted_is_found(planted: Any, found: str) -> None:
    assert any(found in text for text in _violations(planted(_world())))
