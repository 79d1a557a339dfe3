"""Bodies as they go out are those that the contracts write."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from contracts.golden import GOLDENS, Golden
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime

from linkstar_contracts.event import Event
from linkstar_contracts.events import ShipmentUpdated, TrackingStatus, TrackingUpdated
from linkstar_contracts.record import parse_body
from linkstar_contracts.values import Value
from linkstar_runtime.bodies import _as_usual, body_of


class Inner(Value):
    text: str | None
    amount: Decimal


class Outer(Event):
    """Every kind of field that a contract has and leaves to be written as usual."""

    TYPE: ClassVar[str] = "linkstar.test.made.v1"
    text: str
    number: int
    yes: bool
    at: AwareDatetime | None
    status: TrackingStatus | None
    amount: Decimal | None
    inner: Inner | None
    several: tuple[Inner, ...]
    words: tuple[str, ...]


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda each: each.name)
def test_every_example_goes_out_as_its_contract_writes_it(golden: Golden) -> None:
    event = golden.event()
    assert body_of(event) == event.body()


def _measured_in_tens(value: Any) -> Any:
    """Return the JSON with every weight and size given as the number ten, which is normalised to 1E+1 as it is read."""
    if isinstance(value, dict):
        tens = {"value", "length", "width", "height"} if "unit" in value else set()
        return {key: 10 if key in tens else _measured_in_tens(each) for key, each in value.items()}
    return [_measured_in_tens(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda each: each.name)
def test_weights_and_sizes_go_out_as_plain_numbers_that_are_read_again(golden: Golden) -> None:
    body = _measured_in_tens(golden.body)
    event = parse_body(golden.event_class, json.dumps(body).encode())
    assert body_of(event) == event.body()
    assert parse_body(golden.event_class, body_of(event)) == event
    assert (body == golden.body) == (b"unit" not in body_of(event))


def test_what_is_written_for_every_scan_is_written_quickly() -> None:
    assert _as_usual(TrackingUpdated)
    assert _as_usual(ShipmentUpdated)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC) | OFFSETS)  # noqa: DTZ001
INNERS = st.builds(Inner, text=st.none() | TEXTS, amount=AMOUNTS)


@given(
    st.builds(
        Outer, tenant=st.just("demo"), order_id=st.just("a"), version=st.just(1), occurred_at=MOMENTS, text=TEXTS,
        number=st.integers(-(2**63), 2**63 - 1), yes=st.booleans(), at=st.none() | MOMENTS,
        status=st.none() | st.sampled_from(TrackingStatus), amount=st.none() | AMOUNTS, inner=st.none() | INNERS,
        several=st.lists(INNERS, max_size=3).map(tuple), words=st.lists(TEXTS, max_size=3).map(tuple),
    )
)  # fmt: skip
def test_whatever_an_event_says_goes_out_as_its_contract_writes_it(event: Outer) -> None:
    assert body_of(event) == event.body()
