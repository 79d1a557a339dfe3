"""How the demo tells a run: the trace as one tree, the history of the right order, rates, options from the environment."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from unit.sandbox.reader_world import sound_world

from linkstar_sandbox.demo.closing import refusal_table, span_line
from linkstar_sandbox.demo.history import history_table, open_table, order_history, pick_order, status_table
from linkstar_sandbox.demo.options import DemoOptions
from linkstar_sandbox.demo.pipeline import Reading
from linkstar_sandbox.demo.run import told_clock
from linkstar_sandbox.demo.screen import Screen
from linkstar_sandbox.reader.evidence import Evidence, Record
from linkstar_sandbox.traces import trace_tree

START = datetime(2026, 3, 2, tzinfo=UTC)


def line(trace: str, span: str, parent: str | None, name: str, service: str, start: int, links: list[str]) -> str:
    return json.dumps({
        "trace_id": trace, "span_id": span, "parent_id": parent, "name": name, "start_ns": start * 10**9,
        "end_ns": start * 10**9 + 5_000_000, "attributes": {"messaging.kafka.message.key": "demo/o1"},
        "links": [{"trace_id": "?", "span_id": link} for link in links], "resource": {"service.name": service},
    }) + "\n"  # fmt: skip


def printed(shown: object) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(shown)
    return out.getvalue()


def test_later_traces_hang_under_the_span_they_link_to(tmp_path: Path) -> None:
    (tmp_path / "router-1.jsonl").write_text(line("a", "2", "1", "create routes-chosen", "router", 2, []) + '{"torn": ')
    (tmp_path / "ingest-1.jsonl").write_text(line("a", "1", None, "create orders-received", "ingest", 1, ["batch"]))
    (tmp_path / "tracker-1.jsonl").write_text(line("b", "3", None, "create tracking-updated", "tracker", 9, ["2"]))
    tree = printed(trace_tree("demo/o1", tmp_path, "o1", span_line))
    depth = {service: next(r.index(service) for r in tree.splitlines() if service in r)
             for service in ("ingest", "router", "tracker")}  # fmt: skip
    assert depth["ingest"] < depth["router"] < depth["tracker"]
    assert "↪ tracker: create tracking-updated  +8.000 s, 5.0 ms" in tree


def test_a_returned_order_is_told_from_its_receipt_to_its_closed_return() -> None:
    world = sound_world()
    order = pick_order(world)
    assert order == ("demo", "kept")
    names = [record.type.split(".", 1)[1] for record in order_history(world, order)]
    assert names[0] == "order.received.v1"
    assert names.count("return.updated.v1") == 5


def test_the_status_table_counts_every_labelled_shipment_once() -> None:
    table = printed(status_table(sound_world()))
    usps = next(row for row in table.splitlines() if "usps" in row).replace("│", " ").split()
    assert sorted(usps[1:]) == ["1", "1", "3", "5"]


def test_without_a_terminal_a_plain_line_comes_every_five_seconds() -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, width=400), START)
    for second in range(11):
        screen.show(
            Reading({"labels": second}, {"router": 3}), START + timedelta(days=second), second, "parcels travel"
        )
    lines = out.getvalue().splitlines()
    assert [line.split(", day ")[1][:3] for line in lines] == ["0.0", "5.0", "10."]
    assert "5 labels" in lines[1]
    assert "exception events" in lines[1]
    assert lines[0].endswith("lag 3")


def test_options_come_from_the_environment() -> None:
    asked = DemoOptions.from_environment({"DEMO_SEED": "4", "DEMO_KEEP": "1", "DEMO_DAYS": "2.5"})
    assert (asked.seed, asked.keep, asked.days, asked.speed) == (4, True, 2.5, 24_000)
    assert not DemoOptions.from_environment({"DEMO_KEEP": "0"}).keep


def test_open_orders_are_shown_with_what_they_wait_for() -> None:
    rows = [row for row in printed(open_table(sound_world())).splitlines() if "│" in row]
    assert [row.replace("│", " ").split() for row in rows] == [
        ["far", "-", "route.no_candidate"], ["nowhere", "-", "ingest.address_undeliverable"],
        ["poor", "-", "label.insufficient_balance"], ["rts", "returned"],
    ]  # fmt: skip


def test_the_history_table_has_a_row_per_event() -> None:
    world = sound_world()
    events = [record for record in order_history(world, ("demo", "good")) if record.topic == "tracking-updated"]
    assert len(history_table(events).rows) == 2


def test_dead_letters_bear_the_name_and_code_of_the_dlq_list() -> None:
    marks = {
        "dlq-code": "invalid", "dlq-service": "ingest@0.1.0", "orig-topic": "orders-inbound", "orig-partition": "7",
        "orig-offset": "41",
    }  # fmt: skip
    letter = Record("orders-inbound-dlq", 7, 0, "demo/shopify-1", b"{", headers=marks)
    row = next(line for line in printed(refusal_table(Evidence(records=[letter]))).splitlines() if "demo/" in line)
    assert row.replace("│", " ").split() == ["ingest/orders-inbound/7/41", "demo/shopify-1", "invalid"]


def test_the_clock_is_told_with_start_speed_and_length() -> None:
    told = told_clock(DemoOptions(days=21, speed=24_000), START)
    for part in ("virtual clock", "24,000 times", "Mon 2026-03-02 00:00 UTC", "21 days", "76 s"):
        assert part in told
