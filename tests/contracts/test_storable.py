"""Validates ⇒ insertable ⇒ printable: what a contract accepts, PostgreSQL stores and gives back, and a label can show."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import asyncpg
import pytest
from contracts.hostile import anything, as_json, bodies
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from linkstar_contracts.event import MAX_EVENT_BYTES, Event
from linkstar_contracts.events import EVENTS
from linkstar_contracts.schemas import event_name
from linkstar_contracts.values import Instant, Money, Weight

pytestmark = pytest.mark.integration

TABLES = """
CREATE TEMP TABLE leaf (words text, count bigint, exact numeric, moment timestamptz, yes boolean);
CREATE TEMP TABLE message (id text PRIMARY KEY, body jsonb NOT NULL);
"""
INSERT = """
INSERT INTO leaf SELECT * FROM unnest($1::text[], $2::bigint[], $3::numeric[], $4::timestamptz[], $5::boolean[])
RETURNING words, count, exact, moment, yes
"""
KINDS: tuple[type, ...] = (str, int, Decimal, datetime, bool)


def leaves(value: Any) -> Iterator[Any]:
    """Every scalar of an event, as services insert it."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from leaves(getattr(value, name))
    elif isinstance(value, tuple):
        for part in value:
            yield from leaves(part)
    elif value is not None:
        yield value.value if isinstance(value, Enum) else value


@dataclass
class Shelf:
    """One connection and its tables, driven from a synchronous property."""

    loop: asyncio.AbstractEventLoop
    connection: asyncpg.Connection[asyncpg.Record]
    stored: int = 0

    def store_leaves(self, found: list[Any]) -> None:
        columns = [[leaf if type(leaf) is kind else None for leaf in found] for kind in KINDS]
        rows = self.loop.run_until_complete(self.connection.fetch(INSERT, *columns))
        assert [next(cell for cell in row.values() if cell is not None) for row in rows] == found

    def store_body(self, event: Event) -> None:
        text = event.body().decode()
        returned = self.loop.run_until_complete(
            self.connection.fetchval(
                "INSERT INTO message VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body RETURNING body",
                event.ce_id,
                text,
            )
        )
        assert json.loads(returned) == json.loads(text)


@pytest.fixture
def shelf(postgres_admin_url: str) -> Iterator[Shelf]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(postgres_admin_url))
        runner.run(connection.execute(TABLES))
        yield Shelf(runner.get_loop(), connection)
        runner.run(connection.close())


def zpl_field(text: str) -> str:
    """Field data of a ZPL `^FH` field: what steers a printer, and all that is not ASCII, as hexadecimal UTF-8."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b"^~_" else f"_{byte:02X}" for byte in text.encode())


def assert_printable(text: str) -> None:
    assert {unicodedata.category(char) for char in text}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    assert {unicodedata.bidirectional(char) for char in text}.isdisjoint(
        {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    )
    assert len(text.splitlines()) <= 1
    data = zpl_field(text)
    assert data.isascii()
    assert not set("^~") & set(data)


@pytest.mark.parametrize("event_class", EVENTS.values(), ids=event_name)
def test_whatever_validates_is_stored_and_prints(shelf: Shelf, event_class: type[Event]) -> None:
    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(bodies(event_class))
    def keep(body: bytes) -> None:
        try:
            event = event_class.model_validate_json(body)
        except ValidationError:
            return
        found = list(leaves(event))
        shelf.store_leaves(found)
        shelf.store_body(event)
        shelf.stored += 1
        for text in (leaf for leaf in found if isinstance(leaf, str)):
            assert_printable(text)
        assert event_class.model_validate_json(event.body()) == event
        assert len(event.body()) <= MAX_EVENT_BYTES

    keep()
    assert shelf.stored > 10, "too few bodies validated for the property to mean anything"


@pytest.mark.parametrize("kind", [Weight, Money, Instant], ids=["Weight", "Money", "Instant"])
def test_hostile_quantities(shelf: Shelf, kind: Any) -> None:
    """Amounts and times from anything at all: refused, or stored as they were read."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    fields = {Weight: ("value", "unit", "kg"), Money: ("amount_minor", "currency", "EUR")}

    @settings(max_examples=300, deadline=None)
    @given(anything | st.decimals().map(str) | st.integers())
    @example("@1e400@")
    @example("NaN")
    @example(2**63)
    @example("2026-11-22T17:05:00")
    def keep(value: Any) -> None:
        name, other, unit = fields.get(kind, ("", "", ""))
        try:
            read = adapter.validate_json(as_json({name: value, other: unit} if name else value))
        except ValidationError:
            return
        shelf.store_leaves(list(leaves(read)))

    keep()
