"""What the HTTP gate refuses, and how errors look."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Annotated, Any, cast

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.errors import PydanticUserError

from linkstar_contracts.events import CarrierScan, OrderChangeRequested, OrderSubmitted, ReturnRequested
from linkstar_contracts.text import SafeStr
from linkstar_contracts.values import Destination, Money, Warehouse, Weight
from linkstar_runtime.clock import Clock
from linkstar_runtime.gate import BODY_LIMIT
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.problems import Problem, field_errors
from linkstar_runtime.service import ServiceContext

CANARY = "Kanarienvogel"


class Parcel(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    name: Annotated[str, SafeStr(20)]
    count: Annotated[int, Field(ge=1, le=10, strict=True)]
    weight: Weight | None = None


class Parcels(BaseModel):
    parcels: Annotated[tuple[Parcel, ...], Field(min_length=1)]


def _routes(_context: ServiceContext) -> APIRouter:
    router = APIRouter()

    @router.post("/parcels")
    async def parcels(body: Parcels) -> int:
        return len(body.parcels)

    @router.get("/count")
    async def count(limit: int) -> int:
        return limit

    @router.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @router.get("/teapot/{name}")
    async def teapot(name: str) -> None:
        if name == "tea":
            raise Problem(409, "pot_empty", "The pot is empty", "no tea", field="name", fix="Fill it.")
        raise ValueError(f"{CANARY} {name}")

    return router


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    context = cast("ServiceContext", SimpleNamespace(clock=Clock()))
    app = create_app("test", _routes, context, Health())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        yield client


def _problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["code"] == code
    assert document["status"] == status
    assert CANARY not in response.text
    return document


async def _post(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await client.post("/parcels", content=body, headers={"content-type": "application/json"})


GOOD = b'{"parcels": [{"name": "a", "count": 1}]}'


@pytest.mark.parametrize("body", [GOOD, b"\xef\xbb\xbf" + GOOD, GOOD.replace(b'"a"', b'"\\\\u0000 is text"')])
async def test_good_json_passes(client: httpx.AsyncClient, body: bytes) -> None:
    response = await _post(client, body)
    assert (response.status_code, response.json()) == (200, 1)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"parcels": [', 400, "json_invalid"),
        (b"\xff\xfe{}", 400, "json_not_utf8"),
        ("名称".encode("gb18030"), 400, "json_not_utf8"),
        (GOOD.replace(b'"a"', b'"a\\u0000"'), 422, "json_nul"),
        (GOOD.replace(b'"a"', b'"a\x00"'), 422, "json_nul"),
        (b"[" * 100_000 + b"]" * 100_000, 400, "json_too_deep"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, 400, "json_too_deep"),
        (b'{"parcels": [{"name": "a", "name": "b", "count": 1}]}', 422, "json_duplicate_key"),
        (GOOD.replace(b"1", b"NaN"), 422, "json_not_finite"),
        (GOOD.replace(b"1", b"-Infinity"), 422, "json_not_finite"),
        (GOOD.replace(b"1", b"9" * 5000), 400, "json_number_too_long"),
        (GOOD.replace(b"1", b"1e400"), 422, "validation_failed"),
        (GOOD.replace(b'"a"', b'"\\ud800"'), 422, "validation_failed"),
        (b"", 422, "validation_failed"),
    ],
)
async def test_bad_json_is_refused_with_its_code(
    client: httpx.AsyncClient, body: bytes, status: int, code: str
) -> None:
    document = _problem(await _post(client, body), status, code)
    assert document["title"]
    assert document["fix"]


async def test_hostile_quotes_cost_linear_time(client: httpx.AsyncClient) -> None:
    """Two million escaped quotes in a string without end: a rescan from each would never come back."""
    _problem(await _post(client, b'"' + b'\\"' * 1_000_000), 400, "json_invalid")


async def test_each_wrong_field_is_named_with_its_fix_and_without_its_value(client: httpx.AsyncClient) -> None:
    body = {
        "parcels": [
            {"name": "a", "count": 1},
            {"name": CANARY * 9, "count": "7", "weight": {"value": CANARY, "unit": CANARY}},
        ]
    }
    document = _problem(await _post(client, json.dumps(body).encode()), 422, "validation_failed")
    assert [(error["field"], error["code"]) for error in document["errors"]] == [
        ("parcels[1].name", "string_too_long"),
        ("parcels[1].count", "int_type"),
        ("parcels[1].weight.value", "value_error"),
        ("parcels[1].weight.unit", "literal_error"),
    ]
    assert all(error["fix"] for error in document["errors"])


async def test_a_list_whose_only_entry_is_faulty_is_not_too_short_besides(client: httpx.AsyncClient) -> None:
    document = _problem(await _post(client, b'{"parcels": [{"name": "a"}]}'), 422, "validation_failed")
    assert [(error["field"], error["code"]) for error in document["errors"]] == [("parcels[0].count", "missing")]
    document = _problem(await _post(client, b'{"parcels": []}'), 422, "validation_failed")
    assert [(error["field"], error["code"]) for error in document["errors"]] == [("parcels", "too_short")]


@pytest.mark.parametrize("body", [b"[]", b'"all"', b"7", b"null"])
async def test_a_body_that_is_no_object_is_told_so(client: httpx.AsyncClient, body: bytes) -> None:
    document = _problem(await _post(client, body), 422, "validation_failed")
    [error] = document["errors"]
    assert error["field"] == "body"
    assert error["fix"] in {"Send an object in braces, with the fields the API description names.", "Send this field."}


@pytest.mark.parametrize("sent", [None, True, 7, 7.5, -1, 1e300, "", "abc", [], ["a"], {}, {"a": 1}], ids=repr)
def test_whatever_is_sent_in_a_field_the_fix_says_what_to_send_instead(sent: object) -> None:
    for model in (OrderSubmitted, OrderChangeRequested, ReturnRequested, CarrierScan, Warehouse, Destination, Money):
        for field in model.model_fields:
            try:
                model.model_validate_json(json.dumps({field: sent}))
            except ValidationError as error:
                told = field_errors(error.errors(include_url=False))
                assert [each for each in told if "openapi" in each["fix"] or not each["fix"]] == [], field


def test_a_refused_value_is_parted_into_finding_and_fix() -> None:
    with pytest.raises(ValidationError) as refused:
        Money.model_validate({"amount_minor": 1, "currency": "XXX"})
    [told] = field_errors(refused.value.errors(include_url=False))
    assert told["detail"] == "is not a currency of ISO 4217"
    assert told["fix"] == "Use a code such as USD, CAD, GBP, EUR, CNY."


async def test_a_query_that_is_no_number_is_told_what_to_send(client: httpx.AsyncClient) -> None:
    document = _problem(await client.get("/count?limit=abc"), 422, "validation_failed")
    assert (document["field"], document["fix"]) == ("limit", "Send a whole number such as 100.")


async def test_body_limit_holds_with_and_without_announcement(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 20)

    _problem(await client.post("/raw", content=bytes(BODY_LIMIT + 1)), 413, "body_too_large")
    _problem(await client.post("/raw", content=endless()), 413, "body_too_large")
    assert (await client.post("/raw", content=bytes(BODY_LIMIT))).json() == BODY_LIMIT


async def test_errors_are_problem_documents(client: httpx.AsyncClient) -> None:
    assert _problem(await client.get("/teapot/tea"), 409, "pot_empty")["field"] == "name"
    document = _problem(await client.get("/teapot/x", headers={"x-request-id": "r-1"}), 500, "internal_error")
    assert document["request_id"] == "r-1"
    _problem(await client.get("/nowhere"), 404, "not_found")
    response = await client.get("/parcels")
    _problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


async def test_every_answer_has_a_request_id(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez", headers={"x-request-id": "abc-1"})).headers["x-request-id"] == "abc-1"
    made = [(await client.get("/livez", headers={"x-request-id": "bad\tid"})).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]


async def test_requests_are_measured_by_route_not_path(client: httpx.AsyncClient) -> None:
    await client.get(f"/teapot/{CANARY}")
    text = (await client.get("/metrics")).text
    assert 'linkstar_http_request_duration_seconds_count{method="GET",route="/teapot/{name}",status="500"}' in text
    assert CANARY not in text


def test_a_route_whose_guard_cannot_be_resolved_does_not_start() -> None:
    def routes(context: ServiceContext) -> APIRouter:
        router = APIRouter()

        @router.get("/guarded")
        async def guarded(caller: Annotated[str, Depends(context.authorize)]) -> str:
            return caller

        return router

    context = cast("ServiceContext", SimpleNamespace(clock=Clock(), authorize=lambda: "nobody"))
    with pytest.raises(PydanticUserError):
        create_app("test", routes, context, Health())


@pytest.mark.parametrize("address", ["/v1/orders/a%00b", "/v1/orders?after=%00", "/v1/orders/%ff", "/v1/orders?x=%1b"])
async def test_no_control_character_gets_past_the_address(client: httpx.AsyncClient, address: str) -> None:
    _problem(await client.get(address), 400, "address_invalid")


async def test_the_openapi_document_tells_of_problems_and_keys(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operation = next(iter(next(iter(document["paths"].values())).values()))
    assert "application/problem+json" in operation["responses"]["4XX"]["content"]
    assert "HTTPValidationError" not in str(document)
