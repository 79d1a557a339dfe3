"""The trace tree: parents above children, later traces below the span they link to, other orders absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from linkstar_cli.trace import span_line
from linkstar_sandbox.traces import Span, arrange, collect, trace_tree

KEY = "demo/shopify-1"


def span(
    trace: str, number: str, parent: str | None = None, *, key: str = KEY, service: str = "router",
    start: int = 0, links: tuple[tuple[str, str], ...] = (), status: str = "OK",
) -> dict[str, Any]:  # fmt: skip
    return {
        "trace_id": trace,
        "span_id": number,
        "parent_id": parent,
        "name": f"process {number}",
        "kind": "CONSUMER",
        "start_ns": start * 1_000_000,
        "end_ns": start * 1_000_000 + 500_000,
        "status": status,
        "attributes": {"messaging.kafka.message.key": key},
        "links": [{"trace_id": t, "span_id": s} for t, s in links],
        "resource": {"service.name": service, "service.instance.id": "x"},
    }


def write(folder: Path, name: str, *spans: dict[str, Any]) -> None:
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in spans))


def rendered(folder: Path) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - closed with the process
    with console.file:
        console.print(trace_tree(KEY, folder, KEY, span_line))
        return console.export_text()


def test_tree_spans_all_services_in_order(tmp_path: Path) -> None:
    write(tmp_path, "ingest", span("t1", "a", service="ingest"))
    write(tmp_path, "router", span("t1", "b", "a", start=5), span("t9", "z", key="demo/other"))
    write(tmp_path, "tracker", span("t2", "c", service="tracker", start=90, links=(("t1", "b"),), status="ERROR"))
    lines = rendered(tmp_path).splitlines()
    assert [next(word for word in ("ingest", "router", "tracker") if word in line) for line in lines[1:]] == [
        "ingest", "router", "tracker",
    ]  # fmt: skip
    assert "linked" in lines[3]
    assert "+90.0 ms" in lines[3]
    assert len(lines[3]) - len(lines[3].lstrip("│ └├─")) > len(lines[2]) - len(lines[2].lstrip("│ └├─"))


def test_half_written_line_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "ingest", span("t1", "a"))
    with (tmp_path / "ingest.jsonl").open("a") as stream:
        stream.write('{"trace_id": "t1", "key": "demo/shopify-1')
    assert [each.raw["span_id"] for each in collect(KEY, tmp_path)] == ["a"]


def test_key_of_another_order_with_the_same_beginning_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "ingest", span("t1", "a"), span("t2", "b", key=KEY + "0"), span("t3", "c", key=KEY + "~2"))
    assert {each.raw["span_id"] for each in collect(KEY, tmp_path)} == {"a", "c"}


@pytest.mark.parametrize(
    "ring",
    [
        [span("t1", "a", start=1, links=(("t2", "b"),)), span("t2", "b", start=2, links=(("t1", "a"),))],
        [span("t1", "a", "b", start=1), span("t1", "b", "a", start=2)],
        [span("t1", "a", "c", start=1), span("t2", "b", start=2, links=(("t1", "a"),)), span("t1", "c", "b", start=3)],
        [span("t1", "a", "a", start=1)],
    ],
    ids=["links", "parents", "both", "itself"],
)
def test_no_span_of_a_ring_is_lost(ring: list[dict[str, Any]]) -> None:
    roots = arrange([Span(each) for each in ring])
    assert len(roots) == 1
    assert sorted(each.raw["span_id"] for each in everything(roots)) == sorted(each["span_id"] for each in ring)


def everything(spans: list[Span]) -> list[Span]:
    return [each for span in spans for each in (span, *everything(span.below))]


def test_unknown_order_has_no_tree(tmp_path: Path) -> None:
    write(tmp_path, "ingest", span("t1", "a", key="demo/other"))
    assert trace_tree(KEY, tmp_path, KEY, span_line) is None
