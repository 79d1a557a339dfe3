"""Bodies as they go out are those that the contracts write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import ClassVar

import pytest
from contracts.golden import GOLDENS, Golden
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime

from linkstar_contracts.event import Event
from linkstar_contracts.events import TrackingStatus
from linkstar_contracts.values import Value
from linkstar_runtime.bodies import body_of


class Inner(Value):
    text: str | None
    amount: Decimal


class Outer(Event):
    """Every kind of field that a contract has."""

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
