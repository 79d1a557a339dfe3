"""Warnings of a quote agree with those of the order: both read the fact packs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from linkstar_contracts.facts.parcel_sizes import parcel_notices
from linkstar_contracts.facts.remote_areas import remote_notices
from linkstar_router.domain.decision import Question, decide
from linkstar_router.domain.notices import notices
from linkstar_router.domain.snapshot import Snapshot

Ask = Callable[..., Question]


@pytest.mark.parametrize(
    ("warehouse", "postcode", "region"),
    [
        ("US-LA", "99501", "AK"),
        ("CA-TOR", "X0A", "NU"),
        ("UK-BHX", "KW15", ""),
        ("DE-HAJ", "25980", ""),
        ("FR-LIL", "20000", ""),
    ],
)
def test_what_is_remote_at_order_time_is_remote_in_a_quote(
    snapshot: Snapshot, ask: Ask, warehouse: str, postcode: str, region: str
) -> None:
    question = ask(warehouse, postcode)
    there = question.destination.model_copy(update={"region": region})
    question = question.model_copy(update={"destination": there})
    found = {notice.code for notice in notices(snapshot, question, decide(snapshot, question))}
    assert remote_notices(there.country, region, postcode)
    assert "remote_area" in found


def test_a_large_parcel_is_oversize_for_both(snapshot: Snapshot, ask: Ask) -> None:
    question = ask(weight="60 lb", box="40 20 18 in")
    assert {"oversize.additional_handling", "dim_weight"} == {
        notice.code for notice in parcel_notices("US", question.parcels)
    }
    found = {notice.code for notice in notices(snapshot, question, decide(snapshot, question))}
    assert {"oversize", "dim_weight"} <= found
