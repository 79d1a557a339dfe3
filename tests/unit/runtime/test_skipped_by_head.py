"""Records a subscription skips by their head: never parsed, never handled, and never a dead letter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from linkstar_contracts import topics
from linkstar_contracts.event import Event, Head, read_headers
from linkstar_contracts.events import CarrierScan, LabelVoided, TrackingStatus, TrackingUpdated
from linkstar_contracts.tracking_events import LABELLED
from linkstar_contracts.values import Money
from linkstar_ingest.handlers import only_labelled as skipped_by_ingest
from linkstar_labeler.handlers import only_labelled as skipped_by_labeler
from linkstar_returns.handlers import of_way_out, starts_way_out
from linkstar_runtime.decoding import Decoder
from linkstar_runtime.handling import Received
from linkstar_runtime.records import StoredRecord
from linkstar_runtime.service import Subscription

NOW = datetime(2026, 5, 1, tzinfo=UTC)
NUMBER = "9400136105549612345674"
S = TrackingStatus


async def ignored(_batch: Sequence[Received[Event]], _tx: object) -> list[Event]:
    return []


def tracking(
    status: TrackingStatus = S.PENDING, *, version: int = 1, shipment: str = "o1", **more: bool
) -> TrackingUpdated:
    return TrackingUpdated(
        tenant="demo", order_id="o1", shipment_id=shipment, version=version, occurred_at=NOW, carrier="usps", service="ga",
        status=status, parcel=1, tracking_number=NUMBER, parcel_status=status, scanned_at=NOW, **more,
    )  # fmt: skip


def head(event: Event) -> Head:
    found = read_headers(event.headers("/linkstar/tracker"))
    assert found is not None
    return found


def decoded(subscription: Subscription, event: Event, value: bytes) -> tuple[bool, bool]:
    """Return whether the record was received, and whether it is dead."""
    headers = tuple(event.headers("/linkstar/tracker"))
    record = StoredRecord(subscription.topic.name, 0, 1, event.key.encode(), value, headers)
    item = Decoder((subscription,), "", topics.PARTITIONS).decode(record)
    return item.received is not None, item.dead is not None


def test_a_skipped_record_is_not_even_read() -> None:
    skipping = Subscription(
        topics.TRACKING_UPDATED, (TrackingUpdated,), ignored, skips=lambda at: at.milestone == LABELLED
    )
    assert decoded(skipping, tracking(), b"no json") == (False, False)
    accepted = tracking(S.ACCEPTED, accepted=True)
    assert decoded(skipping, accepted, accepted.body()) == (True, False)
    assert decoded(skipping, accepted, b"no json") == (False, True)


def test_no_door_skips() -> None:
    with pytest.raises(ValueError, match="is a door"):
        Subscription(topics.CARRIER_SCANS, (CarrierScan,), ignored, skips=lambda _: True)


@pytest.mark.parametrize(
    ("status", "flags", "milestone"),
    [
        (S.PENDING, {}, "labelled"),
        (S.CANCELLED, {}, "cancelled"),
        (S.UNKNOWN, {}, ""),
        (S.PENDING, {"accepted": True}, "accepted"),  # one of two parcels is under way
        (S.IN_TRANSIT, {"accepted": True}, "accepted"),
        (S.DELIVERED, {"accepted": True, "delivered": True}, "delivered"),
    ],
)
def test_milestones(status: TrackingStatus, flags: dict[str, bool], milestone: str) -> None:
    assert head(tracking(status, **flags)).milestone == milestone


def test_a_writer_older_than_the_header_is_never_skipped() -> None:
    bare = [(name, value) for name, value in tracking().headers("/linkstar/tracker") if name != "ce_milestone"]
    found = read_headers(bare)
    assert found is not None
    assert not any(skips(found) for skips in (skipped_by_ingest, skipped_by_labeler, starts_way_out))


def test_what_each_service_skips() -> None:
    first, again = head(tracking()), head(tracking(version=3))
    accepted = head(tracking(S.ACCEPTED, accepted=True))
    voided = head(tracking(S.CANCELLED))
    assert [skipped_by_ingest(each) for each in (first, again, accepted, voided)] == [True, False, False, False]
    assert [skipped_by_labeler(each) for each in (first, again, accepted, voided)] == [True, True, False, False]
    assert [starts_way_out(each) for each in (first, again, accepted, voided)] == [True, False, False, False]
    assert not starts_way_out(head(tracking(shipment="o1~R1")))


def test_returns_skips_the_labels_of_the_way_out_only() -> None:
    def label(shipment: str) -> LabelVoided:
        return LabelVoided(
            tenant="demo", order_id="o1", shipment_id=shipment, version=2, occurred_at=NOW, route_version=1, carrier="usps",
            service="ga", reason="changed", refund=Money(amount_minor=1, currency="USD"), tracking_numbers=(NUMBER,),
        )  # fmt: skip

    assert of_way_out(head(label("o1")))
    assert not of_way_out(head(label("o1~R1")))
