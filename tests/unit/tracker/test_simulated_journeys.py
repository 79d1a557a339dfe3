"""The simulated carriers, an independent witness: what they tell, folded here, is what truly happened there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_contracts.events import TrackingStatus
from linkstar_sandbox.carriers.codes import FAMILY_OF_CARRIER, SCAN_TEXT, Meaning, scan_code
from linkstar_sandbox.carriers.journey import Fate, Journey, PostedParcel, Stop, customer_stop, plan_journey
from linkstar_sandbox.carriers.ledger import DueReport
from linkstar_sandbox.carriers.telling import scan_body
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.reports import ScanReport
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.timeline import fold

MAP = StatusMap.shipped()
STATUS_OF = {Meaning.HUB: "in_transit", Meaning.DEPOT: "in_transit"}
ENDS = {Fate.RETURNED: {"returned"}, Fate.NEVER_HANDED_OVER: {"pending"}}
HOME = Stop("DE-HAJ", "", "30179", "DE", "Europe/Berlin")


@pytest.mark.parametrize("carrier", sorted(FAMILY_OF_CARRIER))
def test_every_simulated_code_is_understood(carrier: str) -> None:
    for meaning in set(Meaning) - {Meaning.RETRACTION}:
        expected = STATUS_OF.get(meaning, meaning.value)
        status = MAP.meaning(carrier, scan_code(carrier, meaning)).status
        assert status is TrackingStatus(expected), (carrier, meaning)


def told(parcel: PostedParcel, journey: Journey) -> list[Scan]:
    """Each report as it comes through the carriers' door."""
    return [_at_the_door(parcel, journey, report.scan) for report in journey.reports]


def _at_the_door(parcel: PostedParcel, journey: Journey, index: int) -> Scan:
    scan = journey.scans[index]
    back = journey.scans[scan.retracts] if scan.retracts is not None else None
    report = DueReport(
        id=index,
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        code=scan_code(parcel.carrier, scan.meaning),
        text=SCAN_TEXT[scan.meaning],
        scanned_at=scan.at,
        city=scan.stop.city,
        region=scan.stop.region,
        postcode=scan.stop.postcode,
        country=scan.stop.country,
        timezone=scan.stop.timezone,
        retracts=(scan_code(parcel.carrier, back.meaning), back.at) if back else None,
    )
    return ScanReport.model_validate(scan_body(report)).scan()


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(sorted(FAMILY_OF_CARRIER)), st.integers(0, 10**6), st.integers(0, 400 * 24 * 60),
    st.sampled_from(["order", "return"]),
)  # fmt: skip
def test_the_timeline_ends_in_the_parcels_true_fate(carrier: str, seed: int, minutes: int, kind: str) -> None:
    parcel = PostedParcel(
        tenant="demo", order_id="o-1", shipment_id="o-1", route_version=1, parcel=1, tracking_number="94001000000001",
        carrier=carrier, service="any", kind="return" if kind == "return" else "order", warehouse=HOME,
        customer=customer_stop("DE", "BY", "München", "80331"), zone="",
        labelled_at=datetime(2026, 3, 2, 20, tzinfo=UTC) + timedelta(minutes=minutes),
    )  # fmt: skip
    journey = plan_journey(parcel, seed, trouble=3)
    timeline = fold(told(parcel, journey), MAP)
    assert timeline.delivered_at == journey.delivered_at
    if journey.fate is Fate.LOST:
        assert timeline.status not in {TrackingStatus.DELIVERED, TrackingStatus.RETURNED}
    else:
        assert timeline.status.value in ENDS.get(journey.fate, {"delivered"}), journey.fate
    assert timeline.accepted_at == (journey.scans[0].at if journey.scans else None)
