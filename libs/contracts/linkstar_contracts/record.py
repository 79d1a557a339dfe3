"""Reading Kafka records: a typed event or a coded `RecordError`, never anything else, whatever bytes arrive."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from linkstar_contracts.event import MAX_EVENT_BYTES, Event, Head, RawHeaders, read_headers
from linkstar_contracts.events import EVENTS
from linkstar_contracts.findings import own_findings
from linkstar_contracts.ordinary import ordinary_validator
from linkstar_contracts.topics import TOPICS, Topic

__all__ = ["MAX_DOOR_BYTES", "FieldFault", "RecordCode", "RecordError", "parse_body", "parse_record"]

MAX_DOOR_BYTES = 96 * 1024
"""Largest body a door takes. Below `MAX_EVENT_BYTES`, so that what LinkStar adds to an order later still fits."""

RecordCode = Literal[
    "record.no_envelope",  # the CloudEvents headers are missing or unreadable
    "record.unknown_type",  # no such event, or not on this topic: a reader that is behind may skip it
    "record.empty",  # no body: a tombstone on a compacted topic, a fault elsewhere
    "record.too_large",
    "record.not_json",
    "record.duplicate_key",
    "record.unknown_field",  # refused at doors only
    "record.invalid_field",
    "record.mismatch",  # headers and body speak of different facts
]

_MAX_FAULTS = 20
_BY_NAME = {topic.name: topic for topic in TOPICS}
_NOWHERE = Topic("nowhere", "No topic of LinkStar.", (), (), ())
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field, without its value: `field` is a dotted path, `code` the kind of fault."""

    field: str
    code: str
    detail: str


class RecordError(ValueError):
    """The record is no readable LinkStar event. `code` is stable; `detail` says what and where, and quotes no value."""

    def __init__(self, code: RecordCode, detail: str, faults: tuple[FieldFault, ...] = ()) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: RecordCode = code
        self.detail = detail
        self.faults = faults


def parse_record(headers: RawHeaders, value: bytes | None, topic: Topic | str | None = None) -> Event:
    """Return the typed event of a record, or raise `RecordError` and nothing else.

    With `topic` (or its name), the event must belong to that topic; at a door, unknown fields at any depth and duplicate
    keys are refused. Elsewhere unknown fields are ignored, so that readers may be older than writers.
    """
    head = read_headers(headers)
    if head is None:
        raise RecordError(
            "record.no_envelope", "ce_specversion 1.0, ce_id, ce_type and ce_tenant must be printable ASCII headers"
        )
    if isinstance(topic, str):
        topic = _BY_NAME.get(topic, _NOWHERE)
    event_class = EVENTS.get(head.type)
    if event_class is None or (topic is not None and event_class not in topic.events):
        raise RecordError("record.unknown_type", "ce_type names no event of this topic")
    at_door = topic is not None and topic.door
    event = parse_body(event_class, value, strict=at_door)
    _check_agreement(head, event, at_door)
    return event


def parse_body(event_class: type[E], value: bytes | None, *, strict: bool = False) -> E:
    """Return the event in a JSON body, or raise `RecordError`. `strict` is the door's way: see `parse_record`."""
    limit = MAX_DOOR_BYTES if strict else MAX_EVENT_BYTES
    if not value:
        raise RecordError("record.empty", "the record has no body")
    if len(value) > limit:
        raise RecordError("record.too_large", f"the body has {len(value)} bytes, at most {limit} are allowed")
    try:
        event = _read(event_class, value, "forbid" if strict else "ignore")
    except ValidationError as error:
        raise _as_record_error(error) from None
    if strict and not _plainly_unique(value, event):
        _refuse_duplicate_keys(value)
    return event


def _read(event_class: type[E], value: bytes, extra: Literal["forbid", "ignore"]) -> E:
    """Return what the contract makes of the body. Only the contract refuses: what is not ordinary, it is asked about."""
    try:
        event: E = ordinary_validator(event_class).validate_json(value, extra=extra)
    except ValidationError:
        event = event_class.__pydantic_validator__.validate_json(value, extra=extra)
    return event


def _as_record_error(error: ValidationError) -> RecordError:
    found = own_findings(error.errors(include_url=False, include_context=False, include_input=False))
    faults = tuple(FieldFault(_path(fault["loc"]), fault["type"], fault["msg"]) for fault in found[:_MAX_FAULTS])
    detail = "; ".join(f"{fault.field or 'body'}: {fault.detail}" for fault in faults)
    kinds = {fault.code for fault in faults}
    if "json_invalid" in kinds:
        return RecordError("record.not_json", f"{detail} (UTF-8 JSON without byte order mark, at most 200 levels)")
    code: RecordCode = "record.unknown_field" if kinds == {"extra_forbidden"} else "record.invalid_field"
    return RecordError(code, detail, faults)


def _path(location: Iterable[int | str]) -> str:
    """Return a dotted path that is safe to print: a foreign key is shortened and escaped."""
    return ".".join(ascii(str(part))[1:-1][:64] for part in location)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise RecordError("record.duplicate_key", "an object names a key twice")


def _plainly_unique(value: bytes, event: BaseModel) -> bool:
    """True when it takes no second reading to see that no object names a key twice: without escapes, two quotation marks
    make a string, and `value` has no more strings than the keys and texts of what was read from it.
    """
    return b"\\" not in value and value.count(b'"') == 2 * _strings(event)


def _strings(model: BaseModel) -> int:
    """Return how many strings the JSON of a model surely has, its keys among them: where that is not known, fewer."""
    values = model.__dict__
    count = 0
    for name in model.__pydantic_fields_set__:
        kind = type(values[name])
        if kind is str or kind is datetime:
            count += 2
        elif issubclass(kind, BaseModel):
            count += 1 + _strings(values[name])
        else:
            count += 1
    return count


_read_keys = json.JSONDecoder(object_pairs_hook=_unique).decode


def _refuse_duplicate_keys(value: bytes) -> None:
    """Raise when a JSON object names a key twice: which of the two was meant cannot be known."""
    _read_keys(value.decode())


def _check_agreement(head: Head, event: Event, at_door: bool) -> None:
    """Raise when headers and body disagree. Foreign publishers choose their own `ce_id`; ours is derived."""
    claims: list[tuple[str, object, object]] = [
        ("ce_tenant", head.tenant, event.tenant),
        ("ce_version", head.version, event.version),
    ]
    if not at_door:
        claims += [
            ("ce_id", head.id, event.ce_id),
            ("ce_subject", head.subject or event.aggregate_id, event.aggregate_id),
            ("ce_milestone", head.milestone or event.milestone, event.milestone),
        ]
    wrong = [name for name, claimed, stated in claims if claimed != stated]
    if wrong:
        raise RecordError("record.mismatch", f"{', '.join(wrong)} and the body disagree")
