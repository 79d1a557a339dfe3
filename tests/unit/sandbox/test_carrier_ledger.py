"""The simulator's ledger of truth and the way it tells scans: crash-proof, repeatable, honest about refusals."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from linkstar_sandbox.carriers.codes import Meaning
from linkstar_sandbox.carriers.journey import Fate, Journey, PostedParcel, Report, Scan, Stop, plan_journey
from linkstar_sandbox.carriers.ledger import Answer, Ledger
from linkstar_sandbox.carriers.simulator import tell_due
from linkstar_sandbox.carriers.telling import ScanDoor, scan_body

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
BERLIN = Stop("Berlin", "BE", "10115", "DE", "Europe/Berlin")
PARCEL = PostedParcel(
    tenant="demo", order_id="o1", shipment_id="o1", route_version=1, parcel=1, tracking_number="00340434000000000018",
    carrier="dhl-de", service="paket", kind="order", warehouse=BERLIN, customer=BERLIN, zone="", labelled_at=START,
)  # fmt: skip
SCANS = tuple(
    Scan(meaning, START + timedelta(hours=hour), BERLIN, retracts)
    for hour, (meaning, retracts) in enumerate(
        [(Meaning.ACCEPTED, None), (Meaning.DELIVERED, None), (Meaning.RETRACTION, 1), (Meaning.DELIVERED, None)], 1
    )
)
JOURNEY = Journey(Fate.RETRACTED, SCANS, tuple(Report(i, scan.at) for i, scan in enumerate(SCANS)))
LATER = START + timedelta(days=9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "truth" / "carriers.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    opened = Ledger(path)
    yield opened
    opened.close()


def door_answering(answer: Callable[[httpx.Request], httpx.Response]) -> ScanDoor:
    return ScanDoor(httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://tracker"))


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as db:
        return db.execute(sql).fetchall()


def test_a_label_seen_twice_is_one_parcel(ledger: Ledger) -> None:
    assert ledger.post([(PARCEL, JOURNEY)]) == 1
    assert ledger.post([(PARCEL, JOURNEY)]) == 0
    assert ledger.outstanding() == (4, SCANS[-1].at)


def test_only_due_reports_are_told_in_order(ledger: Ledger) -> None:
    ledger.post([(PARCEL, JOURNEY)])
    assert [due.code for due in ledger.take_due(SCANS[1].at, 500)] == ["PCKDU", "DLVRD"]
    assert [due.retracts for due in ledger.take_due(LATER, 500)][2] == ("DLVRD", SCANS[1].at)


def test_reports_in_flight_at_a_crash_are_told_again(ledger: Ledger, path: Path) -> None:
    ledger.post([(PARCEL, JOURNEY)])
    first = ledger.take_due(LATER, 2)
    survivor = Ledger(path)
    assert survivor.take_due(LATER, 2) == first
    survivor.settle([Answer(due.id, "taken") for due in first])
    assert [due.id for due in survivor.take_due(LATER, 10)] == [3, 4]
    survivor.close()


def test_a_voided_label_without_scans_never_travels(ledger: Ledger, path: Path) -> None:
    ledger.post([(PARCEL, JOURNEY)])
    ledger.void("demo", "o1", 1, START)
    assert ledger.take_due(LATER, 10) == []
    assert rows(path, "SELECT fate, delivered_at FROM parcel") == [("voided", None)]


def test_a_parcel_under_way_is_not_stopped_by_a_void(ledger: Ledger, path: Path) -> None:
    ledger.post([(PARCEL, JOURNEY)])
    ledger.settle([Answer(due.id, "taken") for due in ledger.take_due(LATER, 1)])
    ledger.void("demo", "o1", 1, START)
    assert len(ledger.take_due(LATER, 10)) == 3
    assert rows(path, "SELECT fate FROM parcel") == [("retracted",)]


def test_one_number_on_two_parcels_is_recorded_not_hidden(ledger: Ledger, path: Path) -> None:
    other = PostedParcel(**{**vars(PARCEL), "shipment_id": "o2", "order_id": "o2"})
    ledger.post([(PARCEL, JOURNEY), (other, plan_journey(other, 1))])
    assert rows(path, "SELECT count(*), count(DISTINCT tracking_number) FROM parcel") == [(2, 1)]


async def test_refusals_of_single_scans_are_recorded_with_their_code(ledger: Ledger, path: Path) -> None:
    ledger.post([(PARCEL, JOURNEY)])
    refusal = {"accepted": 3, "unmatched": 0, "rejected": [{"index": 2, "code": "scan.future"}]}
    door = door_answering(lambda _: httpx.Response(202, json=refusal))
    assert await tell_due(ledger, door, LATER) == 4
    assert rows(path, "SELECT state, refusal FROM report ORDER BY id") == [
        ("taken", None), ("taken", None), ("refused", "scan.future"), ("taken", None),
    ]  # fmt: skip


async def test_a_busy_or_absent_tracker_is_asked_again_with_the_same_scans(ledger: Ledger) -> None:
    ledger.post([(PARCEL, JOURNEY)])
    asked: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        if len(asked) == 1:
            raise httpx.ConnectError("refused")
        return httpx.Response(503 if len(asked) == 2 else 202, json={"accepted": 4, "unmatched": 0, "rejected": []})

    await tell_due(ledger, door_answering(answer), LATER)
    assert len(asked) == 3
    assert asked[0] == asked[1] == asked[2]
    assert ledger.outstanding() == (0, None)


async def test_a_refused_call_is_final_for_every_scan_in_it(ledger: Ledger, path: Path) -> None:
    ledger.post([(PARCEL, JOURNEY)])
    await tell_due(ledger, door_answering(lambda _: httpx.Response(401, text="no key")), LATER)
    assert rows(path, "SELECT DISTINCT state, refusal FROM report") == [("refused", "http 401: no key")]


def test_scans_carry_local_time_with_offset_or_zone_name(ledger: Ledger) -> None:
    american = PostedParcel(**{**vars(PARCEL), "carrier": "usps", "shipment_id": "o9"})
    ledger.post([(PARCEL, Journey(Fate.SMOOTH, SCANS[:1], JOURNEY.reports[:1]))])
    ledger.post([(american, Journey(Fate.SMOOTH, SCANS[:1], JOURNEY.reports[:1]))])
    german, usps = map(scan_body, ledger.take_due(LATER, 10))
    assert german["scanned_at"] == "2026-03-02T11:00:00+01:00"
    assert (usps["scanned_local"], usps["timezone"]) == ("2026-03-02T11:00:00", "Europe/Berlin")
    assert "scanned_at" not in usps
