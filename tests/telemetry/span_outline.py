"""The spans of one order as an outline: who did what because of whom, what else it is linked to, times left out."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord

Span = Mapping[str, Any]
KEY, MESSAGE = "messaging.kafka.message.key", "messaging.message.id"


def read_spans(folder: Path) -> list[Span]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def is_batch(span: Span) -> bool:
    return "messaging.batch.message_count" in span["attributes"]


def numbered(records: Iterable[ConsumerRecord]) -> dict[str, str]:
    """How each event is called: its topic and its number among those of its shipment, `R1` for the return's."""
    seen: Counter[tuple[str, str]] = Counter()
    names = {}
    for record in records:
        head = {name: value.decode() for name, value in record.headers}
        body = json.loads(record.value)
        shipment = body.get("shipment_id") or body.get("return_id") or body["order_id"]
        part = shipment.partition("~")[2]
        seen[record.topic, part] += 1
        names[head["ce_id"]] = f"{record.topic} {part and part + '.'}{seen[record.topic, part]}"
    return names


class Outline:
    """All spans that speak of one order's records; batch and send spans stand beside the tree."""

    def __init__(self, spans: Sequence[Span], key: str, names: Mapping[str, str]) -> None:
        self._names = names
        self.spans = [span for span in spans if span["attributes"].get(KEY) == key]
        self._by_id = {span["span_id"]: span for span in self.spans}
        self._below: dict[str | None, list[Span]] = defaultdict(list)
        for span in self.spans:
            self._below[span["parent_id"]].append(span)

    def lines(self, above: str | None = None, indent: str = "") -> Iterator[str]:
        """The tree; each line is `service operation topic number ⇠ links`, siblings in the order of their names."""
        for span in sorted(self._below[above], key=self._line):
            yield indent + self._line(span)
            yield from self.lines(span["span_id"], indent + "  ")

    def _line(self, span: Span) -> str:
        links = sorted(self.name(self._by_id[link["span_id"]]) for link in span["links"] if self._is_known(link))
        return self.name(span) + (f" ⇠ {', '.join(links)}" if links else "")

    def _is_known(self, link: Mapping[str, str]) -> bool:
        return link["span_id"] in self._by_id

    def name(self, span: Span) -> str:
        operation, topic = span["name"].split()
        made = self._names.get(span["attributes"][MESSAGE], topic)
        return f"{span['resource']['service.name']} {operation} {made}"

    def trace(self, name: str) -> str:
        """The trace of the span called so."""
        (found,) = {span["trace_id"] for span in self.spans if self.name(span) == name}
        return str(found)
