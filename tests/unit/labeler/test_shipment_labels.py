"""A shipment's label as an aggregate: the news may come in any order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.labeler.label_samples import AT, route

from linkstar_labeler.domain.exceptions import KnownException, open_late, settle_hold
from linkstar_labeler.domain.shipments import CurrentLabel, Shipment

attempts = st.lists(
    st.one_of(
        st.tuples(st.just("route"), st.integers(1, 5), st.integers(1, 4)),
        st.tuples(st.just("change"), st.integers(2, 4), st.just(0)),
        st.tuples(st.just("cancel"), st.just(0), st.just(0)),
    ),
    max_size=8,
)


def tell(shipment: Shipment, news: tuple[str, int, int]) -> None:
    """Tell the news, and buy at once what is wanted."""
    kind, version, order_version = news
    if kind == "route":
        shipment.choose(route(version=version, order_version=order_version))
    elif kind == "change":
        shipment.change(version)
    else:
        shipment.cancel()
    if shipment.wanted:
        shipment.label = CurrentLabel(shipment.wanted, (f"N{shipment.wanted.version}",))
        shipment.wanted = None


@settings(deadline=None)
@given(attempts)
def test_what_stands_is_the_newest_and_not_cancelled(news: list[tuple[str, int, int]]) -> None:
    shipment = Shipment("acme", "order-1", "order-1", 0)
    for each in news:
        tell(shipment, each)
    cancelled = any(kind == "cancel" for kind, _, _ in news)
    assert shipment.cancelled == cancelled
    assert shipment.route_version == max((version for kind, version, _ in news if kind == "route"), default=0)
    if shipment.label:
        assert not cancelled
        assert shipment.label.route.order_version == shipment.order_version


@settings(deadline=None)
@given(st.permutations([("route", n, n) for n in (1, 2, 3)] + [("change", n, 0) for n in (2, 3)]))
def test_consistent_news_ends_with_the_newest_attempt(news: list[tuple[str, int, int]]) -> None:
    shipment = Shipment("acme", "order-1", "order-1", 0)
    for each in news:
        tell(shipment, each)
    assert shipment.label is not None
    assert shipment.label.route.version == 3


@settings(deadline=None)
@given(attempts, attempts)
def test_after_acceptance_nothing_is_bought_or_given_up(
    before: list[tuple[str, int, int]], after: list[tuple[str, int, int]]
) -> None:
    shipment = Shipment("acme", "order-1", "order-1", 0)
    for each in before:
        tell(shipment, each)
    if shipment.label is None:
        return
    label = shipment.label
    shipment.release = None
    shipment.accept(label.tracking_numbers[0])
    for each in after:
        tell(shipment, each)
    assert shipment.label is label
    assert shipment.release is None
    assert not shipment.void("requested")


def held(code: str | None) -> Shipment:
    return Shipment("acme", "order-1", "order-1", 0, route_version=2, label=CurrentLabel(route(version=2), (), code))


def test_a_hold_is_told_once_and_resolved_when_it_ends() -> None:
    shipment = held("insufficient_balance")
    [opened] = settle_hold(shipment, "insufficient_balance", [], AT)
    assert (opened.exception_id, opened.version) == ("label.insufficient_balance.order-1~~2", 1)
    known = [KnownException(opened.exception_id, opened.code.value, True, 1)]
    assert settle_hold(shipment, "insufficient_balance", known, AT) == []
    [resolved] = settle_hold(shipment, None, known, AT)
    assert (resolved.state.value, resolved.version) == ("resolved", 2)


def test_a_hold_that_changes_its_reason_resolves_the_first() -> None:
    known = [KnownException("label.insufficient_balance.order-1~~2", "label.insufficient_balance", True, 1)]
    events = settle_hold(held("insufficient_balance"), "numbers_exhausted", known, AT)
    assert [(event.code.value, event.state.value) for event in events] == [
        ("label.insufficient_balance", "resolved"), ("label.failed", "open"),
    ]  # fmt: skip


@pytest.mark.parametrize("reason", ["order_cancelled", "order_changed", "rerouted", "voided_label_used"])
def test_lateness_is_told_once(reason: str) -> None:
    shipment = held(None)
    shipment.late_reason = reason
    [opened] = open_late(shipment, [], AT)
    assert open_late(shipment, [KnownException(opened.exception_id, opened.code.value, False, 2)], AT) == []
