"""An event's JSON body, byte for byte as its contract writes it, in half the time."""

from __future__ import annotations

from functools import cache
from types import NoneType
from typing import Any, get_args

import msgspec
from pydantic import BaseModel

from linkstar_contracts.event import Event

__all__ = ["body_of"]


def body_of(event: Event) -> bytes:
    """Return the bytes of `event.body()`."""
    return _encode(_stated(event))


def _stated(model: BaseModel) -> dict[str, Any]:
    """Return the fields of a model that say something, in their order."""
    stated = dict(model.__dict__)
    for name in _optional(type(model)):
        if stated[name] is None:
            del stated[name]
    return stated


@cache
def _optional(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, field in model.model_fields.items() if NoneType in get_args(field.annotation))


_encode = msgspec.json.Encoder(enc_hook=_stated).encode
