"""Journeys of the simulated carriers: the same for the same seed, possible in the real world, and varied enough."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from linkstar_sandbox.carriers.codes import FAMILY_OF_CARRIER, Meaning, scan_code
from linkstar_sandbox.carriers.journey import (
    UNDELIVERED,
    Fate,
    Journey,
    PostedParcel,
    Stop,
    customer_stop,
    plan_journey,
)  # fmt: skip

LOS_ANGELES = Stop("US-LA", "", "90058", "US", "America/Los_Angeles")
HANOVER = Stop("DE-HAJ", "", "30179", "DE", "Europe/Berlin")
CHICAGO = customer_stop("US", "IL", "Chicago", "60614")
MUNICH = customer_stop("DE", "BY", "München", "80331")
MONDAY = datetime(2026, 3, 2, 20, tzinfo=UTC)


def parcel_of(
    number: int, carrier: str = "usps", service: str = "ground_advantage", kind: Literal["order", "return"] = "order",
    labelled_at: datetime = MONDAY,
) -> PostedParcel:  # fmt: skip
    ends = (HANOVER, MUNICH) if carrier.endswith("-de") else (LOS_ANGELES, CHICAGO)
    return PostedParcel(
        tenant="demo", order_id=f"o{number}", shipment_id=f"o{number}", route_version=1, parcel=1,
        tracking_number=f"94001{number:015}", carrier=carrier, service=service, kind=kind, warehouse=ends[0],
        customer=ends[1], zone="", labelled_at=labelled_at,
    )  # fmt: skip


journeys = st.builds(
    lambda number, carrier, kind, minutes, seed, trouble: (
        parcel := parcel_of(number, carrier, "any", kind, MONDAY + timedelta(minutes=minutes)),
        plan_journey(parcel, seed, trouble),
    ),
    st.integers(0, 10**6), st.sampled_from(sorted(FAMILY_OF_CARRIER)), st.sampled_from(["order", "return"]),
    st.integers(0, 60 * 24 * 400), st.integers(0, 10**6), st.floats(0, 4),
)  # fmt: skip


@given(journeys)
def test_truth_is_in_strict_order_of_time_and_after_the_label(planned: tuple[PostedParcel, Journey]) -> None:
    parcel, journey = planned
    times = [parcel.labelled_at, *(scan.at for scan in journey.scans)]
    assert all(earlier < later for earlier, later in pairwise(times))


@given(journeys)
def test_a_parcel_is_delivered_at_most_once_and_only_if_its_fate_allows(planned: tuple[PostedParcel, Journey]) -> None:
    _, journey = planned
    retracted = {scan.retracts for scan in journey.scans}
    delivered = [i for i, s in enumerate(journey.scans) if s.meaning is Meaning.DELIVERED and i not in retracted]
    assert len(delivered) == (0 if journey.fate in UNDELIVERED else 1)
    assert (journey.delivered_at is None) == (journey.fate in UNDELIVERED)


@given(journeys)
def test_every_true_scan_is_told_at_least_once_and_never_before_it_happened(
    planned: tuple[PostedParcel, Journey],
) -> None:
    _, journey = planned
    assert {report.scan for report in journey.reports} == set(range(len(journey.scans)))
    assert all(report.at >= journey.scans[report.scan].at for report in journey.reports)
    assert [report.at for report in journey.reports] == sorted(report.at for report in journey.reports)


@given(journeys)
def test_the_same_seed_gives_the_same_journey_whatever_number_the_label_got(
    planned: tuple[PostedParcel, Journey],
) -> None:
    parcel, journey = planned
    assert all(scan_code(parcel.carrier, scan.meaning) for scan in journey.scans)
    renumbered = PostedParcel(**{**vars(parcel), "tracking_number": "OTHER"})
    assert plan_journey(renumbered, 1, 2.0) == plan_journey(parcel, 1, 2.0)


@given(journeys)
def test_retractions_name_an_earlier_scan(planned: tuple[PostedParcel, Journey]) -> None:
    for index, scan in enumerate(planned[1].scans):
        assert (scan.meaning is Meaning.RETRACTION) == (scan.retracts is not None)
        assert scan.retracts is None or scan.retracts < index


def test_fates_come_about_as_often_as_their_rates_say() -> None:
    fates = Counter(plan_journey(parcel_of(i), seed=5).fate for i in range(4000))
    assert 0.74 < fates[Fate.SMOOTH] / 4000 < 0.82
    assert set(fates) == set(Fate)
    assert 0.04 < fates[Fate.ATTEMPTED] / 4000 < 0.08


def test_some_carriers_take_a_delivery_back() -> None:
    fates = Counter(plan_journey(parcel_of(i, "dhl-de", "paket"), seed=5).fate for i in range(2000))
    assert 0.03 < fates[Fate.RETRACTED] / 2000 < 0.09
    fates = Counter(plan_journey(parcel_of(i, "ups", "ground"), seed=5).fate for i in range(2000))
    assert fates[Fate.RETRACTED] == 0


def test_trouble_zero_leaves_only_smooth_journeys() -> None:
    assert {plan_journey(parcel_of(i), 5, trouble=0).fate for i in range(300)} == {Fate.SMOOTH}


def test_parcels_of_weekday_carriers_never_arrive_on_a_sunday() -> None:
    arrivals = [plan_journey(parcel_of(i, "ups", "ground", labelled_at=MONDAY + timedelta(hours=i)), 5, 0).delivered_at
                for i in range(500)]  # fmt: skip
    days = Counter(at.astimezone(CHICAGO.zone).strftime("%a") for at in arrivals if at)
    assert days["Sun"] == 0
    assert days["Sat"] > 0


def test_transit_is_days_not_hours_and_longer_for_economy() -> None:
    def median_days(carrier: str, service: str) -> float:
        taken = sorted(
            (at - MONDAY).total_seconds() / 86400
            for i in range(400) if (at := plan_journey(parcel_of(i, carrier, service), 5, 0).delivered_at)
        )  # fmt: skip
        return taken[len(taken) // 2]

    assert 0.5 <= median_days("ups", "next_day_air_saver") <= 2.5
    assert median_days("usps", "ground_advantage") > median_days("ups", "next_day_air_saver") + 1


def test_a_return_travels_from_the_customer_to_the_warehouse() -> None:
    journey = plan_journey(parcel_of(1, kind="return"), 5, trouble=0)
    assert (journey.scans[0].stop, journey.scans[-1].stop) == (CHICAGO, LOS_ANGELES)


def test_some_scans_are_told_twice_and_some_out_of_order() -> None:
    told = [plan_journey(parcel_of(i), 5) for i in range(300)]
    assert sum(len(j.reports) - len(j.scans) for j in told) > 10
    assert sum([r.scan for r in j.reports] != sorted(r.scan for r in j.reports) for j in told) > 10
