"""Parcels that travel on under another number, told in any order: one timeline, and nobody else's parcel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from integration.tracker.tracking_counter import Counter, _Delivering, opened_counter
from unit.tracker.tracked_facts import NUMBERS, label

from linkstar_runtime.service import ServiceContext
from linkstar_tracker import jobs, store
from linkstar_tracker.domain.reports import NumberChange
from linkstar_tracker.jobs.intake import CHANGES_KEPT, judge, take

pytestmark = pytest.mark.integration
FIRST, SECOND, THIRD = NUMBERS[0], "9400136106195372355532", "9400136106195372355549"


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened_counter(database_url, tmp_path) as opened:
        opened.desk.clock.advance(timedelta(days=4))
        await emptied(opened)
        yield opened


EMPTIED = "number_change", "tracking_number", "number_conflict", "unmatched_scan", "scan", "tracker", "evidence"


async def emptied(counter: Counter) -> None:
    async with counter.desk.database.transaction() as tx:
        for table in EMPTIED:
            await tx.execute(f"DELETE FROM {table}")


def scan(carrier: str, number: str, code: str, hour: int, onward: str = "") -> dict[str, Any]:
    told = {"carrier": carrier, "tracking_number": number, "code": code, "scanned_at": f"2026-06-09T{hour:02}:00:00Z"}
    return told | ({"travels_on_as": {"carrier": "usps", "tracking_number": onward}} if onward else {})


ACCEPTED = scan("fedex", FIRST, "PU", 1)
HANDED_ON = scan("fedex", FIRST, "IT", 8, onward=SECOND)
OUT = scan("usps", SECOND, "OF", 12)


async def tell(counter: Counter, *scans: dict[str, Any]) -> dict[str, Any]:
    answer = await counter.client.post("/v1/scans", json={"scans": scans})
    assert answer.status_code == 202, answer.text
    assert answer.json()["rejected"] == []
    return cast("dict[str, Any]", answer.json())


async def tidied(counter: Counter) -> None:
    desk = counter.desk
    context = SimpleNamespace(database=desk.database, writer=_Delivering(desk))
    await jobs.tidy_unmatched(cast("ServiceContext", context))


async def document(counter: Counter, shipment: str = "s-1") -> dict[str, Any]:
    shown = (await counter.client.get(f"/v1/trackers/{shipment}")).json()
    return {name: value for name, value in shown.items() if name != "updated_at"}


async def test_change_label_and_scans_commute(counter: Counter) -> None:
    told = []
    for order in permutations(["label", HANDED_ON, OUT]):
        await emptied(counter)
        for each in order:
            if isinstance(each, dict):
                await tell(counter, each, ACCEPTED)
            else:
                await counter.desk.labels(label())
        await tidied(counter)
        told.append(await document(counter))
    assert told[0]["status"] == "out_for_delivery"
    assert all(each == told[0] for each in told)
    found = await counter.client.get("/v1/trackers", params={"tracking_number": SECOND})
    assert [each["shipment_id"] for each in found.json()["trackers"]] == ["s-1"]


async def test_a_number_may_change_twice_and_back(counter: Counter) -> None:
    await tell(counter, scan("usps", SECOND, "10", 9, onward=THIRD), scan("usps", THIRD, "OF", 13))
    await tell(
        counter, {**scan("usps", THIRD, "10", 14), "travels_on_as": {"carrier": "fedex", "tracking_number": FIRST}}
    )
    await tell(counter, HANDED_ON)
    await counter.desk.labels(label())
    await tidied(counter)
    shown = await document(counter)
    assert [each["code"] for each in shown["parcels"][0]["scans"]] == ["IT", "10", "OF", "10"]
    async with counter.desk.database.transaction() as tx:
        owners = await store.owners_of(tx, [("usps", SECOND), ("usps", THIRD), ("fedex", FIRST)])
    assert {number: owner.stands_for for number, owner in owners.items()} == {
        ("usps", SECOND): FIRST, ("usps", THIRD): FIRST, ("fedex", FIRST): None,
    }  # fmt: skip


async def test_a_change_kept_while_its_label_is_registered_is_followed_later(counter: Counter) -> None:
    async with counter.desk.database.transaction() as tx:
        await store.keep_changes(tx, [NumberChange("fedex", FIRST, "usps", SECOND)], "demo", tx.now + CHANGES_KEPT)
        await counter.desk.labels(label())
    assert (await tell(counter, OUT))["unmatched"] == 1
    for _ in range(2):
        await tidied(counter)
    assert (await document(counter))["status"] == "out_for_delivery"


async def test_a_way_that_no_parcel_goes_is_followed_for_eight_numbers(counter: Counter) -> None:
    """Whoever makes up a longer one would have every label of theirs walk it."""
    numbers = [FIRST, *(f"94001361061953723560{serial:02}" for serial in range(12))]
    way = [
        scan("usps" if at else "fedex", number, "IT", at, onward=numbers[at + 1])
        for at, number in enumerate(numbers[:-1])
    ]
    await tell(counter, *way)
    await counter.desk.labels(label())
    async with counter.desk.database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM tracking_number WHERE stands_for = $1", FIRST) == 8


async def test_a_number_that_has_an_owner_keeps_it(counter: Counter) -> None:
    theirs = label(numbers=[SECOND], tenant="other", order="o-2").model_copy(update={"carrier": "usps"})
    await counter.desk.labels(theirs)
    await counter.desk.labels(label())
    assert (await tell(counter, HANDED_ON, OUT))["unmatched"] == 1
    async with counter.desk.database.transaction() as tx:
        [conflict] = await tx.fetch("SELECT tracking_number, tenant, shipment_id FROM number_conflict")
    assert tuple(conflict) == (SECOND, "demo", "s-1")
    assert (await document(counter))["status"] == "in_transit"


async def test_a_label_is_stronger_than_what_was_said_of_its_number(counter: Counter) -> None:
    await counter.desk.labels(label())
    await tell(counter, HANDED_ON)
    theirs = label(numbers=[SECOND], tenant="other", order="o-2").model_copy(update={"carrier": "usps"})
    await counter.desk.labels(theirs)
    assert (await tell(counter, OUT))["unmatched"] == 1
    async with counter.desk.database.transaction() as tx:
        owners = await store.owners_of(tx, [("usps", SECOND)])
    assert owners["usps", SECOND] == store.NumberOwner("other", "o-2", "o-2")


async def test_nobody_sends_another_tenants_parcel_on(counter: Counter) -> None:
    await counter.desk.labels(label())
    for reporter, accepted in (("other", 0), ("*", 2)):
        assert await told_by(counter, reporter, HANDED_ON, OUT) == accepted


async def told_by(counter: Counter, reporter: str, *scans: dict[str, Any]) -> int:
    """How many scans that somebody else tells are accepted."""
    judged = judge(scans, counter.desk.clock.now())
    async with counter.desk.database.transaction() as tx:
        taken = await take(tx, judged, reporter, timedelta(days=30))
    return taken.accepted


@pytest.mark.parametrize("last", ["label", "change"])
async def test_nobody_sends_another_tenants_parcel_on_from_its_second_number(counter: Counter, last: str) -> None:
    further = scan("usps", SECOND, "10", 9, onward=THIRD)
    assert await told_by(counter, "other", further) == 0
    if last == "label":
        await tell(counter, HANDED_ON)
        await counter.desk.labels(label())
    else:
        await counter.desk.labels(label())
        await tell(counter, HANDED_ON)
    await tidied(counter)
    for reporter, owner in (("other", None), ("*", store.NumberOwner("demo", "s-1", "s-1", FIRST))):
        await told_by(counter, reporter, further)
        await tidied(counter)
        async with counter.desk.database.transaction() as tx:
            owners = await store.owners_of(tx, [("usps", SECOND), ("usps", THIRD)])
        assert owners["usps", SECOND].stands_for == FIRST
        assert owners.get(("usps", THIRD)) == owner
