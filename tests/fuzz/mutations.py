"""Seeded damage to real records: bytes, JSON, headers, keys and topics, as a careless or hostile publisher sends them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from contracts.golden import GOLDENS, Golden

from linkstar_contracts.events import EVENTS
from linkstar_contracts.topics import PARTITIONS, TOPICS
from linkstar_runtime.shards import shard_of

__all__ = ["CONSUMED", "STRANGE_NAME", "Record", "damaged_body", "fuzz_records"]

CONSUMED = tuple(topic.name for topic in TOPICS if topic.consumers)
STRANGE_NAME = b"\xff\xfe\xc3\x28-strange"
"""A header name that is no UTF-8."""
_NUMBERS = (
    "1e400",
    "-1e400",
    "1e999999",
    "NaN",
    "Infinity",
    "-0",
    "9" * 19,
    "9" * 4_400,
    "0.1",
    "1E5",
    str(2**63),
    "-1",
)
_TEXTS = (
    '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"\\u202e"', '""', f'"{"x" * 5_000}"', '"\\ufeff"', "true", "null", "[]",
    "{}", '[{"a":1}]', '"2026-02-30T00:00:00Z"', '"2026-11-22T17:05:00"', '"9999-12-31T23:59:59Z"', '"^XA~JR"',
    "\"'; DROP --\"",    '"\U0001f680\U00020bb7"', '"demo/other"', '"*"',
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """A record to publish, and how it was damaged. `strange_name` adds a header whose name is no UTF-8."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    damage: str
    strange_name: bool = False


def fuzz_records(seed: int, count: int, huge_share: float = 0.002) -> Iterator[Record]:
    """Yield `count` records over all consumed topics; the same seed gives the same records."""
    rng = Random(f"{seed}|kafka")
    by_topic = {name: [one for one in GOLDENS if one.topic.name == name] for name in CONSUMED}
    for number in range(count):
        topic = CONSUMED[number % len(CONSUMED)]
        record = _sound(rng, rng.choice(by_topic[topic]), number)
        if rng.random() < huge_share:
            yield _huge(rng, record)
            continue
        for _ in range(rng.choices((0, 1, 2, 3), (6, 70, 18, 6))[0]):
            damage = rng.choice(_DAMAGES)
            record = replace(damage(rng, record), damage=f"{record.damage} {damage.__name__.strip('_')}".strip())
        yield record


def _sound(rng: Random, golden: Golden, number: int) -> Record:
    """The golden example as another order's: some orders come again and again, most once."""
    order_id = f"fz-{number if rng.random() < 0.7 else rng.randrange(500)}"
    stated = json.dumps(golden.body).replace(golden.body["order_id"], order_id)
    event = EVENTS[golden.headers["ce_type"]].model_validate_json(stated)
    headers = tuple(event.headers("/fuzz"))
    return Record(golden.topic.name, shard_of(event.key, PARTITIONS), event.key.encode(), event.body(), headers, "")


def _huge(rng: Random, record: Record) -> Record:
    size = rng.choice((97_000, 200_000, 262_145, 600_000, 900_000))
    filler = bytes([rng.randrange(32, 127)]) * size
    value = (record.value or b"")[:-1] + b',"filler":"' + filler + b'"}'
    return replace(record, value=value.replace(b"\\", b"/"), damage="huge")


# -- bytes of the body ---------------------------------------------------------------------------------------------------


def _flip_bits(rng: Random, record: Record) -> Record:
    body = bytearray(record.value or b"?")
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return replace(record, value=bytes(body))


def _truncate(rng: Random, record: Record) -> Record:
    body = record.value or b"?"
    return replace(record, value=body[: rng.randrange(len(body))])


def _splice(rng: Random, record: Record) -> Record:
    body, other = record.value or b"", rng.choice(GOLDENS).value
    at, begin = rng.randrange(len(body) + 1), rng.randrange(len(other))
    return replace(record, value=body[:at] + other[begin : begin + rng.randrange(1, 400)] + body[at:])


def _noise(rng: Random, record: Record) -> Record:
    return replace(record, value=rng.randbytes(rng.randrange(1, 300)))


def _insert_bytes(rng: Random, record: Record) -> Record:
    body = record.value or b""
    at = rng.randrange(len(body) + 1)
    piece = rng.choice(
        (b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\x1b", b"\xef\xbb\xbf", b"\\u0000")
    )
    return replace(record, value=body[:at] + piece + body[at:])


def _nothing(rng: Random, record: Record) -> Record:
    return replace(record, value=rng.choice((None, b"", b"null", b"[]", b"{}", b'""', b"0", b" ")))


def _nest(rng: Random, record: Record) -> Record:
    depth = rng.choice((101, 200, 201, 1_025, 20_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    nested = opening * depth + (b"1" if opening != b"[" else b"") + closing * depth
    return replace(record, value=(record.value or b"{}")[:-1] + b',"nested":' + nested + b"}")


def _other_encoding(rng: Random, record: Record) -> Record:
    text = (record.value or b"").decode("utf-8", "replace")
    return replace(record, value=text.encode(rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7"))))


# -- the JSON it holds ---------------------------------------------------------------------------------------------------


def _places(value: Any) -> list[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [pair for key, part in items for pair in [(value, key), *_places(part)]]


def _in_json(rng: Random, record: Record, change: Callable[[Any, Any, list[tuple[Any, Any]]], str | None]) -> Record:
    """Change one place of the body; what `change` returns is written there bare."""
    try:
        body = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return record
    places = _places(body)
    if not places:
        return record
    container, key = rng.choice(places)
    bare = change(container, key, places)
    if bare is not None:
        container[key] = "@bare@"
    written = json.dumps(body, ensure_ascii=rng.random() < 0.5).replace('"@bare@"', bare or "null")
    return replace(record, value=written.encode("utf-8", "surrogatepass"))


def _wrong_value(rng: Random, record: Record) -> Record:
    return _in_json(rng, record, lambda *_: rng.choice((*_NUMBERS, *_TEXTS)))


def _wrong_text(rng: Random, record: Record) -> Record:
    """A text with something nasty inside it, in a place that holds text."""

    def change(container: Any, key: Any, _places: Any) -> str | None:
        stated = container[key] if isinstance(container[key], str) else "x"
        at = rng.randrange(len(stated) + 1)
        nasty = rng.choice(
            ("\\u0000", "\\ud800", "\\u0301" * 40, "\\u200b", "\\u2028", "\\u0007", "/", "|", "~", "A" * 300)
        )
        return json.dumps(stated[:at])[:-1] + nasty + json.dumps(stated[at:])[1:]

    return _in_json(rng, record, change)


def _leave_out(rng: Random, record: Record) -> Record:
    def change(container: Any, key: Any, _places: Any) -> None:
        del container[key]

    return _in_json(rng, record, change)


def _move(rng: Random, record: Record) -> Record:
    """One place's value in another place: right in itself, wrong there."""

    def change(container: Any, key: Any, places: list[tuple[Any, Any]]) -> str:
        other, place = rng.choice(places)
        return json.dumps(other[place])

    return _in_json(rng, record, change)


def _add_field(rng: Random, record: Record) -> Record:
    def change(container: Any, _key: Any, _places: Any) -> None:
        if isinstance(container, dict):
            container[rng.choice(("colour", "__proto__", "", "\u0000", "x" * 3_000, "tenant "))] = rng.choice(
                (1, "x", None, [])
            )

    return _in_json(rng, record, change)


def _repeat_field(rng: Random, record: Record) -> Record:
    body = record.value or b"{}"
    return replace(record, value=body[:-1] + rng.choice((b',"tenant":"other"}', b',"order_id":"x"}', b',"version":2}')))


def _many_entries(rng: Random, record: Record) -> Record:
    def change(container: Any, _key: Any, _places: Any) -> None:
        if isinstance(container, list) and container:
            container *= rng.choice((2, 30, 600))

    return _in_json(rng, record, change)


# -- headers -------------------------------------------------------------------------------------------------------------


def _header(
    rng: Random, record: Record, change: Callable[[str, bytes | None], Iterator[tuple[str, bytes | None]]]
) -> Record:
    if not record.headers:
        return record
    place = rng.randrange(len(record.headers))
    name, value = record.headers[place]
    changed = (*record.headers[:place], *change(name, value), *record.headers[place + 1 :])
    return replace(record, headers=changed)


def _without_header(rng: Random, record: Record) -> Record:
    return _header(rng, record, lambda _name, _value: iter(()))


def _without_headers(_rng: Random, record: Record) -> Record:
    return replace(record, headers=())


def _repeated_header(rng: Random, record: Record) -> Record:
    other = rng.choice((b"", b"x", b"\xff", rng.choice(GOLDENS).headers["ce_type"].encode()))
    return _header(rng, record, lambda name, value: iter([(name, value), (name, rng.choice((value, other)))]))


def _wrong_header(rng: Random, record: Record) -> Record:
    wrong = rng.choice(
        (b"", None, b"\xff\xfe", b"\x00", "é".encode(), b"x" * 70_000, b"-1", b"9" * 30, b"1e9", "٣".encode())
    )
    return _header(rng, record, lambda name, _value: iter([(name, wrong)]))


def _renamed_header(rng: Random, record: Record) -> Record:
    return _header(
        rng, record, lambda name, value: iter([(rng.choice((name.upper(), name + " ", "", "é", name[3:])), value)])
    )


def _other_type(rng: Random, record: Record) -> Record:
    types = (*EVENTS, "linkstar.order.submitted.v2", "x" * 900, "")
    return _with_header(record, "ce_type", rng.choice(types).encode())


def _other_tenant(rng: Random, record: Record) -> Record:
    return _with_header(record, "ce_tenant", rng.choice((b"demo", b"other", b"*", b"../demo", b"DEMO")))


def _odd_trace(rng: Random, record: Record) -> Record:
    trace = rng.choice(
        (b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01", b"---", b"zz-zz-zz-zz", b"00-" + b"a" * 400 + b"-b-01")
    )
    return replace(record, headers=(*record.headers, ("traceparent", trace)))


def _with_header(record: Record, name: str, value: bytes) -> Record:
    return replace(record, headers=tuple((known, value if known == name else old) for known, old in record.headers))


def _many_headers(rng: Random, record: Record) -> Record:
    more = tuple((f"x-{place}", rng.randbytes(20)) for place in range(rng.choice((50, 101, 600))))
    return replace(record, headers=(*record.headers, *more))


def _strange_name(_rng: Random, record: Record) -> Record:
    return replace(record, strange_name=True)


# -- key, partition, topic -----------------------------------------------------------------------------------------------


def _wrong_key(rng: Random, record: Record) -> Record:
    keys = (
        None,
        b"",
        b"\xff\xfe\x00",
        b"other/key",
        b"k" * 40_000,
        (record.key or b"") + b" ",
        (record.key or b"").upper(),
    )
    return replace(record, key=rng.choice(keys))


def _wrong_partition(rng: Random, record: Record) -> Record:
    return replace(record, partition=rng.randrange(PARTITIONS))


def _wrong_topic(rng: Random, record: Record) -> Record:
    return replace(record, topic=rng.choice(CONSUMED))


_DAMAGES: tuple[Callable[[Random, Record], Record], ...] = (
    _flip_bits, _flip_bits, _truncate, _splice, _noise, _insert_bytes, _nothing, _nest, _other_encoding, _wrong_value,
    _wrong_value, _wrong_value, _wrong_text, _wrong_text, _leave_out, _move, _move, _add_field, _repeat_field, _many_entries,
    _without_header, _without_headers, _repeated_header, _wrong_header, _renamed_header, _other_type, _other_tenant,
    _odd_trace, _many_headers, _strange_name, _wrong_key, _wrong_partition, _wrong_topic,
)  # fmt: skip

_BODY_DAMAGES = _DAMAGES[: _DAMAGES.index(_without_header)]


def damaged_body(rng: Random, record: Record) -> bytes:
    """Return the record's body, damaged once or twice."""
    for _ in range(rng.choice((1, 1, 2))):
        record = rng.choice(_BODY_DAMAGES)(rng, record)
    return record.value or b""
