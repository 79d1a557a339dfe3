"""Errors of HTTP as RFC 9457 problem documents: a stable code, what is wrong, in which field, and how to fix it.

No problem document repeats the value sent, since that can be personal data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypedDict

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from linkstar_contracts.findings import finding_and_remedy, own_findings
from linkstar_runtime.master_keys import VaultError

__all__ = [
    "PROBLEM_RESPONSES",
    "FieldError",
    "Problem",
    "add_problem_handlers",
    "field_errors",
    "problem_response",
    "validation_problem",
]


class FieldError(TypedDict):
    """One fault of the input."""

    code: str
    field: str
    detail: str
    fix: str


class Problem(Exception):
    """Raise it to answer with a problem document."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        field: str | None = None,
        fix: str | None = None,
        errors: Sequence[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {title}")
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        members = {
            "type": f"urn:linkstar:problem:{code}", "title": title, "status": status, "detail": detail or None,
            "code": code, "field": field, "fix": fix, "errors": list(errors) if errors else None,
        }  # fmt: skip
        self.document = {name: value for name, value in members.items() if value is not None}


_TEXT = {"type": "string"}
_FAULT = {"type": "object", "properties": dict.fromkeys(("code", "field", "detail", "fix"), _TEXT)}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused: `code` says why, `field` where, `fix` how to mend it (RFC 9457)",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "code"],
                    "properties": {
                        **dict.fromkeys(("type", "title", "detail", "code", "field", "fix"), _TEXT),
                        "status": {"type": "integer"},
                        "errors": {"type": "array", "items": _FAULT},
                    },
                }
            }
        },
    }
}
"""What every operation may answer besides success, for the OpenAPI document."""


def problem_response(problem: Problem, **extra: str | None) -> JSONResponse:
    """Return the answer for a problem; `extra` members with a value are added to the document."""
    document = problem.document | {name: value for name, value in extra.items() if value}
    return JSONResponse(document, problem.status, problem.headers, media_type="application/problem+json")


_FIXES = {
    "missing": "Send this field.",
    "extra_forbidden": "Remove this field, or check its spelling.",
    "json_invalid": "Send one well-formed JSON document in UTF-8.",
    "string_type": "Send text in quotes.",
    "string_too_long": "Shorten the text.",
    "string_too_short": "Send a longer text.",
    "string_pattern_mismatch": "Send text of the form that the pattern shows.",
    "string_unicode": "Send valid Unicode without lone surrogates.",
    "object_type": "Send an object in braces, with the fields the API description names.",
    "list_type": "Send a list in brackets.",
    "tuple_type": "Send a list in brackets.",
    "bool_type": "Send true or false.",
    "bool_parsing": "Send true or false.",
    "int_type": "Send a whole number without quotes.",
    "int_from_float": "Send a whole number.",
    "int_parsing": "Send a whole number such as 100.",
    "int_parsing_size": "Send a number of fewer digits.",
    "decimal_type": "Send a decimal number such as 12.5.",
    "decimal_parsing": "Send a decimal number such as 12.5.",
    "decimal_max_digits": "Send fewer digits.",
    "decimal_max_places": "Send fewer decimal places.",
    "finite_number": "Send a finite number.",
    "greater_than": "Send a larger number.",
    "greater_than_equal": "Send a larger number.",
    "less_than": "Send a smaller number.",
    "less_than_equal": "Send a smaller number.",
    "literal_error": "Use one of the values listed.",
    "enum": "Use one of the values listed.",
    "timezone_aware": "Add the offset, as in 2026-05-01T12:00:00+02:00.",
    "datetime_from_date_parsing": "Send an RFC 3339 time with offset.",
    "datetime_parsing": "Send an RFC 3339 time with offset.",
    "datetime_type": "Send an RFC 3339 time with offset.",
    "datetime_object_invalid": "Send an RFC 3339 time with offset.",
    "too_long": "Send fewer entries.",
    "too_short": "Send more entries.",
}
_ANY_FIX = "Send what the API description at /openapi.json states for this field."


_NO_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})


def field_errors(errors: Sequence[Mapping[str, Any]], *, skip: int = 0) -> list[FieldError]:
    """Turn pydantic's errors into field errors; the first `skip` parts of each location are left out."""
    return [_field_error(error, _path(error["loc"][skip:])) for error in own_findings(errors)]


def _field_error(error: Mapping[str, Any], field: str) -> FieldError:
    kind, detail = error["type"], error["msg"]
    if kind in _NO_OBJECT:
        kind, detail = "object_type", "Input should be an object"
    fix = _FIXES.get(kind, _ANY_FIX)
    if kind == "value_error":
        detail, remedy = finding_and_remedy(detail)
        fix = f"{remedy[:1].upper()}{remedy[1:]}." if remedy else fix
    return FieldError(code=kind, field=field, detail=detail, fix=fix)


def _path(parts: Sequence[str | int]) -> str:
    """`orders[2].parcels[0].weight.value`; the whole body is `body`."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.removeprefix(".") or "body"


def validation_problem(error: ValidationError) -> Problem:
    """Return the 422 for input that a service has validated itself."""
    return _invalid(field_errors(error.errors(include_url=False, include_context=False, include_input=False)))


def _invalid(errors: list[FieldError]) -> Problem:
    first = errors[0]
    title = f"{len(errors)} field(s) of the request are not valid"
    return Problem(
        422, "validation_failed", title, first["detail"], field=first["field"], fix=first["fix"], errors=errors
    )


_STATUS_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media_type"}


def add_problem_handlers(app: FastAPI) -> None:
    """Make every error the application can answer with a problem document."""

    async def on_problem(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)  # noqa: S101 - registered for Problem only
        return problem_response(error)

    async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it only
        return problem_response(_invalid(field_errors(error.errors(), skip=1)))

    async def on_status(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it only
        code = _STATUS_CODES.get(error.status_code, f"http_{error.status_code}")
        title = HTTPStatus(error.status_code).phrase
        return problem_response(Problem(error.status_code, code, title, headers=error.headers))

    async def on_sealed(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, VaultError)  # noqa: S101 - registered for it only
        fix = "Give the service the master key that this was sealed under: docs/secrets.md."
        return problem_response(Problem(503, error.code, "What is sealed cannot be opened here", fix=fix))

    app.add_exception_handler(VaultError, on_sealed)
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_status)
