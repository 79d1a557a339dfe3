"""The content of an order: what its first event says is what validation would make of it, and it can be read back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from linkstar_bench.orders import build_orders
from linkstar_contracts.events import OrderReceived, OrderSubmitted
from linkstar_contracts.record import parse_body
from linkstar_contracts.values import SealedConsignee, Warehouse
from linkstar_ingest.domain.acceptance import Acceptance, accept
from linkstar_ingest.domain.content import OrderContent

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SEALED = SealedConsignee(key_id="k.1", token="A" * 40)
HOUSE = Warehouse(code="here", country="US", postcode="90058", timezone="America/Los_Angeles")


def contents() -> list[OrderContent]:
    orders = [parse_body(OrderSubmitted, record.message.value) for record in build_orders(200, 1, "content", NOW)]
    accepted = [accept(order, {order.warehouse: HOUSE}) for order in orders]
    return [each.content(SEALED) for each in accepted if isinstance(each, Acceptance)]


@pytest.fixture(scope="module")
def accepted() -> list[OrderContent]:
    found = contents()
    assert len(found) == 200
    return found


def test_the_first_event_is_what_validation_would_make_of_it(accepted: list[OrderContent]) -> None:
    for content in accepted:
        event = content.received("demo", "o-1", NOW)
        validated = OrderReceived.model_validate(dict(event))
        assert (event, event.body()) == (validated, validated.body())
        assert OrderReceived.model_validate_json(event.body()) == event


def test_what_is_stored_without_its_empty_fields_is_read_back_whole(accepted: list[OrderContent]) -> None:
    for content in accepted:
        assert OrderContent.model_validate_json(content.model_dump_json(exclude_none=True)) == content
