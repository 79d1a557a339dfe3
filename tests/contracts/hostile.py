"""Bodies of events as an enemy would write them: mostly within the schema, here and there far outside it."""

from __future__ import annotations

import datetime as dt
import json
import re
from copy import deepcopy
from functools import cache
from typing import Any

from hypothesis import strategies as st

from linkstar_contracts.event import Event
from linkstar_contracts.schemas import JsonSchema, schema_of
from linkstar_contracts.text import CURRENCY_EXPONENTS

RAW_NUMBERS = (
    "1e400",
    "-1e400",
    "1e999999",
    "NaN",
    "Infinity",
    "-Infinity",
    "0.1",
    "1E5",
    "-0.0",
    "1" * 4200,
    "9" * 19,
)
PLAIN_DECIMAL = r"^[0-9]{1,7}(\.[0-9]{1,4})?$"
NESTED: Any = None
for _ in range(201):
    NESTED = [NESTED]

every_char = st.characters(codec=None)
nasty_char = st.sampled_from(
    "\x00\x01\t\n\r\x1b\x7f\x85\u00a0\u00ad\u0301\u0378\u0600\u200b\u200d\u2028\u202e\u2066\u3000\u3164\ud800\udfff\ue000\ufdd0\ufe0f"
    "\ufeff\uffff\U0001f680\U00020bb7\U000e0001\U0010ffff'\"\\^~|/<>&;%_$"
)
text = st.text(every_char | nasty_char, max_size=40)
clean = st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Zs"]), max_size=40)
refused = re.compile("[\ud800-\udfff\ufdd0\uffff\U0010ffff]")
odd = (st.text(every_char | nasty_char, max_size=30) | clean).map(lambda found: "x" + refused.sub("", found))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
moments = st.datetimes(dt.datetime(1990, 1, 2), dt.datetime(2199, 12, 30), timezones=offsets)  # noqa: DTZ001
anything = st.one_of(
    text,
    st.sampled_from([f"@{number}@" for number in RAW_NUMBERS]),
    st.sampled_from([None, True, 0, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, [], {}, [{}], {"": ""}, NESTED]),
    st.sampled_from(
        ["2026-11-22T17:05:00", "2026-02-30T00:00:00Z", "0000-00-00", "1989-12-31T23:59:59Z", "24:00", "1" * 5000]
    ),
    moments.map(dt.datetime.isoformat),
    st.floats(),
)


@cache
def of_schema(pointer: str, event: type[Event]) -> st.SearchStrategy[Any]:
    """Values that the definition called `pointer` of the event's schema admits."""
    root = schema_of(event)
    return of_node(root["$defs"][pointer] if pointer else root, event)


def of_node(node: JsonSchema, event: type[Event]) -> st.SearchStrategy[Any]:
    if "$ref" in node:
        return of_schema(node["$ref"].rpartition("/")[2], event)
    if "anyOf" in node:
        return st.one_of([of_node(part, event) for part in node["anyOf"]])
    if "enum" in node or "const" in node:
        return st.sampled_from(node.get("enum") or [node["const"]])
    kinds = {"object": of_object, "array": of_array, "string": of_string}
    if node["type"] in kinds:
        return kinds[node["type"]](node, event)
    if node["type"] == "integer":
        return st.integers(node["minimum"], node["maximum"])
    if node["type"] == "number":
        return st.decimals("0.0001", node["maximum"], places=4).map(float)
    return st.booleans() if node["type"] == "boolean" else st.none()


def of_object(node: JsonSchema, event: type[Event]) -> st.SearchStrategy[Any]:
    required = set(node.get("required", ()))
    fields = {name: of_node(part, event) for name, part in node["properties"].items()}
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


def of_array(node: JsonSchema, event: type[Event]) -> st.SearchStrategy[Any]:
    least = node.get("minItems", 0)
    return st.lists(of_node(node["items"], event), min_size=least, max_size=least + 2)


def of_string(node: JsonSchema, _event: type[Event]) -> st.SearchStrategy[Any]:
    pattern = node.get("pattern", "")
    if node.get("format") == "date-time":
        return moments.map(dt.datetime.isoformat)
    if pattern == "^[A-Z]{3}$":
        return st.sampled_from(sorted(CURRENCY_EXPONENTS))
    if pattern == PLAIN_DECIMAL:
        return st.decimals("0.0001", 100_000, places=4).map(str)
    if pattern.startswith("^[0-9]{4}-"):
        return st.dates(dt.date(1990, 1, 1), dt.date(2199, 12, 31)).map(dt.date.isoformat)
    if pattern:
        return st.from_regex(pattern.removesuffix("$") + r"\Z", fullmatch=True).map(
            lambda found: found[: node.get("maxLength", 9999)]
        )
    if "x-known-values" in node:
        return st.sampled_from(node["x-known-values"]) | clean
    most = node["maxLength"]
    return (odd | st.just("\U00020bb7" * most)).map(lambda found: found[:most])


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [pair for key, part in items for pair in [(value, key), *places(part)]]


@st.composite
def bodies(draw: st.DrawFn, event: type[Event]) -> bytes:
    """A body for `event`: up to two places are replaced by something from outside."""
    body = draw(of_schema("", event))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        container, key = draw(st.sampled_from(places(body)))
        container[key] = deepcopy(draw(anything))
    return as_json(body)


def as_json(body: Any) -> bytes:
    """Encode with escapes for surrogates; `@number@` becomes a bare number that Python could not hold."""
    written = json.dumps(body)
    for number in RAW_NUMBERS:
        written = written.replace(f'"@{number}@"', number)
    return written.encode()
