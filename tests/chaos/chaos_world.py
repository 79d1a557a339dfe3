"""A small sound chaos run as evidence, so that tests can plant errors in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from unit.sandbox.reader_world import BACK, HAPPY, sound_world

from linkstar_sandbox.reader.evidence import Evidence, Record
from linkstar_sandbox.reader.run_evidence import Answer, DeadLetterRow, HandedIn, PoolDay, RunEvidence, Sample, Wallet

ORDERS = ("good", "kept", "rts", "off", "poor", "far", "nowhere")


def inbound(offset: int, order_id: str, kind: str = "order.submitted", **body: Any) -> Record:
    return Record(
        "orders-inbound", 0, offset, f"demo/{order_id}", b"{}", type=f"linkstar.{kind}.v1", tenant="demo",
        id=f"in-{offset}", version=1, subject=f"{order_id}|{offset}", body={"order_id": order_id, **body},
    )  # fmt: skip


def copy(offset: int) -> Record:
    place = {"orig-topic": "orders-inbound", "orig-partition": "0", "orig-offset": str(offset)}
    return Record("orders-inbound-dlq", 0, 0, "demo/torn", b"{", headers=place)


def sample(**changes: Any) -> Sample:
    plain: dict[str, Any] = {
        "committed": {"ingest": {"orders-inbound/0": 9}}, "stored": {"ingest": {"orders-inbound/0": 10}},
        "epochs": {"ingest": {"0": 3}},
    }  # fmt: skip
    return Sample(**{**plain, **changes})


def sound_topics() -> Evidence:
    world = sound_world()
    torn = Record("orders-inbound", 0, len(ORDERS), "demo/torn", b"{")
    asked = [*(inbound(n, order) for n, order in enumerate(ORDERS)), torn,
             inbound(8, "off", "order.cancel-requested"), inbound(9, "good")]  # fmt: skip
    events = [record for record in world.records if not record.topic.endswith("-dlq")]
    return replace(world, records=[*events, *asked, copy(len(ORDERS))])


def sound_run() -> RunEvidence:
    handed_in = [HandedIn("order", order, 0, n) for n, order in enumerate(ORDERS)]
    handed_in += [HandedIn("poison", "torn", 0, 7, "not JSON"), HandedIn("cancel", "off", 0, 8),
                  HandedIn("repeat", "good", 0, 9), HandedIn("order", "good", 0, None)]  # fmt: skip
    shipped = ("good", "kept", "kept~R1", "rts", "off")
    numbers = {"good": "N1", "kept": "N2", "kept~R1": "N3"}
    versions = {("orders", "demo", order): 1 for order in ORDERS} | {("orders", "demo", "nowhere"): 0}
    versions |= {("orders", "demo", "off"): 2, ("labels", "demo", "off"): 2, ("tracking-updated", "demo", "rts"): 3}
    versions |= {("routes-chosen", "demo", name): 1 for name in (*shipped, "poor")}
    versions |= {("labels", "demo", name): 1 for name in shipped if name != "off"}
    versions |= {("tracking-updated", "demo", name): 2 for name in numbers}
    versions |= {("returns-updated", "demo", "kept~R1"): 5, ("returns-updated", "demo", "rts~R1"): 2}
    versions |= {("exceptions-raised", "demo", "label.balance.poor"): 1}
    versions |= {("exceptions-raised", "demo", "ingest.address.lost"): 1}
    return RunEvidence(
        topics=sound_topics(), handed_in=handed_in, answers=[Answer("order", "far", "", 201)],
        letters=[DeadLetterRow("ingest", "orders-inbound", 0, 7, "invalid")],
        requests=frozenset({("off", "cancel", "")}), stored_orders=dict.fromkeys(ORDERS, "open"), versions=versions,
        decisions=frozenset(("demo", name, 1) for name in (*shipped, "poor")),
        labels=frozenset(("demo", name, 1) for name in shipped),
        scans=frozenset(
            [("demo", name, f"{number}-{code}") for name, number in numbers.items() for code in HAPPY]
            + [("demo", "rts", f"N4-{code}") for code in BACK]
        ),
        wallets=[Wallet("demo", "USD", 100, 0, 100)], pool_days=[PoolDay("demo", "ground", "2026-11-23", 3, 2, 2, 0)],
        samples=[sample(), sample()],
        ends={"orders-inbound/0": 10}, outbox_rows={"ingest": 0},
    )  # fmt: skip
