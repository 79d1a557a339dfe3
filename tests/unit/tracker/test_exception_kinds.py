"""Each kind of exception: what opens it, how grave it is, by when somebody must act, and what answers it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from unit.tracker.tracked_facts import LABELLED, NUMBERS, label, scan

from linkstar_contracts.event import Event
from linkstar_contracts.events import ExceptionCode, ExceptionRaised, LabelCreated
from linkstar_contracts.values import Promise
from linkstar_tracker.domain.deadlines import Anchors, Deadlines
from linkstar_tracker.domain.disputes import Denial, denied
from linkstar_tracker.domain.documents import tracker_document
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.domain.vocabulary import LANGUAGES
from linkstar_tracker.domain.watch import WatchRules
from linkstar_tracker.domain.wording import Wording

_CODES = {
    "PU": "accepted,", "AR": "in_transit,arrived", "DP": "in_transit,departed", "OD": "out_for_delivery,",
    "DL": "delivered,", "A1": "attempt_failed,address_problem", "A2": "attempt_failed,moved", "A3": "attempt_failed,refused",
    "A4": "attempt_failed,consignee_absent", "H1": "held,address_problem", "H2": "held,customs", "H3": "held,seized",
    "H4": "held,delayed", "R1": "return_to_sender,refused", "R2": "return_to_sender,customs_refused",
    "R3": "return_to_sender,undeliverable", "RT": "returned,back_at_sender", "PP": "available_for_pickup,at_pickup_point",
}  # fmt: skip
MEANINGS = StatusMap.from_rows(
    {"carrier": "fedex", "code": code, **dict(zip(("status", "substatus"), says.split(","), strict=True))}
    for code, says in _CODES.items()
)
RULES = Rules(MEANINGS, WatchRules.shipped())
PROMISE = Promise(p50_on="2026-06-10", p90_on="2026-06-11")
PROMISED_UNTIL = datetime(2026, 6, 12, 5, tzinfo=UTC)
"""The end of the promised day in Chicago."""


def after(hours: float) -> datetime:
    return LABELLED + timedelta(hours=hours)


def followed(*facts: Scan, created: LabelCreated | None = None) -> tuple[Shipment, list[Event]]:
    shipment = Shipment("demo", "s-1", "s-1", 3)
    events = shipment.label_created(created or label(), RULES, LABELLED)
    for fact in facts:
        events += shipment.record(fact, RULES, fact.scanned_at)
    return shipment, events


def raised(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(e.code.value.removeprefix("track."), e.state.value) for e in events if isinstance(e, ExceptionRaised)]


@pytest.mark.parametrize(
    ("code", "exceptions", "party"),
    [
        ("A1", ["address_problem"], "seller"), ("A2", ["address_problem"], "consignee"), ("A3", ["refused"], "consignee"),
        ("A4", ["delivery_failed"], "consignee"), ("H1", ["address_problem"], "seller"), ("H2", ["customs"], "customs"),
        ("H3", ["customs"], "customs"), ("H4", ["held"], "carrier"), ("R1", ["return_to_sender", "refused"], "consignee"),
        ("R2", ["return_to_sender", "customs"], "customs"), ("R3", ["return_to_sender"], "unset"),
    ],
)  # fmt: skip
def test_a_cause_that_calls_for_something_else_has_its_own_code(code: str, exceptions: list[str], party: str) -> None:
    shipment, events = followed(scan("PU", 3), scan(code, 20))
    assert raised(events) == [(each, "open") for each in exceptions]
    told = [event for event in events if isinstance(event, ExceptionRaised)]
    assert {event.party.value for event in told} == {party}
    assert all(event.deadline_at == after(44) for event in told), "the same hour of the next working day"
    arrived = scan("RT" if code.startswith("R") else "DL", 60)
    assert sorted(raised(shipment.record(arrived, RULES, after(60)))) == sorted(
        (each, "resolved") for each in exceptions
    )


def test_the_reason_of_a_failed_attempt_outlives_the_way_back_to_the_depot() -> None:
    shipment, _ = followed(scan("PU", 3), scan("A3", 20), scan("AR", 30))
    [refused] = [alarm for alarm in shipment.alarms.values() if alarm.open]
    assert (refused.code, refused.party.value, refused.detail) == (
        ExceptionCode.REFUSED, "consignee", "Parcel 1: refused"
    )  # fmt: skip
    assert raised(shipment.record(scan("A4", 40), RULES, after(40))) == [
        ("refused", "resolved"), ("delivery_failed", "open")
    ]  # fmt: skip
    assert raised(shipment.record(scan("OD", 50), RULES, after(50))) == [("delivery_failed", "resolved")]


def promising(**options: object) -> LabelCreated:
    created = label().model_copy(update={"promise": PROMISE})
    return created.model_copy(update={"options": created.options.model_copy(update=options)})


def test_a_promise_is_missed_when_its_day_has_ended_where_the_carrier_is() -> None:
    shipment, _ = followed(scan("PU", 3), scan("AR", 60), created=promising())
    assert shipment.watch_due_at(RULES) == PROMISED_UNTIL
    assert shipment.watch(RULES, PROMISED_UNTIL - timedelta(seconds=1)) == []
    [event] = shipment.watch(RULES, PROMISED_UNTIL)
    assert isinstance(event, ExceptionRaised)
    assert (event.code, event.deadline_at) == (ExceptionCode.PROMISE_MISSED, PROMISED_UNTIL + timedelta(days=1))
    assert event.detail == "Parcel 1: not delivered by 2026-06-12 05:00 UTC as promised"
    assert raised(shipment.record(scan("OD", 90), RULES, after(90))) == []
    assert raised(shipment.record(scan("DL", 95), RULES, after(95))) == [("promise_missed", "resolved")]


def test_what_the_shop_promised_goes_before_what_we_expected() -> None:
    shipment, _ = followed(scan("PU", 3), created=promising(deliver_by=after(50)))
    assert shipment.watch_due_at(RULES) == after(50)


def test_nobody_is_promised_a_return_nor_a_parcel_that_goes_back() -> None:
    returning, _ = followed(created=promising().model_copy(update={"kind": "return"}))
    back, _ = followed(scan("PU", 3), scan("R3", 20), created=promising())
    for shipment in (returning, back):
        assert ("promise_missed", "open") not in raised(shipment.watch(RULES, after(400)))


def test_a_scan_alone_opens_no_missed_promise() -> None:
    _, events = followed(scan("PU", 3), scan("AR", 300), created=promising())
    assert raised(events) == []


def test_a_parcel_that_is_scanned_but_does_not_leave_dwells() -> None:
    shipment, _ = followed(*(scan(code, hours, city="Memphis") for code, hours in (("AR", 10), ("AR", 40), ("H4", 60))))
    shipment.record(scan("AR", 70, city="Memphis"), RULES, after(70))
    assert shipment.watch_due_at(RULES) == after(82)
    [event] = shipment.watch(RULES, after(82))
    assert isinstance(event, ExceptionRaised)
    assert event.code is ExceptionCode.DWELL
    assert event.detail == "Parcel 1: at Memphis, US since 2026-06-09 01:00 UTC, limit 72 h"
    assert raised(shipment.record(scan("AR", 90, city="Memphis"), RULES, after(90))) == [], "still there"
    assert raised(shipment.record(scan("DP", 95, city="Memphis"), RULES, after(95))) == [("dwell", "resolved")]


@pytest.mark.parametrize(
    "way",
    [
        [("AR", 10, "Memphis")],
        [("AR", 10, "Memphis"), ("AR", 20, "Reno")],
        [("AR", 10, "Memphis"), ("DP", 20, "Memphis")],
        [("AR", 10, ""), ("AR", 20, "")],
        [("AR", 10, "Memphis"), ("OD", 20, "Memphis"), ("A4", 30, "Memphis")],
    ],
    ids=["seen-once", "elsewhere", "departed", "nowhere", "out-and-back"],
)
def test_what_is_seen_once_or_elsewhere_or_leaving_does_not_dwell(way: list[tuple[str, float, str]]) -> None:
    shipment, _ = followed(*(scan(code, hours, city=city) for code, hours, city in way))
    assert ("dwell", "open") not in raised(shipment.watch(RULES, after(100)))


def test_a_parcel_at_a_pickup_point_is_reminded_of_before_it_goes_back() -> None:
    shipment, _ = followed(scan("PU", 3), scan("PP", 20))
    [event] = shipment.watch(RULES, after(20 + 120))
    assert isinstance(event, ExceptionRaised)
    assert (event.code, event.deadline_at) == (ExceptionCode.SILENT, after(20 + 7 * 24))
    assert "Remind the buyer" in event.action


DENIAL = Denial(reference="ebay-1", reason="not_received")


def disputed(*numbers: str) -> Shipment:
    shipment, _ = followed(scan("PU", 3), scan("DL", 40), created=label(1, numbers or NUMBERS[:1]))
    assert shipment.label
    trouble = denied(DENIAL, shipment.label, shipment.parcels(RULES))
    assert trouble
    [event] = shipment.open(trouble, RULES, after(60))
    assert isinstance(event, ExceptionRaised)
    assert event.evidence == ("dispute:ebay-1", f"tracking:{NUMBERS[0]}")
    assert event.deadline_at == after(3) + timedelta(days=60), "FedEx takes claims for 60 days"
    return shipment


@pytest.mark.parametrize("code", ["R3", "AR", "OD", "DL"])
def test_a_denied_delivery_is_answered_by_a_later_scan_that_shows_the_parcel(code: str) -> None:
    shipment = disputed()
    assert raised(shipment.record(scan("AR", 50), RULES, after(61))) == [], "made before it was denied"
    assert ("delivery_disputed", "resolved") in raised(shipment.record(scan(code, 70), RULES, after(70)))


def test_a_denied_delivery_that_is_taken_back_is_no_delivery() -> None:
    taken_back = scan("DL", 80, retracts=scan("DL", 40))
    assert raised(disputed().record(taken_back, RULES, after(80))) == [("delivery_disputed", "resolved")]


def test_another_parcels_scan_answers_nothing_and_a_settlement_does() -> None:
    shipment = disputed(*NUMBERS)
    assert raised(shipment.record(scan("AR", 70, number=NUMBERS[1]), RULES, after(70))) == []
    [alarm] = shipment.alarms.values()
    [event] = shipment.settle(alarm, after(90), "refunded")
    assert isinstance(event, ExceptionRaised)
    assert (event.state.value, event.evidence[-1]) == ("resolved", "outcome:refunded")
    assert shipment.settle(shipment.alarms[alarm.exception_id], after(91), "found") == []


def test_only_a_delivered_parcel_can_be_denied() -> None:
    shipment, _ = followed(scan("PU", 3), scan("DL", 40), created=label(1, NUMBERS))
    assert shipment.label
    assert denied(DENIAL.model_copy(update={"parcel": 2}), shipment.label, shipment.parcels(RULES)) is None
    both, _ = followed(scan("DL", 40), scan("DL", 41, number=NUMBERS[1]), created=label(1, NUMBERS))
    assert both.label
    assert denied(DENIAL, both.label, both.parcels(RULES)) is None, "which of the two?"


TRACKED = [code for code in ExceptionCode if code.value.startswith("track.")]


@pytest.mark.parametrize("code", TRACKED)
def test_every_kind_has_words_in_every_language_and_a_deadline(code: ExceptionCode) -> None:
    words = Wording.shipped().of(code)
    for language in LANGUAGES:
        assert Wording.shipped().told(code, words.action["en"], language) == (
            words.name[language], words.action[language]
        )  # fmt: skip
    anchors = Anchors(LABELLED, LABELLED, LABELLED, LABELLED, LABELLED)
    for carrier in ("fedex", "canpar"):
        assert Deadlines.shipped().of(code, "", carrier, anchors), carrier


def test_every_deadline_says_where_it_comes_from() -> None:
    table = files("linkstar_tracker.domain").joinpath("deadlines.csv").read_text("utf-8")
    assert all(row["source"] for row in csv.DictReader(table.splitlines()))


@pytest.mark.parametrize(
    ("code", "carrier", "due"),
    [("track.lost", "usps", after(3 + 60 * 24)), ("track.lost", "ups", PROMISED_UNTIL + timedelta(days=60)),
     ("track.lost", "evri", after(3 + 28 * 24)), ("track.damaged", "dhl-de", after(200 + 48)),
     ("track.promise_at_risk", "usps", PROMISED_UNTIL)],
)  # fmt: skip
def test_claims_are_due_when_the_carrier_says(code: str, carrier: str, due: datetime) -> None:
    anchors = Anchors(after(200), after(3), after(60), PROMISED_UNTIL)
    found = Deadlines.shipped().of(ExceptionCode(code), "movement", carrier, anchors)
    assert found == due


@pytest.mark.parametrize("flaw", [{"anchor": "moon"}, {"clock": "lunar"}, {}])
def test_a_deadline_that_means_nothing_or_stands_twice_is_refused(flaw: dict[str, str]) -> None:
    row = {"code": "track.lost", "stage": "", "carrier": "*", "anchor": "opened", "days": "1", "clock": "calendar"}
    with pytest.raises(ValueError, match=r"moon|lunar|two rows"):
        Deadlines.from_rows([row, {**row, **flaw}])


def test_an_exception_is_told_in_chinese_too() -> None:
    shipment, _ = followed(scan("PU", 3), scan("H2", 20))
    [told] = tracker_document(shipment, RULES, "zh")["exceptions"]
    assert (told["told"], told["action"]) == ("海关扣留", "向承运商清关部门提供所需文件。")
    assert told["deadline_at"] == "2026-06-10T11:00:00Z"
