"""Prices a parcel under one service and zone, without lanes, calendars or other services around it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from linkstar_contracts.values import Parcel
from linkstar_router.domain.lanes import Circumstances, Course, course_of
from linkstar_router.domain.measures import Measured, measure
from linkstar_router.domain.rating import NoPrice, rate
from linkstar_router.domain.tariff import Rated, Service, offer_on
from linkstar_router.domain.zones import Zone


def course_on(service: Service, zone: str, on: date, **facts: Any) -> Course:
    offer = offer_on(service, on.toordinal())
    assert offer.edition is not None, offer.reason
    areas = frozenset(facts.pop("areas", ()))
    asked = {"residential": False, "signature": False, **facts}
    return course_of(offer, offer.edition, Zone(zone, "table"), None, Circumstances(areas=areas, **asked))


def measured(weight: str, box: str) -> Measured:
    value, unit = weight.split()
    *sides, side = box.split()
    return measure(Parcel.model_validate({
        "number": 1, "weight": {"value": Decimal(value), "unit": unit},
        "dimensions": {**{n: Decimal(s) for n, s in zip(("length", "width", "height"), sides, strict=True)}, "unit": side},
        "declared_value": {"amount_minor": 0, "currency": "USD"},
    }, strict=False))  # fmt: skip


def priced(course: Course, weight: str, box: str, *, parcels: int = 1, value: int = 0) -> Rated | NoPrice:
    return rate(course, [measured(weight, box)] * parcels, [value] * parcels if value else ())
