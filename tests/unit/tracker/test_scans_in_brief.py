"""What is read of a parcel's past before a new scan: scans in brief fold as whole ones do, a label is what was validated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from unit.tracker.test_shipment_aggregate import RULES
from unit.tracker.tracked_facts import LABELLED, NUMBERS, label, scan

from linkstar_contracts.events import Place
from linkstar_contracts.text import clean_text
from linkstar_contracts.values import Money, Promise
from linkstar_tracker.domain.label import TrackedLabel, TrackedParcel
from linkstar_tracker.domain.scans import Brief, Scan, briefs_of, briefs_text
from linkstar_tracker.domain.shipment import Shipment
from linkstar_tracker.domain.timeline import fold

CODES = st.sampled_from(["PU", "IT", "OD", "DE", "DL", "RS", "CD", "??"])


def _is_character(each: str) -> bool:
    """False of the 66 code points that are none, which no contract lets in."""
    return ord(each) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(each) <= 0xFDEF


CLEAN = st.text(st.characters(exclude_categories=["Cs"]).filter(_is_character), max_size=12).map(clean_text)


@st.composite
def some_scans(draw: st.DrawFn) -> list[Scan]:
    found: list[Scan] = []
    for _ in range(draw(st.integers(0, 6))):
        taken_back = draw(st.sampled_from([None, *found]))
        place = Place(city=draw(st.sampled_from(["", "Köln", "New York"])), postcode="51149", country="DE")
        made = scan(draw(CODES), draw(st.integers(0, 90)), retracts=taken_back)
        found.append(
            made._replace(place=place, scanned_at=made.scanned_at + timedelta(microseconds=draw(st.integers(0, 9))))
        )
    return found


@given(some_scans())
def test_scans_in_brief_fold_to_the_same_timeline(scans: list[Scan]) -> None:
    brief = briefs_of(briefs_text(scans))
    assert fold(brief.values(), RULES.meanings) == fold(scans, RULES.meanings)


@given(some_scans())
def test_what_is_kept_in_brief_is_kept_exactly(scans: list[Scan]) -> None:
    for made in scans:
        [found] = briefs_of(briefs_text([made])).values()
        assert found == Brief(*(getattr(made, name) for name in Brief._fields))
    assert briefs_of(briefs_text(briefs_of(briefs_text(scans)).values())) == briefs_of(briefs_text(scans))


@given(code=CLEAN.filter(bool), city=CLEAN)
def test_no_text_that_a_contract_lets_in_breaks_a_line(code: str, city: str) -> None:
    made = scan("PU", 1)._replace(code=code, place=Place(city=city))
    [found] = briefs_of(briefs_text([made, made])).values()
    assert (found.code, found.spot) == (code, city)


@pytest.mark.parametrize(
    "at", [datetime(1990, 1, 1, 0, 0, 0, 1, UTC), datetime(2199, 12, 31, 23, 59, 59, 999_999, UTC)]
)
def test_times_keep_their_microseconds(at: datetime) -> None:
    made = scan("PU", 1)._replace(scanned_at=at)
    assert briefs_of(briefs_text([made]))[made.scan_id].scanned_at == made.scanned_at


PROMISES = st.none() | st.builds(
    Promise, p50_on=st.just("2026-12-01"), p90_on=st.just("2026-12-04"), source=st.just("learned")
)


@given(
    promise=PROMISES,
    deliver_by=st.none() | st.just(LABELLED + timedelta(days=3)),
    trace=st.none() | st.just("00-1-2-01"),
)
def test_a_label_is_read_as_it_was_validated(
    promise: Promise | None, deliver_by: datetime | None, trace: str | None
) -> None:
    kept = replace(TrackedLabel.of(label(numbers=NUMBERS), trace), promise=promise, deliver_by=deliver_by)
    read = TrackedLabel.read(kept.text)
    assert (read, read.text) == (kept, kept.text)


def test_a_label_of_an_earlier_version_is_read_with_what_it_lacks() -> None:
    text = (
        '{"carrier":"usps","service":"ground_advantage","kind":"order","country":"US","labelled_at":"2026-11-20T08:00:00Z",'
        '"parcels":[{"number":1,"tracking_number":"9400"}],"promise":{"p50_on":"2026-12-01","p90_on":"2026-12-04"},'
        '"declared":null,"traceparent":null,"test":false}'
    )
    assert TrackedLabel.read(text) == TrackedLabel(
        carrier="usps", service="ground_advantage", kind="order", country="US", parcels=(TrackedParcel(1, "9400"),),
        labelled_at=datetime(2026, 11, 20, 8, tzinfo=UTC), promise=Promise(p50_on="2026-12-01", p90_on="2026-12-04"),
    )  # fmt: skip


def test_labels_and_briefs_are_written_as_replicas_of_other_releases_read_them() -> None:
    """Not a change to make in passing: both releases run side by side during an upgrade."""
    kept = TrackedLabel(
        carrier="usps", service="ground_advantage", kind="return", country="US", origin="US", zone="5", version=2, test=True,
        labelled_at=datetime(2026, 11, 20, 8, tzinfo=UTC), parcels=(TrackedParcel(1, "9400"),), traceparent="00-1-2-01",
        promise=Promise(p50_on="2026-12-01", p90_on="2026-12-04"), deliver_by=datetime(2026, 12, 5, 0, 0, 1, 5, tzinfo=UTC),
        declared=Money(amount_minor=1999, currency="USD"),
    )  # fmt: skip
    assert kept.text == (
        '{"carrier":"usps","service":"ground_advantage","kind":"return","country":"US","origin":"US","zone":"5",'
        '"labelled_at":"2026-11-20T08:00:00Z","parcels":[{"number":1,"tracking_number":"9400"}],"promise":{"p50_on":'
        '"2026-12-01","p90_on":"2026-12-04","sample_size":0,"source":"published"},"deliver_by":'
        '"2026-12-05T00:00:01.000005Z","declared":{"amount_minor":1999,"currency":"USD"},"test":true,"version":2,'
        '"traceparent":"00-1-2-01"}'
    )
    brief = Brief("ab", "usps", "9400", "10", datetime(2026, 11, 20, 8, tzinfo=UTC), 'Sainte-"Foy", QC')
    assert briefs_text([brief]) == '["ab","usps","9400","10","2026-11-20T08:00:00Z","Sainte-\\"Foy\\", QC",null]\n'


def test_a_shipment_read_in_brief_does_not_pass_for_a_whole_one() -> None:
    shipment = Shipment("demo", "s-1", "s-1", 3)
    shipment.label_created(label(), RULES, LABELLED)
    shipment.scans = briefs_of(briefs_text([scan("PU", 1, number=NUMBERS[0])]))
    with pytest.raises(TypeError):
        shipment.told()
