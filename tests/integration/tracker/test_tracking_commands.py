"""The commands that docs/tracking.md shows: a timeline in two languages, and the codes nobody explains."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from integration.tracker.tracking_counter import Counter, opened_counter
from unit.tracker.tracked_facts import NUMBERS, label

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[3] / "docs/tracking.md").read_text("utf-8")


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
