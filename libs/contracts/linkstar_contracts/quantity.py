"""Measured decimals: read without losing a digit, bounded, written as plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from linkstar_contracts.ordinary import Ordinary

__all__ = ["Quantity"]

_PLAIN_DECIMAL = r"^[0-9]{1,7}(\.[0-9]{1,4})?$"
_is_plain_decimal = re.compile(_PLAIN_DECIMAL.removesuffix("$")).fullmatch
_FOUR_PLACES = Decimal("0.0001")


def _decimal(value: object) -> Decimal:
    """Read text, a JSON number or a Decimal without losing a digit."""
    if isinstance(value, str) and _is_plain_decimal(value):
        return Decimal(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    raise ValueError("is no plain decimal number; send one with at most four places, such as 12.5")


@dataclass(frozen=True)
class Quantity:
    """Annotation of a measured decimal above 0 and up to `le`, four places at most.

    Written as a plain string, so that no reader rounds it; JSON numbers are understood too.
    """

    le: int

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        as_text = core_schema.plain_serializer_function_ser_schema(
            lambda value: f"{value:f}", when_used="json", return_schema=core_schema.str_schema()
        )
        rule = core_schema.no_info_plain_validator_function(self.read, serialization=as_text)
        return self._ordinary().beside(rule)

    def _ordinary(self) -> Ordinary:
        """Text with fewer digits before the point than the bound has, and surely above 0."""
        digits = min(len(str(self.le)) - 1, 7)
        whole = rf"[1-9][0-9]{{0,{digits - 1}}}(\.[0-9]{{1,4}})?"
        below_one = r"0\.([1-9][0-9]{0,3}|0[1-9][0-9]{0,2}|00[1-9][0-9]?|000[1-9])"
        pattern = f"^({whole}|{below_one})$"
        text = core_schema.str_schema(pattern=pattern, strict=True)
        return Ordinary(core_schema.no_info_after_validator_function(Decimal, text))

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        text = {"type": "string", "pattern": _PLAIN_DECIMAL}
        if handler.mode == "serialization":
            return text
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": self.le}, text]}

    def read(self, value: object) -> Decimal:
        """Return the quantity, or raise ValueError."""
        quantity = _decimal(value)
        if not (quantity.is_finite() and 0 < quantity <= self.le):
            raise ValueError(f"is out of bounds; send a number above 0 and at most {self.le}")
        if isinstance(value, str):
            return quantity
        shown = quantity.quantize(_FOUR_PLACES)
        if shown != quantity:
            raise ValueError("is too precise; send at most four decimal places")
        return shown.normalize()
