"""Of the surcharges that exclude each other the one of highest priority is charged, and no second one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from unit.router.pricing_desk import course_on, priced

from linkstar_router.domain.snapshot import shipped
from linkstar_router.domain.tariff import Edition, Fee, Rated, Service, offer_on

SERVICES = {service.key: service for service in shipped().services if any(e.fees for e in service.editions)}
DAYS = [date(2026, 2, 2), date(2026, 6, 16), date(2026, 11, 23), date(2027, 1, 4)]
FLAGS = ("residential", "signature", "appointment", "returning")
Asked = dict[str, object]


def fees_of(edition: Edition) -> list[Fee]:
    """Return the fees whose condition is in the order itself: not the billable weight others raise, nor another fee."""
    return [fee for fee in edition.fees if not (fee.needs or fee.billable_over or fee.billable_up_to is not None)]


def with_fees(service: Service, fees: tuple[Fee, ...]) -> Service:
    return replace(service, editions=tuple(replace(edition, fees=fees) for edition in service.editions))


def charged(service: Service, day: date, zone: str, asked: Asked, weight: str, box: str) -> set[tuple[str, str]] | None:
    rated = priced(course_on(service, zone, day, **asked), weight, box)
    return {(line.code, line.detail) for line in rated.lines} if isinstance(rated, Rated) else None


@given(data=st.data(), key=st.sampled_from(sorted(SERVICES)), day=st.sampled_from(DAYS),
       ounces=st.integers(1, 2_000), box=st.tuples(*[st.integers(1, 100)] * 3))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_one_surcharge_per_group(
    data: st.DataObject, key: str, day: date, ounces: int, box: tuple[int, int, int]
) -> None:
    service = SERVICES[key]
    edition = offer_on(service, day.toordinal()).edition
    assume(edition is not None and edition.fees)
    assert edition is not None
    zone = data.draw(st.sampled_from(sorted(edition.zone_names)))
    named = sorted({fee.area for fee in edition.fees if fee.area})
    areas = data.draw(st.sets(st.sampled_from(named))) if named else set()
    asked: Asked = {"areas": areas, **{flag: data.draw(st.booleans()) for flag in FLAGS}}
    parcel = (f"{ounces} oz", "{} {} {} in".format(*box))
    together = charged(service, day, zone, asked, *parcel)
    assume(together is not None)
    assert together is not None
    judged = fees_of(edition)
    alone = [
        fee for fee in judged
        if (fee.code, fee.detail) in (charged(with_fees(service, (fee,)), day, zone, asked, *parcel) or ())
    ]  # fmt: skip
    groups: dict[str, list[Fee]] = defaultdict(list)
    for fee in alone:
        groups[fee.group].append(fee)
    best = {(fee.code, fee.detail) for rivals in groups.values() for fee in [max(rivals, key=lambda f: f.priority)]}
    assert together & {(fee.code, fee.detail) for fee in judged} == best
