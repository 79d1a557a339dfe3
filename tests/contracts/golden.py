"""The golden messages as the tests read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linkstar_contracts.event import Event
from linkstar_contracts.events import EVENTS
from linkstar_contracts.record import parse_record
from linkstar_contracts.topics import TOPICS, Topic

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "libs/contracts/examples"
SCHEMAS = ROOT / "libs/contracts/schemas"


@dataclass(frozen=True)
class Golden:
    """One committed message: topic, key, headers and body as they stand in Kafka."""

    path: Path
    topic: Topic
    key: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(EXAMPLES))

    @property
    def raw_headers(self) -> list[tuple[str, bytes]]:
        return [(name, value.encode()) for name, value in self.headers.items()]

    @property
    def value(self) -> bytes:
        return json.dumps(self.body).encode()

    @property
    def event_class(self) -> type[Event]:
        return EVENTS[self.headers["ce_type"]]

    def event(self) -> Event:
        return parse_record(self.raw_headers, self.value, self.topic)


def read_golden(path: Path) -> Golden:
    document = json.loads(path.read_text("utf-8"))
    topic = next(topic for topic in TOPICS if topic.name == document["topic"])
    return Golden(path, topic, document["key"], document["headers"], document["body"])


GOLDENS = tuple(read_golden(path) for path in sorted(EXAMPLES.rglob("*.json")))


def golden(event: type[Event], name: str = "full") -> Golden:
    return next(one for one in GOLDENS if one.event_class is event and one.path.stem == name)
