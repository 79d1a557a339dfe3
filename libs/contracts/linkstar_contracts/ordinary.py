"""The ordinary case of a contract, read without a call into Python for every field.

A field type whose rule needs Python may state beside it an *ordinary* form: a schema of pydantic-core alone that takes
part of the same values, each with the same result. `ordinary_validator` puts these forms in the place of the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import SchemaValidator
from pydantic_core.core_schema import CoreSchema

__all__ = ["Ordinary", "ordinary_validator"]

_MARK = "linkstar_ordinary"
_PARTS = ("definitions", "items_schema", "schema")
"""Where, besides `fields`, ordinary forms are looked for. A union's choices keep their full rules: a choice that takes
less would leave the value to the next one."""


@dataclass(frozen=True, eq=False)
class Ordinary:
    """Annotation: what `form` takes, the annotated type takes with an equal result. No bound may be set outside of it."""

    form: CoreSchema

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return self.beside(handler(source))

    def beside(self, rule: CoreSchema) -> CoreSchema:
        """Return the schema `rule` with this form noted on it; what it takes and says stays as it is."""
        return cast("CoreSchema", {**rule, "metadata": {**rule.get("metadata", {}), _MARK: self.form}})


@cache
def ordinary_validator(model: type[BaseModel]) -> SchemaValidator:
    """Return the validator that takes ordinary values of `model` only. What it refuses may yet be valid: ask the model."""
    # Without `_use_prebuilt=False` pydantic-core would put the models' own validators in the place of their schemas.
    return SchemaValidator(_ordinary(model.__pydantic_core_schema__), _use_prebuilt=False)


def _ordinary(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_ordinary(one) for one in schema]
    if _MARK in schema.get("metadata", {}):
        return schema["metadata"][_MARK]
    parts = {key: _ordinary(schema[key]) for key in _PARTS if key in schema}
    fields = {name: _ordinary(field) for name, field in schema.get("fields", {}).items()}
    return {**schema, **parts, **({"fields": fields} if fields else {})}
