"""The end of a day on real PostgreSQL, over HTTP: every label on one manifest, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pypdfium2
import pytest
from integration.labeler.label_counter import Counter
from integration.labeler.label_desk import cancelled
from integration.labeler.manifest_desk import close, empty, on, scan
from unit.labeler.label_samples import route

from linkstar_labeler.handlers import Handlers
from linkstar_labeler.handlers.closing import Closer
from linkstar_labeler.jobs import close_due_day
from linkstar_runtime.handling import Received

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def _fresh(counter: Counter) -> None:
    await empty(counter)


async def test_a_day_is_closed_once_and_later_labels_go_on_the_next_manifest(counter: Counter) -> None:
    for order in ("o1", "o2"):
        await counter.order(order, "Ada", parcels=2)
    await counter.order("test", "Ada", test=True)
    await counter.order("elsewhere", "Ada", warehouse=route().warehouse.model_copy(update={"code": "US-CA"}))
    told = await close(counter)
    [made] = told["manifests"]
    assert (made["manifest_id"], made["state"], made["made_by"], made["day"]) == (
        "M0000001", "closed", "linkstar", "2026-11-20",
    )  # fmt: skip
    assert (made["labels"], made["parcels"], made["weight_g"]) == (2, 4, 4 * 681)
    assert await close(counter) == told
    assert await close(counter, "k2") == {"manifests": [], "waiting": []}
    await counter.order("o3", "Ada")
    [later] = (await close(counter, "k3"))["manifests"]
    assert await on(counter, later["manifest_id"]) == ["o3"]
    listed = (await counter.client.get("/v1/manifests", params={"day": "2026-11-20", "limit": 1})).json()
    assert ([each["manifest_id"] for each in listed["manifests"]], listed["next"]) == (["M0000002"], "M0000002")
    older = (await counter.client.get("/v1/manifests", params={"before": "M0000002", "carrier": "usps"})).json()
    assert ([each["manifest_id"] for each in older["manifests"]], older["next"]) == (["M0000001"], None)
    paper = await counter.client.get("/v1/manifests/M0000001.pdf")
    text = pypdfium2.PdfDocument(paper.content)[0].get_textpage().get_text_range()
    assert "Total: 2 labels, 4 parcels, 2.724 kg" in text
    assert "collection on 2026-11-20" in text
    assert paper.content == (await counter.client.get("/v1/manifests/M0000001.pdf")).content


async def test_closes_at_the_same_time_share_no_label(counter: Counter) -> None:
    for number in range(6):
        await counter.order(f"o{number}", "Ada")
    told = await asyncio.gather(*(close(counter, f"k{number}") for number in range(5)))
    assert sorted(len(each["manifests"]) for each in told) == [0, 0, 0, 0, 1]
    assert await counter.admin.fetchval("SELECT count(*) FROM labeler.manifest_label WHERE held") == 6


async def test_the_cut_off_is_the_warehouses_own(counter: Counter) -> None:
    await counter.order("early", "Ada")
    counter.clock.advance(timedelta(hours=8, seconds=1))
    await counter.order("late", "Ada")
    told = await close(counter)
    assert [each["day"] for each in told["manifests"]] == ["2026-11-20"]
    assert told["waiting"] == [{"code": "after_cut_off", "account": None, "labels": 1}]
    assert await on(counter, "M0000001") == ["early"]
    assert (await close(counter, "k2"))["manifests"] == []
    [next_day] = (await close(counter, "k3", day="2026-11-21"))["manifests"]
    assert await on(counter, next_day["manifest_id"]) == ["late"]
    await counter.order("driver-waits", "Ada")
    assert len((await close(counter, "k4", include_late=True))["manifests"]) == 1
    await counter.order("o4", "Ada")
    assert (await close(counter, "k5", 422, day="2026-12-20"))["code"] == "day_too_far"
    assert (await close(counter, "k6", 422, day=1_700_000_000))["code"] == "validation_failed"


async def test_a_reopened_manifest_gives_its_labels_back_until_the_driver_came(counter: Counter) -> None:
    for order in ("o1", "o2"):
        await counter.order(order, "Ada")
    await close(counter)
    refused = await counter.client.post("/v1/labels/o1/void")
    assert (refused.status_code, refused.json()["code"]) == (409, "label_manifested")
    assert "M0000001" in refused.json()["fix"]
    for _ in range(2):
        reopened = await counter.client.post("/v1/manifests/M0000001/reopen")
        assert (reopened.status_code, reopened.json()["state"]) == (200, "reopened")
    assert (await counter.client.get("/v1/manifests/M0000001.pdf")).json()["code"] == "manifest_not_closed"
    assert (await counter.client.post("/v1/labels/o1/void")).status_code == 200
    [again] = (await close(counter, "k2"))["manifests"]
    assert await on(counter, again["manifest_id"]) == ["o2"]
    await scan(counter, "o2")
    gone = await counter.client.post(f"/v1/manifests/{again['manifest_id']}/reopen")
    assert (gone.status_code, gone.json()["code"]) == (409, "manifest_handed_over")
    assert (await counter.client.post("/v1/labels/o2/void")).json()["code"] == "label_in_use"
    assert (await counter.client.get("/v1/manifests/M0000099")).json()["code"] == "manifest_unknown"


async def test_a_label_cancelled_after_the_close_is_told(counter: Counter) -> None:
    for order in ("o1", "o2"):
        await counter.order(order, "Ada")
    await close(counter)
    event = cancelled(order_id="o1")
    async with counter.database.transaction() as tx:
        await Handlers(counter.settler).on_order_changes([Received(event, event.key, 1)], tx)
    found = (await counter.client.get("/v1/manifests/M0000001")).json()
    assert {each["shipment_id"]: each["state"] for each in found["on_it"]} == {"o1": "voided", "o2": "active"}
    assert (found["labels"], found["parcels"]) == (1, 1)


async def test_what_the_carrier_has_waits_for_no_manifest(counter: Counter) -> None:
    await counter.order("o1", "Ada")
    await scan(counter, "o1")
    assert await close(counter) == {"manifests": [], "waiting": []}


async def test_a_day_closes_by_itself_after_its_cut_off(counter: Counter) -> None:
    terms = {"cut_off": "10:30", "closes_itself": True, "closed_on": ["2026-11-21"]}
    unknown = await counter.client.put("/v1/hand-overs/US-NJ/usps", json=terms)
    assert unknown.json()["code"] == "timezone_missing"
    wrong = await counter.client.put("/v1/hand-overs/US-NJ/usps", json=terms | {"timezone": "Mars/Base"})
    assert wrong.json()["code"] == "timezone_unknown"
    agreed = await counter.client.put("/v1/hand-overs/US-NJ/usps", json=terms | {"timezone": "America/New_York"})
    assert agreed.json()["close_at"] == "2026-11-20T10:30:00-05:00"
    await counter.order("o1", "Ada")
    closer = Closer(counter.connectors, counter.clock)

    async def tick(**later: float) -> bool:
        counter.clock.advance(timedelta(**later))
        async with counter.database.transaction() as tx:
            return await close_due_day(tx, closer)

    assert not await tick(hours=3, minutes=29)
    assert await tick(minutes=1)
    assert not await tick()
    [made] = (await counter.client.get("/v1/manifests")).json()["manifests"]
    assert (made["key_id"], made["day"], made["labels"]) == ("end-of-day", "2026-11-20", 1)
    [plan] = (await counter.client.get("/v1/hand-overs")).json()["hand_overs"]
    assert plan["close_at"] == "2026-11-23T15:30:00Z"
    await counter.order("o2", "Ada")
    assert await tick(days=5)
    assert not await tick()
    [newest, _] = (await counter.client.get("/v1/manifests")).json()["manifests"]
    assert (newest["day"], newest["labels"]) == ("2026-11-25", 1)
