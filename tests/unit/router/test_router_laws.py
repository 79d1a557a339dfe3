"""Laws of pricing that hold for any parcel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from linkstar_contracts.values import Dimensions, Parcel, Weight
from linkstar_router.domain.decision import Decision, Question, decide, encode
from linkstar_router.domain.measures import measure
from linkstar_router.domain.rating import rate
from linkstar_router.domain.snapshot import shipped

LANES = [("US-LA", "10001"), ("US-LA", "90210"), ("US-NJ", "60601"), ("US-NJ", "99501"), ("CA-TOR", "V6B"),
         ("UK-BHX", "IV1"), ("DE-HAJ", "25980"), ("FR-LIL", "75001")]  # fmt: skip
DATES = [
    "2025-11-01T12:00:00Z",
    "2026-02-02T12:00:00Z",
    "2026-06-16T12:00:00Z",
    "2026-11-23T12:00:00Z",
    "2027-03-01T12:00:00Z",
]
ounces = st.integers(1, 150 * 16 * 100).map(lambda hundredths: Decimal(hundredths) / 100)
side = st.integers(100, 11_000).map(lambda hundredths: Decimal(hundredths) / 100)
boxes = st.tuples(side, side, side)
lanes, dates, flags = st.sampled_from(LANES), st.sampled_from(DATES), st.booleans()
Asked = Callable[..., Question]


def _parcel(question: Question, weight: Weight, box: tuple[Decimal, ...], unit: str = "in") -> Question:
    length, width, height = box
    dimensions = Dimensions.model_validate({"length": length, "width": width, "height": height, "unit": unit})
    parcel = question.parcels[0].model_copy(update={"weight": weight, "dimensions": dimensions})
    return question.model_copy(update={"parcels": (Parcel.model_validate(parcel),)})


def _totals(decision: Decision) -> dict[str, int]:
    return {candidate.offer.service.key: candidate.rated.total for candidate in decision.candidates}


@given(lane=lanes, on=dates, home=flags, sign=flags, weight=ounces, box=boxes, count=st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_lines_sum_to_the_total_and_no_line_is_negative(
    ask: Asked,
    lane: tuple[str, str],
    on: str,
    home: bool,
    sign: bool,
    weight: Decimal,
    box: tuple[Decimal, ...],
    count: int,
) -> None:
    question = ask(
        *lane, f"{weight} oz", "{} {} {} in".format(*box), on=on, residential=home, signature=sign, parcels=count
    )
    for candidate in decide(shipped(), question).candidates:
        assert sum(line.amount for line in candidate.rated.lines) == candidate.rated.total
        assert all(line.amount >= 0 for line in candidate.rated.lines)
        assert len({line.code for line in candidate.rated.lines}) == len(candidate.rated.lines)
        assert candidate.rated.billable >= 0


@given(lane=lanes, on=dates, home=flags, box=boxes, weights=st.tuples(ounces, ounces))
@settings(max_examples=150, deadline=None)
def test_no_price_falls_with_weight(
    ask: Asked,
    lane: tuple[str, str],
    on: str,
    home: bool,
    box: tuple[Decimal, ...],
    weights: tuple[Decimal, Decimal],
) -> None:
    question = ask(*lane, on=on, residential=home, level="economy")
    light, heavy = (
        _totals(decide(shipped(), _parcel(question, Weight(value=value, unit="oz"), box))) for value in sorted(weights)
    )
    assert heavy.keys() <= light.keys()
    assert all(light[service] <= heavy[service] for service in heavy)


@given(lane=lanes, box=boxes, weight=ounces)
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_sides_changes_nothing(
    ask: Asked, lane: tuple[str, str], box: tuple[Decimal, ...], weight: Decimal
) -> None:
    question = ask(*lane)
    found = {
        encode(decide(shipped(), _parcel(question, Weight(value=weight, unit="oz"), turned)))
        for turned in permutations(box)
    }
    assert len(found) == 1


@given(lane=lanes, box=boxes, pounds=st.integers(1, 150), home=flags)
@settings(max_examples=60, deadline=None)
def test_the_units_of_entry_change_nothing(
    ask: Asked, lane: tuple[str, str], box: tuple[Decimal, ...], pounds: int, home: bool
) -> None:
    question = ask(*lane, residential=home)
    centimetres = tuple(value * Decimal("2.54") for value in box)
    in_pounds = _parcel(question, Weight(value=Decimal(pounds), unit="lb"), box)
    in_ounces = _parcel(question, Weight(value=Decimal(pounds * 16), unit="oz"), centimetres, "cm")
    assert encode(decide(shipped(), in_pounds)) == encode(decide(shipped(), in_ounces))


@given(lane=lanes, grams=st.integers(1, 31_500), box=boxes)
@settings(max_examples=60, deadline=None)
def test_grams_and_kilograms_price_alike(
    ask: Asked, lane: tuple[str, str], grams: int, box: tuple[Decimal, ...]
) -> None:
    question = ask(*lane)
    millimetres = tuple(value * 10 for value in box)
    in_grams = _parcel(question, Weight(value=Decimal(grams), unit="g"), box, "cm")
    in_kilograms = _parcel(question, Weight(value=Decimal(grams) / 1000, unit="kg"), millimetres, "mm")
    assert encode(decide(shipped(), in_grams)) == encode(decide(shipped(), in_kilograms))


@given(lane=lanes, on=dates, weight=ounces, box=boxes, home=flags, sign=flags)
@settings(max_examples=60, deadline=None)
def test_every_service_is_priced_or_excluded_with_a_reason(
    ask: Asked, lane: tuple[str, str], on: str, weight: Decimal, box: tuple[Decimal, ...], home: bool, sign: bool
) -> None:
    question = ask(*lane, f"{weight} oz", "{} {} {} in".format(*box), on=on, residential=home, signature=sign)
    decision = decide(shipped(), question)
    country = question.warehouse.country
    seen = [c.offer.service.key for c in decision.candidates] + [entry.service.key for entry in decision.excluded]
    assert sorted(seen) == sorted(service.key for service in shipped().services if service.country == country)
    assert all(entry.refusal.code and entry.refusal.detail for entry in decision.excluded)


@given(lane=lanes, on=dates, flags=st.tuples(*[flags] * 6), weight=ounces, box=boxes, count=st.integers(1, 2))
@settings(max_examples=150, deadline=None)
def test_what_was_decided_before_changes_no_decision(
    ask: Asked, lane: tuple[str, str], on: str, flags: tuple[bool, ...], weight: Decimal, box: tuple[Decimal, ...],
    count: int,
) -> None:  # fmt: skip
    """What is remembered of earlier orders gives, to the byte, what a router that has seen none works out."""
    home, sign, insure, book, liquid, priority = flags
    question = ask(
        *lane, f"{weight} oz", "{} {} {} in".format(*box), on=on, residential=home, signature=sign, insurance=insure,
        appointment=book, contents={"liquid": liquid}, level="expedited" if priority else "standard", parcels=count,
    )  # fmt: skip
    unaware = replace(shipped(), _days={}, _lineups={}, _ready={})
    assert encode(decide(shipped(), question)) == encode(decide(unaware, question))


@given(lane=lanes, on=dates, sign=flags, weight=ounces, box=boxes, count=st.integers(1, 2))
@settings(max_examples=100, deadline=None)
def test_an_ordinary_parcel_costs_what_the_full_computation_says(
    ask: Asked, lane: tuple[str, str], on: str, sign: bool, weight: Decimal, box: tuple[Decimal, ...], count: int
) -> None:
    question = ask(*lane, f"{weight} oz", "{} {} {} in".format(*box), on=on, signature=sign, parcels=count)
    measured = tuple(measure(parcel) for parcel in question.parcels)
    for candidate in decide(shipped(), question).candidates:
        assert candidate.rated == rate(candidate.course, measured)


@given(lane=lanes, on=dates, weight=ounces, box=boxes, count=st.integers(1, 2))
@settings(max_examples=60, deadline=None)
def test_an_answer_is_the_json_of_its_values(
    ask: Asked, lane: tuple[str, str], on: str, weight: Decimal, box: tuple[Decimal, ...], count: int
) -> None:
    question = ask(*lane, f"{weight} oz", "{} {} {} in".format(*box), on=on, parcels=count)
    decision = decide(shipped(), question)
    values = {
        "candidates": [
            (
                c.offer.service.key, c.course.edition.tariff, *c.course.zone, c.rated.billable, c.rated.unit,
                [line[:2] for line in c.rated.lines], c.rated.total, c.rated.net, c.course.dates, c.late_permille,
                c.cost_milli,
            )
            for c in decision.candidates
        ],
        "excluded": [(entry.service.key, *entry.refusal) for entry in decision.excluded],
    }  # fmt: skip
    assert encode(decision) == to_json(values)
