"""Putting an event or value together from parts that have been validated where they came in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

__all__ = ["assembled"]

M = TypeVar("M", bound=BaseModel)


def assembled(model: type[M], parts: Mapping[str, Any]) -> M:
    """Return the model of these parts, equal to the validated one, at a tenth of its cost; KeyError if one is missing,
    and what the model has no field for is passed over. Parts in the order of the fields cost least.

    Only for parts that were fields of validated models under the same types, or that a constant or an enumeration of
    ours names: then to validate them again cannot find anything. Their owners' tests validate what they make of it.
    """
    made, names = model.__new__(model), _names(model)
    values = dict(parts) if [*parts] == names else {name: parts[name] for name in names}
    object.__setattr__(made, "__dict__", values)
    object.__setattr__(made, "__pydantic_fields_set__", _all_fields(model))
    object.__setattr__(made, "__pydantic_extra__", None)
    object.__setattr__(made, "__pydantic_private__", None)
    return made


@cache
def _names(model: type[BaseModel]) -> list[str]:
    return list(model.__pydantic_fields__)


@cache
def _all_fields(model: type[BaseModel]) -> set[str]:
    """Return the names of all fields. Contracts are frozen and a copy takes a copy, so one set serves every instance."""
    return set(model.__pydantic_fields__)
