"""The commands that docs/tracking.md shows: a timeline in two languages, and the codes nobody explains."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from integration.tracker.tracking_counter import Counter, opened_counter
from unit.tracker.tracked_facts import NUMBERS, label

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
PAGE, GUIDE = ((ROOT / "docs" / name).read_text("utf-8") for name in ("tracking.md", "purchases.md"))


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened_counter(database_url, tmp_path) as opened:
        yield opened


def scan(code: str, at: str, text: str, city: str, region: str) -> dict[str, Any]:
    return {
        "carrier": "fedex", "tracking_number": NUMBERS[0], "code": code, "text": text, "scanned_at": at,
        "place": {"city": city, "region": region, "country": "US"},
    }  # fmt: skip


DELIVERED = scan("DL", "2026-06-09T11:20:00-04:00", "Delivered", "New York", "NY")
WAY = [
    scan("PU", "2026-06-08T10:30:00-07:00", "Picked up", "Los Angeles", "CA"),
    {
        **scan("IT", "", "In transit", "Memphis", "TN"),
        "scanned_at": None,
        "scanned_local": "2026-06-08T23:05:00",
    },
    scan("OD", "2026-06-09T08:00:00-04:00", "On vehicle for delivery", "New York", "NY"),
    DELIVERED,
    {
        **scan("DL", "2026-06-09T11:25:00-04:00", "Previous scan deleted", "New York", "NY"),
        "retracts": {"code": "DL", "scanned_at": DELIVERED["scanned_at"]},
    },
    scan("CD", "2026-06-09T11:40:00-04:00", "Clearance delay", "New York", "NY"),
    scan("Q7", "2026-06-09T12:00:00-04:00", "Robot dog barked", "New York", "NY"),
]


def shown(command: str) -> str:
    """What the page shows below a command: the indented lines up to the next one."""
    block = re.search(rf"^    \$ {re.escape(command)}\n((?:(?!    \$ )(?:    .*)?\n)*)", PAGE, re.MULTILINE)
    assert block, command
    return block[1]


def columns(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


async def test_a_timeline_is_told_in_two_languages_and_unknown_codes_are_reported(counter: Counter) -> None:
    await counter.desk.labels(label())
    answer = await counter.client.post("/v1/scans", json={"scans": WAY})
    assert answer.json() == {"accepted": 7, "unmatched": 0, "rejected": []}
    for command in ("track s-1", "track s-1 --lang zh", "tracking unmapped"):
        assert columns(await counter.linkstar(*command.split())) == columns(shown(f"linkstar {command}")), command
    told = json.loads(await counter.linkstar("track", "s-1", "--lang", "zh", "--json"))
    assert (told["status"], told["text_code"], told["told"]) == ("held", "held.customs", "海关扣留")
    assert [each["party"] for each in told["parcels"][0]["scans"]][-2:] == ["customs", "unset"]
    texts = (await counter.client.get("/v1/tracking-texts")).json()["texts"]
    assert texts["held.customs"] == {"en": "Held by customs", "zh": "海关扣留"}
    assert (await counter.client.get("/v1/trackers/s-1", params={"lang": "fr"})).status_code == 422
    [unknown] = json.loads(await counter.linkstar("tracking", "unmapped", "--json"))
    assert (unknown["carrier"], unknown["code"], unknown["seen"]) == ("fedex", "Q7", 1)


async def test_a_delivery_that_is_denied_is_told_once_and_settled(counter: Counter) -> None:
    await counter.desk.labels(label())
    told = {"reference": "ebay-1", "reason": "not_received"}
    early = await counter.client.post("/v1/trackers/s-1/disputes", json=told)
    assert (early.status_code, early.json()["code"]) == (409, "not_delivered")
    assert (await counter.client.post("/v1/trackers/s-9/disputes", json=told)).status_code == 404
    await counter.client.post("/v1/scans", json={"scans": [WAY[0], DELIVERED]})
    first, again = [await counter.client.post("/v1/trackers/s-1/disputes", json=told) for _ in range(2)]
    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
    assert first.json()["evidence"] == ["dispute:ebay-1", f"tracking:{NUMBERS[0]}"]
    other = await counter.client.post("/v1/trackers/s-1/disputes", json={**told, "reference": "ebay-2"})
    assert (other.status_code, other.json()["code"]) == (409, "dispute_open")
    [shown] = (await counter.client.get("/v1/trackers/s-1", params={"lang": "zh"})).json()["exceptions"]
    assert (shown["code"], shown["state"], shown["told"]) == (
        "track.delivery_disputed", "open", "显示签收但买家未收到"
    )  # fmt: skip
    end = "/v1/trackers/s-1/disputes/ebay-1/settlement"
    for _ in range(2):
        ended = (await counter.client.post(end, json={"outcome": "refunded"})).json()
        assert (ended["state"], ended["version"], ended["evidence"][-1]) == ("resolved", 2, "outcome:refunded")
    assert (
        await counter.client.post(end.replace("-1/settle", "-7/settle"), json={"outcome": "found"})
    ).status_code == 404
    assert (await counter.client.post("/v1/trackers/s-1/disputes", json=told)).status_code == 200, "the same denial"


async def test_what_the_page_says_to_try_can_be_tried(counter: Counter, tmp_path: Path) -> None:
    await counter.desk.labels(label(order="first-1"))
    counter.desk.clock.advance(datetime.now(UTC) - counter.desk.clock.now())
    services = {name: [counter.url] for name in ("ingest", "labeler", "tracker")}
    places = json.dumps({"keys": {"demo": os.environ["LINKSTAR_API_KEY"]}, "services": services})
    (tmp_path / "endpoints.json").write_text(places)
    (tmp_path / ".linkstar").mkdir()
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    [helpers] = re.findall(r"^told\(\).*?^send\(\).*?$", GUIDE, re.MULTILINE | re.DOTALL)
    tries = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE.split("## Try it")[1], re.MULTILINE | re.DOTALL))
    tries = re.sub(r"^\.venv/bin/linkstar .*\n", "", tries, flags=re.MULTILINE)
    script = f"{helpers}\n{tries}".replace('"usps"', '"fedex"').replace('"01"', '"DL"')
    ran = await asyncio.create_subprocess_exec("bash", "-c", script, cwd=tmp_path, stdout=-1, stderr=-2)
    said = (await ran.communicate())[0].decode()
    for told in ('200 {"accepted":1,', '"state":"open"', "outcome:found", '"hours":48'):
        assert told in said, said
