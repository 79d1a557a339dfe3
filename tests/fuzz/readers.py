"""What became of each record at each of its readers: the product's decoder sorts them, the dead letters tell the rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Literal

from fuzz.findings import Findings
from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.decoding import Decoder

__all__ = ["Fate", "Logs", "Readers", "sorted_by"]

Fate = Literal["event", "dead", "rekeyed", "skipped"]
Logs = Mapping[tuple[str, int], Mapping[int, Any]]
Letters = Mapping[str, Mapping[tuple[str, int, int], Any]]


def sorted_by(decoder: Decoder, record: Any) -> Fate:
    """What the decoder of a service says of a record on one of its topics."""
    item = decoder.decode(record)
    if item.dead:
        return "dead"
    if item.rekeyed:
        return "rekeyed"
    return "event" if item.received else "skipped"


class Readers:
    """The services of the product by name, each with its own decoder."""

    def __init__(self, decoders: Mapping[str, Decoder]) -> None:
        self._decoders = decoders

    @classmethod
    def of_product(cls, services: tuple[str, ...]) -> Readers:
        """The decoders that the services themselves are composed with."""
        built = {name: import_module(f"linkstar_{name}.app").build() for name in services}
        return cls({name: Decoder(service.subscriptions, "", PARTITIONS) for name, service in built.items()})

    def account(self, logs: Logs, letters: Letters, findings: Findings) -> Counter[Fate]:
        """Count every delivery by its fate, and find the dead that have no letter and the skipped that have one."""
        counts: Counter[Fate] = Counter()
        for service, record in self._deliveries(logs):
            place = (record.topic, record.partition, record.offset)
            fate, letter = sorted_by(self._decoders[service], record), place in letters.get(service, {})
            if not letter and fate != "skipped" and _unreadable(record):
                findings.add("kafka: unreadable record no dead letter", f"{service} {place}")
            elif not letter and (fate == "dead" or (fate == "skipped" and not _types(record))):
                findings.add("kafka: refused record no dead letter", f"{service} {place}")
            elif letter and fate in ("skipped", "rekeyed"):
                findings.add(f"kafka: {fate} record dead", f"{service} {place}")
            counts["dead" if letter else fate] += 1
        return counts

    def _deliveries(self, logs: Logs) -> Iterator[tuple[str, Any]]:
        """Each record once for each service that reads its topic."""
        for (topic, _), log in logs.items():
            for service, decoder in self._decoders.items():
                if topic in decoder.topics:
                    yield from ((service, record) for record in log.values())


def _types(record: Any) -> list[bytes]:
    return [value for name, value in record.headers if name == "ce_type"]


def _unreadable(record: Any) -> bool:
    """True without a type or for a body that is no JSON object: judged without LinkStar's own reader."""
    if not _types(record):
        return True
    try:
        return not isinstance(json.loads((record.value or b"").decode()), dict)
    except (ValueError, RecursionError):
        return True
