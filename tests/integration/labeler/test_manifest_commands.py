"""The commands that docs/manifests.md shows, typed one after the other."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from integration.labeler.carrier_rigs import Simulator, running_simulator
from integration.labeler.label_counter import Counter
from integration.labeler.manifest_desk import ask, bind, buy, empty
from integration.labeler.money_counter import MoneyCounter, Terminal, opened_terminal

pytestmark = pytest.mark.integration
SHOWN = re.findall(
    r"^    \$ linkstar (.+)$", (Path(__file__).parents[3] / "docs/manifests.md").read_text(), re.MULTILINE
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
async def terminal(counter: Counter, database_url: str) -> AsyncIterator[Terminal]:
    await empty(counter)
    door: Any = counter.client._transport
    key = counter.client.headers["authorization"].removeprefix("Bearer ")
    async with opened_terminal(cast("MoneyCounter", SimpleNamespace(app=door.app, key=key)), database_url) as opened:
        yield opened


def words(command: str, tmp_path: Path) -> list[str]:
    return [str(tmp_path / word) if word.endswith(".pdf") else word for word in shlex.split(command)]


async def test_commands_of_the_page(counter: Counter, terminal: Terminal, simulator: Simulator, tmp_path: Path) -> None:
    told: dict[str, str] = {}
    for order in ("o1", "o2"):
        await counter.order(order, "Ada")
    for command in SHOWN:
        if command.startswith("manifest answer"):
            assert "manifest_unknown" in await terminal.run(*words(command, tmp_path), status=1)
            continue
        if command.startswith("pickup book"):
            assert (await bind(counter, simulator, "commands")).status_code == 200
            await counter.admin.execute("UPDATE labeler.hand_over SET close_at = NULL")
        if command.startswith("pickup answer"):
            await lose_a_pickup(counter, terminal, simulator, int(command.split()[2][1:]))
        told[command] = await terminal.run(*words(command, tmp_path))
        await ask(counter)
    shown = "\n".join(told.values())
    assert "o1" in told["manifest show M0000001"]
    assert "closed" in told["manifest close US-NJ usps"]
    assert (tmp_path / "M0000001.pdf").read_bytes().startswith(b"%PDF")
    assert "M0000001: reopened" in shown
    assert "16:30" in told["manifest agreements"]
    assert "booked" in told["pickup list --day 2026-11-24"]
    assert [line for line in shown.splitlines() if line.startswith("P000000")][-3:] == [
        "P0000001: cancelled", "P0000002: booked", "P0000003: refused",
    ]  # fmt: skip


async def lose_a_pickup(counter: Counter, terminal: Terminal, simulator: Simulator, number: int) -> None:
    simulator.fail("timeout_after", "pickup", "commands", seconds=0.05)
    book = next(command for command in SHOWN if command.startswith("pickup book"))
    other_day = book.replace("2026-11-24", f"2026-11-{25 + number}")
    assert f"P{number:07d}" in await terminal.run(*shlex.split(other_day))
    await ask(counter)


async def test_programs_read_json_and_mistakes_are_told(
    counter: Counter, terminal: Terminal, simulator: Simulator
) -> None:
    await counter.order("o1", "Ada")
    closed = json.loads(await terminal.run("manifest", "close", "US-NJ", "usps", "--json", "--key", "k1"))
    assert [each["manifest_id"] for each in closed["manifests"]] == ["M0000001"]
    again = await terminal.run("manifest", "close", "US-NJ", "usps", "--json", "--key", "k1")
    assert json.loads(again) == closed
    assert "no manifest" in await terminal.run("manifest", "close", "US-NJ", "usps")
    assert json.loads(await terminal.run("manifest", "list", "--state", "closed", "--json"))[0]["labels"] == 1
    assert len(json.loads(await terminal.run("manifest", "show", "M0000001", "--json"))["on_it"]) == 1
    counter.clock.advance(timedelta(hours=9))
    await counter.order("late", "Ada")
    assert "1 labels wait: after_cut_off" in await terminal.run("manifest", "close", "US-NJ", "usps")
    assert "pickup_not_offered" in await terminal.run(
        "pickup", "book", "US-NJ", "usps", "--day", "2026-11-24", "--ready", "09:00", "--closes", "17:00", status=1
    )
    assert (await bind(counter, simulator, "waits")).status_code == 200
    await buy(counter, "remote")
    waiting = asyncio.create_task(terminal.run("manifest", "close", "US-NJ", "usps", "--include-late", "--json"))
    while not waiting.done():
        await ask(counter)
        await asyncio.wait([waiting], timeout=0.05)
    made = {each["made_by"]: each for each in json.loads(waiting.result())["manifests"]}
    assert (made["carrier"]["state"], made["carrier"]["labels"]) == ("closed", 1)
    assert made["carrier"]["carrier_number"] in {sale["manifest"] for sale in simulator.sales("waits")}
    assert "name one of" in await terminal.run("pickup", "answer", "P0000001", status=2)
