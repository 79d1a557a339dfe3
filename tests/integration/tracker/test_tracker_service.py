"""The tracker as a process: carriers at its HTTP door, labels on Kafka, timelines and exceptions coming out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from integration.tracker.service_process import ServiceProcess, running_service
from unit.tracker.tracked_facts import LABELLED, label

from linkstar_contracts import topics

pytestmark = pytest.mark.integration

NUMBER = "449044304137821"
# Business time begins with the label and runs ten hours per second; the door allows scans a day ahead of it.
CLOCK = {
    "LINKSTAR_CLOCK__ORIGIN": "2026-06-08T15:00:00Z",
    "LINKSTAR_CLOCK__SPEED": "36000",
    "LINKSTAR_WATCH__EVERY_S": "0.1",
    "LINKSTAR_UNMATCHED__EVERY_S": "0.1",
}


@pytest.fixture(scope="module")
def tracker(kafka_bootstrap: str, database_url: str) -> Iterator[ServiceProcess]:
    with running_service("tracker", kafka_bootstrap, database_url, **CLOCK) as process:
        yield process


def scan(code: str, at: str, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    return {"carrier": "fedex", "tracking_number": number, "code": code, "scanned_at": at, **more}


async def test_scans_posted_by_a_carrier_become_the_tenants_timeline(tracker: ServiceProcess) -> None:
    carrier, seller = await tracker.client("*", "scans:write"), await tracker.client("demo", "tracking:read")
    other = await tracker.client("other", "tracking:read")
    async with carrier, seller, other:
        early = {"scans": [scan("PU", "2026-06-08T15:30:00Z")]}
        assert (await carrier.post("/v1/scans", json=early)).json() == {"accepted": 0, "unmatched": 1, "rejected": []}
        await tracker.publish((topics.LABELS, label()))
        assert [e.status.value for e in await tracker.events(topics.TRACKING_UPDATED, 2)] == ["pending", "accepted"]

        delivered = {
            "scans": [scan("DL", "2026-06-08T18:00:00+02:00", "4490 4430 4137 821", place={"city": "Reno"})] * 2
        }
        answer = await carrier.post("/v1/scans", json=delivered)
        assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "unmatched": 0, "rejected": []})
        told = await tracker.events(topics.TRACKING_UPDATED, 3)
        assert [(e.version, e.status.value) for e in told] == [(1, "pending"), (2, "accepted"), (3, "delivered")]
        [current] = [e for e in await tracker.events(topics.SHIPMENTS_CURRENT, 2) if e.version == 3]
        assert (current.key, current.status.value, current.delivered) == ("demo/s-1", "delivered", True)

        document = (await seller.get("/v1/trackers/s-1")).json()
        assert (document["status"], document["delivered_at"]) == ("delivered", "2026-06-08T16:00:00Z")
        assert [each["code"] for each in document["parcels"][0]["scans"]] == ["PU", "DL"]
        found = (await seller.get("/v1/trackers", params={"tracking_number": "4490 4430 4137 821"})).json()
        assert [each["shipment_id"] for each in found["trackers"]] == ["s-1"]
        spaced = {"tracking_number": f"{NUMBER[:4]} {NUMBER[4:]}".lower()}
        assert (await seller.get("/v1/trackers", params=spaced)).json() == found
        wrong = await seller.get("/v1/trackers", params={"tracking_number": "no!number"})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "tracking_number")
        assert (await other.get("/v1/trackers/s-1")).status_code == 404
        assert (await other.get("/v1/trackers", params={"tracking_number": NUMBER})).json() == {"trackers": []}


async def test_every_bad_scan_is_named_and_the_others_are_taken(tracker: ServiceProcess) -> None:
    good = scan("IT", "2026-06-08T15:00:00Z", "449044304130001")
    local = {"carrier": "usps", "tracking_number": "9400100000000000000001", "code": "10"}
    bad = [
        scan("IT", "2026-06-08T15:00:00"),
        scan("IT", "2027-06-08T15:00:00Z"),
        scan("IT", "2026-06-08T15:00:00Z", "no"),
        {**local, "scanned_local": "2026-06-08T15:00:00", "timezone": "Mars/Base"},
        local,
        scan("", "2026-06-08T15:00:00Z"),
        "not a scan",
        {**good, "weather": "rain"},
        {**good, "place": {"country": "DE", "planet": "Earth"}},
        {**good, "retracts": {"code": "IT", "scanned_at": "2026-06-08T15:00:00Z", "place": {"cuntry": "DE"}}},
    ]
    async with await tracker.client("*", "scans:write") as carrier:
        answer = await carrier.post("/v1/scans", json={"scans": [*bad, good]})
    rejected = answer.json()["rejected"]
    assert (answer.json()["accepted"], answer.json()["unmatched"]) == (0, 1)
    assert [(each["index"], each["code"]) for each in rejected] == [
        (0, "timezone_aware"), (1, "scan_in_future"), (2, "string_pattern_mismatch"), (3, "unknown_timezone"),
        (4, "scan_time_missing"), (5, "string_too_short"), (6, "object_type"),
        (7, "extra_forbidden"), (8, "extra_forbidden"), (9, "extra_forbidden"),
    ]  # fmt: skip
    assert [each["field"] for each in rejected[7:]] == ["weather", "place.planet", "retracts.place.cuntry"]
    assert all(each["fix"] for each in rejected)


async def test_the_door_has_bounds_and_a_lock(tracker: ServiceProcess) -> None:
    one = scan("IT", "2026-06-08T15:00:00Z", "449044304130002")
    async with (
        await tracker.client("*", "scans:write") as carrier,
        await tracker.client("demo", "orders:read") as nobody,
    ):
        assert (await carrier.post("/v1/scans", json={"scans": [one] * 501})).status_code == 422
        assert (await carrier.post("/v1/scans", json={"scans": []})).status_code == 422
        assert (await carrier.post("/v1/scans", content=b"{")).json()["code"]
        bare = await carrier.post("/v1/scans", json=[one])
        assert (bare.status_code, bare.json()["code"]) == (422, "scans_not_in_object")
        assert (bare.json()["field"], bare.json()["fix"]) == ("body", 'Send {"scans": [...]}.')
        assert (await nobody.post("/v1/scans", json={"scans": [one]})).status_code == 403


async def test_a_tenant_sees_its_own_unmatched_scans_page_by_page(tracker: ServiceProcess) -> None:
    numbers = [f"44904430414000{n}" for n in range(3)]
    async with await tracker.client("acme", "scans:write") as acme, await tracker.client("zeta", "scans:write") as zeta:
        await acme.post("/v1/scans", json={"scans": [scan("IT", "2026-06-08T15:00:00Z", each) for each in numbers]})
        first = (await acme.get("/v1/unmatched", params={"limit": 2})).json()
        rest = (await acme.get("/v1/unmatched", params={"limit": 2, "after": first["next"]})).json()
        assert [each["tracking_number"] for each in first["unmatched"] + rest["unmatched"]] == numbers
        assert rest["next"] is None
        assert (await zeta.get("/v1/unmatched")).json()["unmatched"] == []
        assert (await acme.get("/v1/unmatched", params={"after": "page 2"})).json()["code"] == "cursor_invalid"


async def test_nobody_scans_another_tenants_parcel(tracker: ServiceProcess) -> None:
    await tracker.publish((topics.LABELS, label(order="s-7", numbers=["449044304139007"])))
    assert len(await tracker.events(topics.TRACKING_UPDATED, 1, "s-7")) == 1
    async with (
        await tracker.client("other", "scans:write") as other,
        await tracker.client("demo", "tracking:read") as own,
    ):
        answer = await other.post("/v1/scans", json={"scans": [scan("DL", "2026-06-08T15:00:00Z", "449044304139007")]})
        assert answer.json() == {"accepted": 0, "unmatched": 1, "rejected": []}
        assert (await own.get("/v1/trackers/s-7")).json()["status"] == "pending"


async def test_a_parcel_nobody_scans_raises_an_exception_in_business_time(tracker: ServiceProcess) -> None:
    number = "449044304139008"
    await tracker.publish((topics.LABELS, label(order="s-8", numbers=[number])))
    [raised] = await tracker.events(topics.EXCEPTIONS_RAISED, 1, "s-8")
    assert (raised.exception_id, raised.version, raised.state.value) == ("track.no_acceptance.s-8", 1, "open")
    assert raised.occurred_at >= LABELLED + timedelta(hours=72)
    async with await tracker.client("*", "scans:write") as carrier:
        await carrier.post("/v1/scans", json={"scans": [scan("PU", "2026-06-11T16:00:00Z", number)]})
    answered = (await tracker.events(topics.EXCEPTIONS_RAISED, 2, "s-8"))[1]
    assert (answered.exception_id, answered.version, answered.state.value) == ("track.no_acceptance.s-8", 2, "resolved")


async def test_a_seller_says_how_long_it_waits(tracker: ServiceProcess) -> None:
    number = "449044304139010"
    wanted = {"code": "track.no_acceptance", "stage": "acceptance", "kind": "return", "hours": 1, "clock": "calendar"}
    usual = {"carrier": "*", "kind": "*", "clock": "business"}
    async with (
        await tracker.client("acme", "tracking:write", "tracking:read") as seller,
        await tracker.client("zeta", "tracking:read") as other,
    ):
        shown = (await seller.get("/v1/watch/policy")).json()
        assert shown.pop("counted").keys() == {"since", "parcels", "alerts", "alerts_per_1000"}
        assert shown == {"rules": [], "alerts_per_1000": None, "version": 0}
        refused = await seller.put("/v1/watch/policy", json={"rules": [wanted, wanted]})
        assert (refused.status_code, refused.json()["fix"]) == (422, "Keep one of the two.")
        stored = await seller.put("/v1/watch/policy", json={"rules": [wanted], "alerts_per_1000": 20})
        assert stored.json() == {"rules": [usual | wanted], "alerts_per_1000": 20, "version": 1}
        assert (await seller.get("/v1/watch/policy")).json().items() >= stored.json().items()
        assert (await other.get("/v1/watch/policy")).json()["version"] == 0
        assert (await other.put("/v1/watch/policy", json={})).status_code == 403
    await tracker.publish((topics.LABELS, label(order="s-10", numbers=[number], tenant="acme", kind="return")))
    [raised] = await tracker.events(topics.EXCEPTIONS_RAISED, 1, "s-10")
    assert (raised.exception_id, raised.detail[-9:]) == ("track.no_acceptance.s-10", "limit 1 h")
