"""The metric catalogue: names, document and exposition."""

from __future__ import annotations

from pathlib import Path

from linkstar_runtime import metrics
from linkstar_runtime.metrics import DEAD_LETTERS, FENCED, TopicGroupReason, exposition, markdown

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
FORBIDDEN_LABELS = {"tenant", "order_id", "key", "shipment_id", "tracking_number"}


def test_document_shows_the_catalogue() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == markdown(), (
        "run python -m linkstar_runtime.metrics > docs/metrics.md"
    )


def test_names_follow_the_conventions() -> None:
    for metric in metrics.METRICS:
        assert metric.name.startswith("linkstar_")
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert not FORBIDDEN_LABELS & set(metric.label_names)
    assert len({metric.name for metric in metrics.METRICS}) == len(metrics.METRICS)


def test_what_is_counted_is_exposed() -> None:
    labels = TopicGroupReason("orders-inbound", "ingest", "schema")
    before, fenced = DEAD_LETTERS.read(labels), FENCED.read()
    DEAD_LETTERS.inc(labels)
    FENCED.inc(2)
    assert (DEAD_LETTERS.read(labels), FENCED.read()) == (before + 1, fenced + 2)
    text = exposition()[0].decode()
    assert 'linkstar_dead_letters_total{group="ingest",reason="schema",topic="orders-inbound"}' in text
    assert "process_resident_memory_bytes" in text
