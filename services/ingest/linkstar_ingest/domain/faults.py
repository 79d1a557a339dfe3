"""What is wrong with an order, said so that a seller can mend it: a stable code, the field, the finding, the fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from linkstar_contracts.findings import finding_and_remedy, own_findings

__all__ = ["Fault", "Refusal", "RowFault", "schema_faults"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding. `detail` and `fix` hold no personal data, so that they may stand in logs and dead letters."""

    code: str
    field: str
    detail: str
    fix: str

    def __str__(self) -> str:
        return f"{self.field}: {self.detail}; {self.fix}"


@dataclass(frozen=True, slots=True)
class RowFault:
    """A finding in a file. `row` is the line number in the file, its header being line 1."""

    row: int
    order_id: str
    fault: Fault


class Refusal(Exception):
    """A whole document cannot be read: not an order file, not JSON, too large."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


# pydantic's error type -> our code and what to do about it.
_CODES = {
    "json_invalid": ("json_invalid", "send one well-formed JSON document without lone surrogates"),
    "missing": ("field_missing", "add the field"),
    "extra_forbidden": ("field_unknown", "remove the field, or correct its name"),
    "string_too_long": ("text_too_long", "shorten it"),
    "too_long": ("list_too_long", "send fewer entries"),
    "string_too_short": ("field_empty", "fill it in"),
    "too_short": ("list_empty", "add at least one entry"),
    "string_pattern_mismatch": ("text_malformed", "use only the characters the field allows"),
    "timezone_aware": ("time_naive", "add the offset from UTC, such as 2026-11-22T09:00:00Z"),
    "datetime_from_date_parsing": ("time_invalid", "write RFC 3339, such as 2026-11-22T09:00:00Z"),
    "datetime_parsing": ("time_invalid", "write RFC 3339, such as 2026-11-22T09:00:00Z"),
    "datetime_type": ("time_invalid", "write RFC 3339, such as 2026-11-22T09:00:00Z"),
    "decimal_parsing": ("number_malformed", "write a plain decimal number, such as 1.5"),
    "decimal_type": ("number_malformed", "write a plain decimal number, such as 1.5"),
    "int_parsing": ("number_malformed", "write a whole number"),
    "int_parsing_size": ("number_out_of_range", "use a number within the bounds"),
    "int_from_float": ("number_malformed", "write a whole number"),
    "literal_error": ("value_unknown", "use one of the values named"),
    "enum": ("value_unknown", "use one of the values named"),
}  # fmt: skip
_OUT_OF_RANGE = ("number_out_of_range", "use a number within the bounds")
_CODES |= dict.fromkeys(
    ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number", "decimal_max_digits",
     "decimal_max_places", "decimal_whole_digits"), _OUT_OF_RANGE,
)  # fmt: skip
_UNITS = {"weight": "g, kg, oz or lb", "dimensions": "mm, cm or in"}


def schema_faults(error: ValidationError) -> list[Fault]:
    """Return one fault per finding of pydantic, at most 20, in our words and without the offending values."""
    found = own_findings(error.errors(include_url=False, include_context=False, include_input=False))
    return [_schema_fault(finding) for finding in found[:20]]


def _schema_fault(finding: Any) -> Fault:
    path = [str(part) for part in finding["loc"]]
    field = ".".join(path) or "body"
    kind = finding["type"]
    if path[-1:] == ["unit"] and kind == "literal_error":
        units = _UNITS.get(path[-2], "the units named") if len(path) > 1 else "the units named"
        return Fault("unit_unknown", field, "is no unit we know", f"use {units}")
    if kind == "value_error":
        detail, fix = finding_and_remedy(finding["msg"])
        return Fault("value_refused", field, detail[:200], fix or "correct the value")
    code, fix = _CODES.get(kind, ("type_wrong" if kind.endswith("_type") else kind, "send the type the field asks for"))
    return Fault(code, field, finding["msg"][:200], fix)
