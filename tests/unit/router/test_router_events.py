"""What the router puts together from validated parts is what the contract would validate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from unit.router.routed_orders import ORDERED, changed, received

from linkstar_contracts.events import OrderChanged, OrderReceived, RouteChosen
from linkstar_router.domain.decision import Question
from linkstar_router.domain.shipment import Content, Shipment, content_of, routed
from linkstar_router.domain.snapshot import Snapshot

ORDERS = (
    received(), received("shopify-2~R1", kind="return"), received(country="CA", postcode="M5V"), changed(weight="41.5"),
    received(items=[{"sku": "A", "quantity": 2}], options={"level": "expedited", "signature": True}, test=True),
)  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
def test_assembled_events_are_valid(order: OrderReceived | OrderChanged, snapshot: Snapshot) -> None:
    content = content_of(order)
    assert Content.model_validate_json(content.model_dump_json()) == content
    new = Shipment(order.tenant, order.shipment_id, order.order_id, 3, barred={"ups/ground": None})
    step = routed(new, content, snapshot, ORDERED, 100)
    for event in step.events:
        again = type(event).model_validate_json(event.body())
        assert again == event
        assert again.body() == event.body()
    assert step.record is not None
    assert Question.model_validate_json(step.record.question).barred == ("ups/ground",)


def test_most_of_these_orders_find_a_route(snapshot: Snapshot) -> None:
    chosen = [
        event
        for order in ORDERS
        for event in routed(
            Shipment(order.tenant, order.shipment_id, order.order_id, 3), content_of(order), snapshot, ORDERED, 0
        ).events
        if isinstance(event, RouteChosen)
    ]
    assert len(chosen) >= 3


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (0, ["holiday 2026-11-26 Thanksgiving Day: no pick-up or no delivery",
             "peak a demand surcharge is part of the price"]),
        (-90, []),
    ],
)  # fmt: skip
def test_a_route_tells_closures_on_its_way_and_peak_fees(days: int, told: list[str], snapshot: Snapshot) -> None:
    moment = ORDERED + timedelta(days=days)
    content = content_of(received()).model_copy(update={"ordered_at": moment})
    (route,) = routed(Shipment("demo", "shopify-1", "shopify-1", 3), content, snapshot, moment, 600).events
    assert isinstance(route, RouteChosen)
    assert [f"{notice.code} {notice.detail}" for notice in route.notices] == told
