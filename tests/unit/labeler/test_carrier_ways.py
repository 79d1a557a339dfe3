"""Carriers' own ways for actions: complete, sourced, and short enough for the event."""

from __future__ import annotations

import csv
from datetime import date
from importlib.resources import files

import pytest

from linkstar_contracts.events import ActionKind
from linkstar_labeler.domain.carrier_ways import way_of

ROWS = list(
    csv.DictReader(files("linkstar_labeler").joinpath("facts/carrier_actions.csv").read_text("utf-8").splitlines())
)
KINDS = {kind.value for kind in ActionKind} - {"reship", "unknown"}


def test_there_is_a_way_for_every_action_of_every_carrier() -> None:
    assert {row["action"] for row in ROWS if row["carrier"] == "*"} == KINDS
    assert {way_of("nobody", kind) for kind in KINDS} == {way_of("*", kind) for kind in KINDS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['carrier']} {row['action']}")
def test_each_row_says_where_it_is_from(row: dict[str, str]) -> None:
    assert row["action"] in KINDS
    assert row["standing"] in {"official", "secondary", "none"}
    assert (row["standing"] == "none") is (row["carrier"] == "*")
    assert row["source"]
    assert date.fromisoformat(row["as_of"]) <= date(2026, 11, 23)
    assert max(len(row["en"]), len(row["zh"])) <= 500
    assert any("\u4e00" <= letter <= "\u9fff" for letter in row["zh"])


def test_no_row_stands_twice() -> None:
    keys = [(row["carrier"], row["action"]) for row in ROWS]
    assert len(set(keys)) == len(keys)
