"""The ordinary reading takes part of what a contract takes, with the same result; the contract alone refuses."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Annotated, Any

import pytest
from contracts.golden import GOLDENS, Golden
from contracts.hostile import bodies, text
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from linkstar_contracts.event import Event
from linkstar_contracts.events import EVENTS
from linkstar_contracts.ordinary import ordinary_validator
from linkstar_contracts.record import RecordError, parse_body
from linkstar_contracts.schemas import event_name
from linkstar_contracts.text import CURRENCY_EXPONENTS, CurrencyCode, SafeStr, clean_text
from linkstar_contracts.values import Instant, LocalDate, Value, Weight


class Texts(Value):
    """One text of each kind."""

    bounded: Annotated[str, SafeStr(8, 1)] = "x"
    currency: CurrencyCode = "EUR"
    moment: Instant | None = None
    day: LocalDate | None = None


def told(model: BaseModel) -> str:
    """All that can be known of a model: values with their types, and which fields were stated."""
    return repr((type(model), model.model_dump(), model.model_dump(exclude_unset=True)))


def ordinary(model: type[BaseModel], body: bytes) -> str | None:
    try:
        return told(ordinary_validator(model).validate_json(body, extra="ignore"))
    except ValidationError:
        return None


def full(model: type[BaseModel], body: bytes) -> str | None:
    try:
        return told(model.__pydantic_validator__.validate_json(body, extra="ignore"))
    except ValidationError:
        return None


def taken(model: type[BaseModel], **fields: Any) -> bool:
    """True when the ordinary reading takes the value; what it takes must be what the contract makes of it."""
    body = json.dumps(fields).encode()
    found = ordinary(model, body)
    assert found is None or found == full(model, body), body
    return found is not None


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_every_golden_message_is_ordinary(golden: Golden) -> None:
    found = ordinary(golden.event_class, golden.value)
    assert found is not None
    assert found == full(golden.event_class, golden.value)


@pytest.mark.parametrize("event", EVENTS.values(), ids=event_name)
@settings(max_examples=40)
@given(data=st.data())
def test_what_it_takes_the_contract_takes_alike_and_refusals_are_the_contracts(
    event: type[Event], data: st.DataObject
) -> None:
    body = data.draw(bodies(event))
    assert ordinary(event, body) in {None, full(event, body)}
    try:
        event.__pydantic_validator__.validate_json(body, extra="ignore")
    except ValidationError as refusal:
        said = {found["msg"] for found in refusal.errors(include_input=False)}
        with pytest.raises(RecordError) as caught:
            parse_body(event, body)
        assert {fault.detail for fault in caught.value.faults} <= said
    else:
        assert told(parse_body(event, body)) == full(event, body)


def test_no_character_is_plain_that_cleaning_would_change() -> None:
    some = map(chr, (*range(0x10000), *range(0x10000, sys.maxunicode, 0x101)))
    plain = [char for char in some if ordinary(Texts, json.dumps({"bounded": char}).encode())]
    assert all(clean_text(char) == char and not unicodedata.combining(char) for char in plain)
    assert set("aZ0-ß’保，") <= set(plain)
    assert clean_text("".join(plain)) == "".join(plain)


@given(text)
def test_a_text_is_taken_as_it_is_or_left_to_the_contract(value: str) -> None:
    taken(Texts, bounded=value)


@pytest.mark.parametrize("value", ["", "a" * 9, " a", "a ", "a\n", "a\u00a0", "a\u00ad", "e\u0301", "\u1100\u1161"])
def test_a_text_that_cleaning_or_its_bound_concerns_is_left(value: str) -> None:
    assert not taken(Texts, bounded=value)


def test_each_currency_and_no_other() -> None:
    assert all(taken(Texts, currency=code) for code in CURRENCY_EXPONENTS)
    assert not any(taken(Texts, currency=code) for code in ("usd", "XXX", "", "USD ", 840, None))


def test_days_of_this_century_that_every_calendar_has() -> None:
    days = [f"{year}-{month:02}-{day:02}" for year in range(1989, 2202) for month in range(14) for day in range(33)]
    assert sum(taken(Texts, day=day) for day in days) == 100 * 365


@given(st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat()) | text)
def test_moments(value: str) -> None:
    taken(Texts, moment=value)


@pytest.mark.parametrize(
    ("value", "ordinary"),
    [
        ("2026-11-22T17:05:00Z", True), ("2099-12-31T23:59:59.999999-12:00", True), ("2026-11-22T17:05:00", False),
        ("1999-12-31T00:00:00Z", False), ("2100-01-01T00:00:00Z", False), ("20261122", False), (1_700_000_000, False),
        ("2026-02-30T00:00:00Z", False),
    ],
)  # fmt: skip
def test_moments_of_this_century_are_ordinary(value: object, ordinary: bool) -> None:
    assert taken(Texts, moment=value) is ordinary


@given(
    st.decimals(allow_nan=False, places=4).map(str) | st.from_regex(r"\A[0-9.]{1,12}\Z") | st.floats() | st.integers()
)
def test_quantities(value: object) -> None:
    taken(Weight, value=value, unit="kg")


@pytest.mark.parametrize(
    ("value", "ordinary"),
    [
        ("1", True), ("12.50", True), ("0.1", True), ("0.085", True), ("0.0001", True), ("0.00001", False),
        ("0.0000", False),        ("999999.9999", True), ("0", False), ("0.0", False), ("1000000", False),
        ("1000000.0001", False), ("01", False), ("1.", False), ("1.00001", False), ("1e3", False), ("１", False),
        (12.5, False),
    ],
)  # fmt: skip
def test_quantities_in_plain_text_are_ordinary(value: object, ordinary: bool) -> None:
    assert taken(Weight, value=value, unit="kg") is ordinary
