"""Returns as a process: asked for over HTTP and Kafka, ordered back, followed home."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest
from integration.tracker.service_process import ServiceProcess, running_service
from unit.returns.return_facts import label, order, request, tracked

from linkstar_contracts import topics
from linkstar_contracts.events import OrderReceived, ReturnState
from linkstar_returns.api import ListedState

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def returns(kafka_bootstrap: str, database_url: str) -> Iterator[ServiceProcess]:
    clock = {"LINKSTAR_CLOCK__ORIGIN": "2026-06-12T00:00:00Z", "LINKSTAR_RETURNS__AUTO_CLOSE": "false"}
    with running_service("returns", kafka_bootstrap, database_url, **clock) as process:
        yield process


async def test_a_return_asked_for_over_http_comes_home(returns: ServiceProcess) -> None:
    back = "s-1~R1"
    seller, other = await returns.client("demo", "*"), await returns.client("other", "*")
    async with seller, other:
        ask = {"order_id": "s-1", "request_id": "q-1", "items": [{"sku": "MUG", "quantity": 1}], "reason": "wrong_size"}
        answer = await seller.post("/v1/returns", json=ask)
        assert (answer.status_code, answer.json()["state"]) == (201, "requested")
        assert (await seller.post("/v1/returns", json=ask)).status_code == 200
        assert (await seller.post("/v1/returns", json={**ask, "reason": "other"})).json()["code"] == "request_id_reused"
        assert (await seller.post(f"/v1/returns/{back}/close")).json()["code"] == "return_not_received"

        await returns.publish((topics.ORDERS_RECEIVED, order()), (topics.TRACKING_UPDATED, tracked(3, "delivered", 50)))
        told = await returns.events(topics.RETURNS_UPDATED, 3)
        assert {event.state.value for event in told} >= {"requested", "approved"}
        ordered = [e for e in await returns.events(topics.ORDERS_RECEIVED, 2) if e.kind == "return"]
        assert [(e.shipment_id, e.version) for e in ordered if isinstance(e, OrderReceived)] == [(back, 1)]

        await returns.publish((topics.LABELS, label()), (topics.TRACKING_UPDATED, tracked(3, "delivered", 90, back)))
        while (await seller.get(f"/v1/returns/{back}")).json()["state"] != "received":
            pass
        assert (await other.get(f"/v1/returns/{back}")).status_code == 404
        assert (await other.post(f"/v1/returns/{back}/close")).status_code == 404
        assert (await seller.post(f"/v1/returns/{back}/close")).json()["state"] == "closed"
        assert (await seller.post(f"/v1/returns/{back}/close")).json()["state"] == "closed"
        listed = (await seller.get("/v1/returns", params={"order_id": "s-1", "state": "closed"})).json()
        assert [each["return_id"] for each in listed["returns"]] == [back]
        assert (await other.get("/v1/returns")).json() == {"returns": [], "next": None}


async def test_returns_asked_for_by_kafka_and_opened_by_themselves(returns: ServiceProcess) -> None:
    await returns.publish(
        (topics.RETURNS_REQUESTED, request(55, order_id="s-2")),
        (topics.TRACKING_UPDATED, tracked(4, "return_to_sender", 60, "s-3")),
    )
    [requested] = await returns.events(topics.RETURNS_UPDATED, 1, "s-2")
    [reject] = await returns.events(topics.RETURNS_UPDATED, 1, "s-3")
    assert (requested.return_id, requested.origin, requested.state.value) == ("s-2~R1", "customer", "requested")
    assert (reject.return_id, reject.origin, reject.state.value) == ("s-3~R1", "reject", "in_transit")


def test_returns_can_be_listed_by_each_state_there_is() -> None:
    assert set(get_args(ListedState)) == {state.value for state in ReturnState} - {"unknown"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"state": "foo"}, "literal_error"),
        ({"state": "unknown"}, "literal_error"),
        ({"order_id": "a/b"}, "string_pattern_mismatch"),
        ({"limit": "abc"}, "int_parsing"),
    ],
)
async def test_a_list_is_not_empty_for_a_filter_that_means_nothing(
    returns: ServiceProcess, query: dict[str, str], code: str
) -> None:
    async with await returns.client("demo", "returns:read") as seller:
        answer = await seller.get("/v1/returns", params=query)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["code"], error["field"]) == (422, code, next(iter(query)))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"request_id": "q"}, "order_id"),
        ({"order_id": "a/b", "request_id": "q"}, "order_id"),
        ({"order_id": "s-1", "request_id": "q", "items": [{"sku": "MUG", "quantity": 0}]}, "items[0].quantity"),
        ({"order_id": "s-1", "request_id": "q", "colour": "red"}, "colour"),
    ],
)
async def test_a_bad_request_names_its_field(returns: ServiceProcess, body: dict[str, object], field: str) -> None:
    async with await returns.client("demo", "returns:write") as seller:
        answer = await seller.post("/v1/returns", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
