"""The columnar path prices every parcel as the scalar path does, line by line, over 100,000 quotes."""

from __future__ import annotations

import random
from datetime import date
from functools import cache

import pytest
from unit.router.pricing_desk import course_on

from linkstar_router.domain.bulk import columns_of, rate_many, within
from linkstar_router.domain.lanes import Course
from linkstar_router.domain.measures import LENGTHS, WEIGHTS, Measured
from linkstar_router.domain.packs import load_all_services
from linkstar_router.domain.rating import NoPrice, rate
from linkstar_router.domain.tariff import Service

SEED = 20261123
QUOTES = 100_000
DAYS = (date(2025, 11, 30), date(2026, 3, 4), date(2026, 8, 3), date(2026, 11, 23))


@cache
def services() -> tuple[Service, ...]:
    return load_all_services()


def draw_parcel(draw: random.Random) -> Measured:
    """A parcel, often on the very edge of a limit: whole inches, centimetres, pounds and kilograms."""
    unit, weight = draw.choice((("in", "lb"), ("in", "oz"), ("cm", "kg"), ("mm", "g")))
    longest = {"in": 55, "cm": 140, "mm": 1400}[unit]
    sides = sorted(draw.randint(10, longest * 10) * LENGTHS[unit] // 10 for _ in range(3))
    if draw.random() < 0.7:
        sides = sorted(max(1, side // LENGTHS[unit]) * LENGTHS[unit] for side in sides)
    if draw.random() < 0.5:
        sides = sorted(max(LENGTHS["mm"], side // 3) for side in sides)
    shortest, middle, longest = sides
    heaviest = {"lb": 160, "oz": 300, "kg": 40, "g": 3000}[weight]
    mass = draw.randint(1, heaviest) * WEIGHTS[weight]
    return Measured(
        mass, longest, middle, shortest, longest * middle * shortest, longest + 2 * (middle + shortest),
        longest + middle + shortest, longest + shortest,
    )  # fmt: skip


def courses() -> list[Course]:
    draw, made = random.Random(SEED), []
    for service in services():
        for day in DAYS:
            try:
                zone = draw.choice(sorted(service.editions[-1].zone_names))
                made.append(course_on(
                    service, zone, day, residential=draw.random() < 0.5, signature=draw.random() < 0.3,
                    insured=(1,) if draw.random() < 0.5 else (),
                ))  # fmt: skip
            except AssertionError:
                continue  # no list on that day
    return [course for course in made if course.covered]


def test_columns_price_as_single_parcels_do_to_the_cent() -> None:
    draw, ways = random.Random(SEED), courses()
    count = -(-QUOTES // len(ways))
    compared = priced = 0
    for course in ways:
        parcels = [draw_parcel(draw) for _ in range(count)]
        values = [draw.randrange(0, 60_000) for _ in parcels]
        many = rate_many(course, columns_of(parcels, values))
        for index, (parcel, value) in enumerate(zip(parcels, values, strict=True)):
            one = rate(course, [parcel], [value])
            compared += 1
            assert many.priced[index] == (not isinstance(one, NoPrice)), (course.offer.service.key, one)
            if isinstance(one, NoPrice):
                continue
            priced += 1
            lines = {code: int(amounts[index]) for code, amounts in many.lines.items() if amounts[index]}
            wanted: dict[str, int] = {}
            for line in one.lines:
                if line.code != "vat" and line.amount:
                    wanted[line.code] = wanted.get(line.code, 0) + line.amount
            assert lines == wanted
            found = (int(many.net[index]), int(many.total[index]), int(many.billable[index]))
            assert found == (one.net, one.total, one.billable)
    assert compared >= QUOTES
    assert priced > QUOTES // 3


@pytest.mark.parametrize("key", ["ups/ground", "usps/ground_advantage", "dhl-de/paket"])
def test_limits_are_met_alike(key: str) -> None:
    draw = random.Random(SEED)
    service = next(service for service in services() if service.key == key)
    limits = service.editions[-1].limits
    parcels = [draw_parcel(draw) for _ in range(2_000)]
    wanted = [all(parcel[limit.measure] <= limit.bound for limit in limits) for parcel in parcels]
    assert list(within(limits, columns_of(parcels))) == wanted
    assert len(set(wanted)) == 2
