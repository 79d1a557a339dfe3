"""JSON Schema (draft 2020-12) of every event: what LinkStar writes, and at the doors what it accepts."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from linkstar_contracts.event import Event
from linkstar_contracts.topics import topics_of

__all__ = ["JsonSchema", "event_name", "event_version", "is_door", "schema_file", "schema_of", "schema_text"]

JsonSchema = dict[str, Any]


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchema:
        model: type[BaseModel] = schema["cls"]
        return {**super().model_schema(schema), "title": model.__name__}


def event_name(event: type[Event]) -> str:
    """`linkstar.order.received.v1` → `order-received`."""
    _, *words, _version = event.TYPE.split(".")
    return "-".join(words)


def event_version(event: type[Event]) -> int:
    """`linkstar.order.received.v1` → 1."""
    return int(event.TYPE.rpartition(".v")[2])


def schema_file(event: type[Event]) -> str:
    """Name of the committed schema."""
    return f"{event_name(event)}.v{event_version(event)}.json"


def is_door(event: type[Event]) -> bool:
    """Whether foreign systems may publish this event."""
    return any(topic.door for topic in topics_of(event))


def schema_of(event: type[Event]) -> JsonSchema:
    """Return the event's schema. Door events are closed at every depth; all others admit fields a later writer adds."""
    door = is_door(event)
    schema = event.model_json_schema(mode="validation" if door else "serialization", schema_generator=_Untitled)
    if door:
        schema = _closed(schema)
    name = event.TYPE.removeprefix("linkstar.")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:linkstar:event:{name}",
        **schema,
    }


def schema_text(event: type[Event]) -> str:
    """Return the schema as committed: keys sorted, two spaces, one line end at the end."""
    return json.dumps(schema_of(event), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    closed = {name: _closed(part) for name, part in node.items()}
    if isinstance(node.get("properties"), dict) and node.get("type") == "object":
        closed["additionalProperties"] = False
    return closed
