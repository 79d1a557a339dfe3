"""The rows that come with the package: complete, unambiguous, with a source."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest
from pydantic import TypeAdapter

from linkstar_contracts.events import TrackingStatus
from linkstar_contracts.text import Token
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.meanings import UNKNOWN, StatusMap

ROWS = list(csv.DictReader(files("linkstar_tracker.domain").joinpath("status_map.csv").read_text("utf-8").splitlines()))
CARRIERS = sorted({row["carrier"] for row in ROWS})
JOURNEY = {
    "accepted", "in_transit", "out_for_delivery", "attempt_failed", "available_for_pickup", "held", "damaged",
    "return_to_sender", "returned", "delivered",
}  # fmt: skip


def test_every_row_names_its_source_and_date() -> None:
    assert all(row["source"] and row["as_of"] for row in ROWS)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_each_carrier_can_tell_a_whole_journey(carrier: str) -> None:
    assert {row["status"] for row in ROWS if row["carrier"] == carrier} >= JOURNEY


@pytest.mark.parametrize("carrier", CARRIERS)
def test_each_carrier_has_a_calendar(carrier: str) -> None:
    assert calendar_of(carrier) is not calendar_of("nobody")


def test_every_substatus_can_be_told() -> None:
    token = TypeAdapter(Token)
    assert all(token.validate_python(row["substatus"]) for row in ROWS if row["substatus"])


def test_a_code_without_a_row_is_unknown_and_a_note_moves_nothing() -> None:
    shipped = StatusMap.shipped()
    assert shipped.meaning("ups", "nonsense") is UNKNOWN
    assert shipped.meaning("dhl-de", "STORN").status is None
    assert shipped.meaning("fedex", "DL").status is TrackingStatus.DELIVERED


def test_two_rows_for_one_code_are_refused() -> None:
    with pytest.raises(ValueError, match="two rows for ups AR"):
        StatusMap.from_rows([row for row in ROWS if row["code"] == "AR" and row["carrier"] == "ups"] * 2)


def test_a_status_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        StatusMap.from_rows([{**ROWS[0], "status": "vanished"}])
