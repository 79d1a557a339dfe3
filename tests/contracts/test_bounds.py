"""Every field of every contract is bounded: text by length or pattern, numbers by range, lists by count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from linkstar_contracts.event import Event
from linkstar_contracts.events import EVENTS
from linkstar_contracts.schemas import JsonSchema, event_name, schema_of

UNLIMITED = re.compile(r"(?<!\\)[*+]|\{\d+,\}")


def is_bounded(node: JsonSchema) -> bool:
    kind = node.get("type")
    if "enum" in node or "const" in node:
        return True
    if kind == "string":
        limited = "pattern" in node and not UNLIMITED.search(re.sub(r"\[[^\]]*\]", "x", node["pattern"]))
        return "maxLength" in node or limited or node.get("format") == "date-time"
    if kind in {"integer", "number"}:
        return ("minimum" in node or "exclusiveMinimum" in node) and "maximum" in node
    return kind in {"boolean", "null"} or (kind == "array" and "maxItems" in node and "items" in node)


def unbounded(path: str, node: Any, root: JsonSchema) -> Iterator[str]:
    """Yield every place that admits values of any size, or of any kind."""
    if "$ref" in node:
        yield from unbounded(path, root["$defs"][node["$ref"].rpartition("/")[2]], root)
    elif "anyOf" in node:
        for part in node["anyOf"]:
            yield from unbounded(path, part, root)
    elif node.get("type") == "object":
        if "properties" not in node:
            yield path
        for name, part in node.get("properties", {}).items():
            yield from unbounded(f"{path}.{name}", part, root)
    else:
        if not is_bounded(node):
            yield path
        if node.get("type") == "array":
            yield from unbounded(f"{path}[]", node.get("items", {}), root)


@pytest.mark.parametrize("event", EVENTS.values(), ids=event_name)
def test_no_field_without_a_bound(event: type[Event]) -> None:
    schema = schema_of(event)
    Draft202012Validator.check_schema(schema)
    assert list(unbounded(event.__name__, schema, schema)) == []


@pytest.mark.parametrize(
    "field",
    [
        {"type": "string"}, {"type": "string", "pattern": "^[a-z]+$"}, {"type": "string", "pattern": "^a{3,}$"},
        {"type": "integer", "minimum": 0}, {"type": "number", "maximum": 1}, {"type": "object"}, {}, {"type": "array"},
        {"type": "array", "maxItems": 3}, {"type": "array", "maxItems": 3, "items": {"type": "string"}},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
    ],
    ids=str,
)  # fmt: skip
def test_an_unbounded_field_is_found(field: JsonSchema) -> None:
    schema = {"type": "object", "properties": {"planted": field}}
    assert list(unbounded("E", schema, schema))
