"""Orders and requests as JSON bodies: strict types, unknown fields refused, one coded fault per finding."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from linkstar_contracts.event import Event
from linkstar_contracts.record import MAX_DOOR_BYTES
from linkstar_ingest.domain.faults import Fault, schema_faults

__all__ = ["read_event", "read_value"]

E = TypeVar("E", bound=Event)
M = TypeVar("M", bound=BaseModel)
_NO_OBJECT = Fault("type_wrong", "body", "is no JSON object", "send one object per order")
_TOO_LARGE = Fault("order_too_large", "body", f"is larger than {MAX_DOOR_BYTES} bytes", "shorten texts and lists")
_NO_JSON = Fault("number_out_of_range", "body", "holds a number beyond all bounds", "use a number within the bounds")


def read_event(event_class: type[E], stated: Any, tenant: str, now: datetime, **head: Any) -> E | list[Fault]:
    """Return the event that an object states for `tenant`. `occurred_at` and `head` are filled in where absent."""
    if not isinstance(stated, dict):
        return [_NO_OBJECT]
    foreign = sorted({"tenant", *head} & stated.keys())
    if foreign:
        return [Fault("field_unknown", foreign[0], "is told by the request itself", "remove the field")]
    return read_value(event_class, {"occurred_at": now.isoformat(), **stated, "tenant": tenant, **head})


def read_value(model: type[M], stated: Any) -> M | list[Fault]:
    """Return `stated` as `model`, read as JSON at a door: strictly, unknown fields refused at any depth."""
    try:
        raw = json.dumps(stated, allow_nan=False)
    except (ValueError, RecursionError):
        return [_NO_JSON]
    if len(raw) > MAX_DOOR_BYTES:
        return [_TOO_LARGE]
    try:
        return model.model_validate_json(raw, extra="forbid")
    except ValidationError as error:
        return schema_faults(error)
