"""The commands that docs/evidence.md shows, on a real record: good, tampered with in the file, and in the database."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from zipfile import ZipFile

import pypdfium2
import pytest
from integration.tracker.tracking_counter import Counter, opened_counter
from typer.testing import CliRunner
from unit.tracker.tracked_facts import NUMBERS, label, scan

from linkstar_cli.main import app as command_line
from linkstar_contracts.evidence_pack import EvidencePack, verified

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[3] / "docs/evidence.md").read_text("utf-8")
HEAD = re.compile(r"head [0-9a-f]+")


@pytest.fixture
async def counter(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counter]:
    monkeypatch.chdir(tmp_path)
    async with opened_counter(database_url, tmp_path) as opened:
        yield opened


def shown(command: str) -> str:
    block = re.search(rf"^    \$ linkstar {re.escape(command)}\n((?:    (?!\$).*\n)*)", PAGE, re.MULTILINE)
    assert block, command
    return re.sub(r"(?m)^    ", "", HEAD.sub("head …", block[1]))


async def run(command: str) -> tuple[int, str]:
    result = await asyncio.to_thread(CliRunner().invoke, command_line, command.split())
    return result.exit_code, HEAD.sub("head …", result.output)


async def test_a_pack_holds_until_somebody_touches_it(counter: Counter, tmp_path: Path) -> None:
    early = scan("PU", 1, number=NUMBERS[0])
    await counter.desk.scans(early)  # before its label: recorded first
    await counter.desk.labels(label(), label())
    await counter.desk.scans(scan("IT", 9)._replace(text="在途 “transit”"), scan("DL", 30), early)
    for command in ("evidence export s-1 --to case.zip", "evidence export s-1 --to case.json"):
        status, told = await run(command)
        assert (status, told.replace(".json", ".zip")) == (0, shown("evidence export s-1 --to case.zip"))
    assert await run("evidence verify case.json") == (0, shown("evidence verify case.json"))
    good = (tmp_path / "case.json").read_text("utf-8")
    told = json.loads(good)
    assert [entry["kind"] for entry in told["entries"]] == ["scan", "label", "scan", "scan"]
    assert told["entries"][2]["fact"]["text"] == "在途 “transit”"
    pages = pypdfium2.PdfDocument(_summary(tmp_path / "case.zip"))
    text = pages[0].get_textpage().get_text_range()
    assert told["head"] in text
    assert "weight.value: 1" in " ".join(text.split())

    (tmp_path / "tampered.json").write_text(good.replace("在途", "丢失"), "utf-8")
    assert await run("evidence verify tampered.json") == (1, shown("evidence verify tampered.json"))


def _summary(file: Path) -> bytes:
    with ZipFile(file) as archive:
        return archive.read("summary.pdf")


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE scan SET scanned_at = scanned_at - interval '1 day' WHERE entry = 2", "entry 2: changed"),
        ("UPDATE evidence SET fact = replace(fact, '725', '925')", "entry 1: changed"),
        ("DELETE FROM scan WHERE entry = 3", "entry 3: missing"),
        ("UPDATE scan SET entry = NULL WHERE entry = 2", "entry 2: missing"),
        ("UPDATE scan SET entry_hash = 'x' WHERE entry = 3", "entry 3: changed"),
    ],
)  # fmt: skip
async def test_a_row_touched_in_the_database_shows_in_the_next_pack(
    counter: Counter, sql: str, found: str | None
) -> None:
    await counter.desk.labels(label())
    await counter.desk.scans(scan("IT", 9), scan("DL", 30))
    async with counter.desk.database.transaction() as tx:
        await tx.execute(sql)
    answer = await counter.client.post("/v1/evidence/s-1")
    verdict = verified(answer.content)
    assert found in verdict.faults


async def test_scans_from_before_the_chain_are_told_and_new_ones_chained(counter: Counter) -> None:
    await counter.desk.labels(label())
    await counter.desk.scans(scan("IT", 9))
    async with counter.desk.database.transaction() as tx:  # as the migration leaves what was there
        await tx.execute("UPDATE scan SET entry = NULL, entry_hash = NULL")
        await tx.execute("UPDATE tracker SET entries = 0, head = NULL")
        await tx.execute("DELETE FROM evidence")
    await counter.desk.scans(scan("DL", 30))
    verdict = verified((await counter.client.post("/v1/evidence/s-1")).content)
    assert verdict.holds
    assert isinstance(verdict.pack, EvidencePack)
    assert ([each["code"] for each in verdict.pack.unchained], verdict.pack.count) == (["IT"], 1)
    assert (await counter.client.post("/v1/evidence/s-9")).status_code == 404
