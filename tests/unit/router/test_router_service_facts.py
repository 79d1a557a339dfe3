"""What services do besides their price, and the warning when their cover is too small."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from linkstar_router.domain.decision import Question, decide
from linkstar_router.domain.notices import notices
from linkstar_router.domain.service_facts import facts_of
from linkstar_router.domain.snapshot import Snapshot

Ask = Callable[..., Question]


def test_every_service_has_facts_with_their_source(snapshot: Snapshot) -> None:
    assert [service.key for service in snapshot.services if facts_of(service) is None] == []
    for service in snapshot.services:
        facts = facts_of(service)
        assert facts is not None
        assert facts.source
        assert facts.evidence
        covered = service.cover_minor if facts.tracked == "end_to_end" else 0
        assert (facts.cover.amount_minor if facts.cover else 0) == covered


def _warned(snapshot: Snapshot, question: Question) -> dict[str, tuple[str, ...]]:
    return {notice.code: notice.services for notice in notices(snapshot, question, decide(snapshot, question))}


def test_goods_beyond_the_cover_are_warned_of(snapshot: Snapshot, ask: Ask) -> None:
    assert "cover_exceeded" not in _warned(snapshot, ask(value_minor=10_000))
    assert "usps/ground_advantage" in _warned(snapshot, ask(value_minor=10_001))["cover_exceeded"]


def test_the_dearest_parcel_counts(snapshot: Snapshot, ask: Ask) -> None:
    question = ask(value_minor=9_000, parcels=2)
    assert "cover_exceeded" not in _warned(snapshot, question)


@pytest.mark.parametrize("warehouse", ["US-LA", "DE-HAJ"])
def test_a_value_in_another_currency_is_not_compared(snapshot: Snapshot, ask: Ask, warehouse: str) -> None:
    question = ask(warehouse, "10001")
    value = question.parcels[0].declared_value.model_copy(update={"currency": "CNY"})
    parcel = question.parcels[0].model_copy(update={"declared_value": value})
    warned = _warned(snapshot, question.model_copy(update={"parcels": (parcel,)}))
    assert warned["cover_not_compared"]
    assert "cover_exceeded" not in warned
