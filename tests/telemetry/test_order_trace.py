"""One order through the real stack, on a broker and a guarded database that were started elsewhere: it becomes a label, its
spans are one tree with later traces linked to it, and nothing that the stack leaves behind gives its buyer away.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import servers
from telemetry.order_life import CANARIES, CONSIGNEE, ORDER, REFUSED, OrderLife, Remains
from telemetry.span_outline import Outline, Span, is_batch, numbered, read_spans

from linkstar_contracts.topics import ORDERS_INBOUND
from linkstar_sandbox import supervisor
from linkstar_sandbox.home import Home, read_json
from linkstar_sandbox.plan import SERVICES, Plan, url_for
from linkstar_sandbox.provision import provision_database

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
IN_CLEAR = {ORDERS_INBOUND.name, ORDERS_INBOUND.dlq}
"""The door as the buyer's data comes in, and its refused records word for word; both are kept for three days."""
REFUSED_RECORDS = "ingest.dead_letter.raw"

ORDER_TRACE = """
ingest create orders-inbound
  ingest process orders-inbound
    returns process orders-received 1
    router process orders-received 1
      labeler process routes-chosen 1
        ingest process labels 1
        tracker process labels 1
"""
LATER_TRACES = """
returns create orders-received R1.1 ⇠ ingest process orders-inbound, returns process returns-requested
  returns process orders-received R1.1
  router process orders-received R1.1
    labeler process routes-chosen R1.1
      ingest process labels R1.1
      returns process labels R1.1
      tracker process labels R1.1
returns create returns-requested
  returns process returns-requested
returns create returns-updated R1.1 ⇠ ingest process orders-inbound, returns process returns-requested
returns create returns-updated R1.2 ⇠ ingest process orders-inbound, returns process returns-requested
returns create returns-updated R1.3 ⇠ ingest process orders-inbound, returns process labels R1.1
tracker create carrier-scans 1
  tracker process carrier-scans 1
tracker create carrier-scans 2
  tracker process carrier-scans 2
tracker create carrier-scans 3
  tracker process carrier-scans 3
tracker create exceptions-raised 1 ⇠ labeler process routes-chosen 1, tracker process carrier-scans 2
tracker create exceptions-raised 2 ⇠ labeler process routes-chosen 1, tracker process carrier-scans 3
tracker create shipments-current 1 ⇠ labeler process routes-chosen 1, tracker process labels 1
tracker create shipments-current 2 ⇠ labeler process routes-chosen 1, tracker process carrier-scans 1
tracker create shipments-current 3 ⇠ labeler process routes-chosen 1, tracker process carrier-scans 2
tracker create shipments-current 4 ⇠ labeler process routes-chosen 1, tracker process carrier-scans 3
tracker create tracking-updated 1 ⇠ labeler process routes-chosen 1, tracker process labels 1
tracker create tracking-updated 2 ⇠ labeler process routes-chosen 1, tracker process carrier-scans 1
  ingest process tracking-updated 2
  labeler process tracking-updated 2
  returns process tracking-updated 2
tracker create tracking-updated 3 ⇠ labeler process routes-chosen 1, tracker process carrier-scans 2
  ingest process tracking-updated 3
  labeler process tracking-updated 3
  returns process tracking-updated 3
tracker create tracking-updated 4 ⇠ labeler process routes-chosen 1, tracker process carrier-scans 3
  ingest process tracking-updated 4
  labeler process tracking-updated 4
  returns process tracking-updated 4
tracker create tracking-updated R1.1 ⇠ labeler process routes-chosen R1.1, tracker process labels R1.1
  returns process tracking-updated R1.1
"""
"""Each line at the margin begins a trace; `⇠` names what it is linked to. R1 is the return's shipment."""


PASSWORD = "open sesame/ä"


@dataclass(frozen=True)
class Played:
    """The life and what it left: in the stack, and in its files once the stack is down."""

    remains: Remains
    spans: list[Span]
    files: dict[str, str]
    own_servers: list[object]
    """Servers the stack said it had started itself."""
    let_in: dict[str, bool]
    """Whom the database let in: a guessed password and the service's own while the stack ran, its owner once it was down."""


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    folder = Path(tempfile.mkdtemp(prefix="linkstar-trace-"))
    folder.chmod(0o755)
    home = Home(folder / "home")
    guarded, broker = servers.guarded_postgres(folder, "admin", PASSWORD), servers.kafka(folder / "broker")
    try:
        with servers.running(guarded) as postgres, servers.running(broker) as kafka:
            asyncio.run(provision_database(postgres.url(), "shipping"))
            database = postgres.url("shipping")
            endpoints = supervisor.up(
                home, Plan(kafka_bootstrap=kafka.bootstrap, database_url=database, simulate=False)
            )
            own_servers = read_json(home.state)["servers"]
            remains = asyncio.run(OrderLife(endpoints).play())
            let_in = {
                name: asyncio.run(may_enter(url_for(database, "router", password)))
                for name, password in (("guessed", "guess"), ("router", home.password("router")))
            }
            assert supervisor.down(home) is True
            let_in["owner"] = asyncio.run(may_enter(database))
        files = {file.name: file.read_text() for file in (*home.logs.iterdir(), *home.spans.iterdir())}
        yield Played(remains, read_spans(home.spans), files, own_servers, let_in)
    finally:
        supervisor.reset(home)
        shutil.rmtree(folder, ignore_errors=True)


async def may_enter(url: str) -> bool:
    try:
        await (await asyncpg.connect(url)).close()
    except asyncpg.InvalidPasswordError:
        return False
    return True


@pytest.fixture(scope="module")
def outline(played: Played) -> Outline:
    own = [record for record in played.remains.records if record.key.decode().startswith(f"demo/{ORDER}")]
    return Outline(played.spans, f"demo/{ORDER}", numbered(own))


def test_servers_of_ones_own_keep_their_guard_and_outlive_the_stack(played: Played) -> None:
    assert played.own_servers == []
    assert played.let_in == {"guessed": False, "router": True, "owner": True}


def test_the_spans_of_an_order_are_this_tree(outline: Outline) -> None:
    assert "\n".join(outline.lines()) == ORDER_TRACE.strip() + "\n" + LATER_TRACES.strip()


def test_order_route_and_label_are_one_trace_and_nothing_else_is_in_it(outline: Outline) -> None:
    named = [line.strip() for line in ORDER_TRACE.strip().splitlines()]
    (order,) = {outline.trace(name) for name in named}
    assert sorted(outline.name(span) for span in outline.spans if span["trace_id"] == order) == sorted(named)


def test_every_span_of_a_record_is_linked_to_its_batch(played: Played, outline: Outline) -> None:
    batches = {span["span_id"]: span for span in played.spans if is_batch(span)}
    processed = [span for span in outline.spans if span["name"].startswith("process ")]
    assert processed
    for span in processed:
        (batch,) = [batches[link["span_id"]] for link in span["links"] if link["span_id"] in batches]
        assert batch["parent_id"] is None
        assert batch["resource"] == span["resource"]
        assert {"trace_id": span["trace_id"], "span_id": span["parent_id"]} in batch["links"]


def test_every_emission_is_linked_to_what_made_its_records(played: Played, outline: Outline) -> None:
    known = {span["span_id"] for span in outline.spans}
    sent = [span for span in played.spans if span["name"].startswith("send ")]
    assert {span["name"].removeprefix("send ") for span in sent} == {
        "orders-received", "routes-chosen", "labels", "carrier-scans", "tracking-updated", "shipments-current",
        "exceptions-raised", "returns-updated",
    }  # fmt: skip
    assert all(link["span_id"] in known for span in sent for link in span["links"])


def test_a_refused_record_has_a_failed_span(played: Played) -> None:
    (span,) = [s for s in played.spans if s["attributes"].get("messaging.kafka.message.key") == f"demo/{REFUSED}"]
    assert (span["status"], span["attributes"]["error.type"]) == ("ERROR", "ingest.warehouse_unknown")


def betrays(text: str) -> list[str]:
    """The canaries in a text, in any case, in clear or as the hexadecimal of their bytes."""
    folded = text.casefold()
    spelled = [
        (canary, form)
        for canary in CANARIES
        for form in (canary.casefold(), *(each.encode().hex() for each in (canary, canary.upper(), canary.lower())))
    ]
    return sorted({canary for canary, form in spelled if form in folded})


def test_the_search_would_find_the_buyer(played: Played) -> None:
    """The doors hold what was looked for: in a record, and in the bytes of a table."""
    door = [record.value.decode() for record in played.remains.records if record.topic in IN_CLEAR]
    assert len(door) == 2
    assert all(set(betrays(value)) == set(CANARIES) for value in door)
    (refused,) = played.remains.rows[REFUSED_RECORDS]
    assert set(betrays(refused)) == set(CANARIES)
    assert betrays(CONSIGNEE["name"].upper())


def test_no_span_and_no_log_gives_the_buyer_away(played: Played) -> None:
    assert {f"{service}-1.log" for service in SERVICES} <= played.files.keys()
    assert sum(name.endswith(".jsonl") for name in played.files) == len(SERVICES)
    assert {name: betrays(text) for name, text in played.files.items() if betrays(text)} == {}


def test_no_record_behind_the_door_and_no_dead_letter_header_gives_the_buyer_away(played: Played) -> None:
    topics = {record.topic for record in played.remains.records}
    assert len(topics) == 10
    for record in played.remains.records:
        clear = [record.key, *(value for _, value in record.headers)]
        clear += [] if record.topic in IN_CLEAR else [record.value]
        assert betrays(b"\n".join(clear).decode()) == [], record.topic


def test_no_table_gives_the_buyer_away(played: Played) -> None:
    rows = played.remains.rows
    assert {column.split(".")[0] for column in rows} == {*SERVICES, "vault", "access"}
    assert {"router.shipment.content", "labeler.label.route", "returns.returnable_order.content"} <= rows.keys()
    found = {column: betrays("\n".join(texts)) for column, texts in rows.items() if column != REFUSED_RECORDS}
    assert {column: canaries for column, canaries in found.items() if canaries} == {}
