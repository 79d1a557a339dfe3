"""The commands that docs/evidence.md shows, on a real record: good, tampered with in the file, and in the database."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pypdfium2
import pytest
from integration.tracker.tracking_counter import Counter, opened_counter
from typer.testing import CliRunner
from unit.tracker.tracked_facts import NUMBERS, label, scan

from linkstar_cli.main import app as command_line
from linkstar_contracts.evidence_pack import EvidencePack, verified
from linkstar_tracker.jobs import closing

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[3] / "docs/evidence.md").read_text("utf-8")
HASH = re.compile(r"(head|key|gave,) [0-9a-f]+")
PICTURE = b"\xff\xd8\xff\xe0 a door"


@pytest.fixture
async def counter(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counter]:
    monkeypatch.chdir(tmp_path)
    async with opened_counter(database_url, tmp_path) as opened:
        yield opened


def shown(command: str) -> str:
    block = re.search(rf"^    \$ linkstar {re.escape(command)}\n((?:    (?!\$).*\n)*)", PAGE, re.MULTILINE)
    assert block, command
    return re.sub(r"(?m)^    ", "", HASH.sub(r"\1 …", block[1]))


async def run(command: str, answer: str | None = None) -> tuple[int, str]:
    result = await asyncio.to_thread(CliRunner().invoke, command_line, command.split(), input=answer)
    return result.exit_code, HASH.sub(r"\1 …", result.output)


async def test_a_pack_holds_until_somebody_touches_it(counter: Counter, tmp_path: Path) -> None:
    early = scan("PU", 1, number=NUMBERS[0])
    await counter.desk.scans(early)  # before its label: recorded first
    await counter.desk.labels(label(), label())
    await counter.desk.scans(scan("IT", 9)._replace(text="在途 “transit”"), scan("DL", 30), early)
    (tmp_path / "delivered.jpg").write_bytes(PICTURE)
    adding = "evidence add s-1 delivered.jpg --kind proof_of_delivery"
    assert [await run(adding), await run(adding)] == [(0, shown(adding))] * 2
    for command in ("evidence export s-1 --to case.zip", "evidence export s-1 --to case.json"):
        status, told = await run(command)
        assert (status, told.replace(".json", ".zip")) == (0, shown("evidence export s-1 --to case.zip"))
    good = (tmp_path / "case.json").read_text("utf-8")
    told = json.loads(good)
    assert [entry["kind"] for entry in told["entries"]] == ["scan", "label", "scan", "scan", "paper"]
    assert told["entries"][2]["fact"]["text"] == "在途 “transit”"
    pages = pypdfium2.PdfDocument(_summary(tmp_path / "case.zip"))
    text = pages[0].get_textpage().get_text_range()
    assert told["head"] in text
    assert "papers/5-proof_of_delivery.jpg" in text
    assert "weight.value: 1" in " ".join(text.split())

    (tmp_path / "tampered.json").write_text(good.replace("在途", "丢失"), "utf-8")
    assert await run("evidence verify tampered.json") == (1, shown("evidence verify tampered.json"))


def _summary(file: Path) -> bytes:
    with ZipFile(file) as archive:
        assert archive.read("papers/5-proof_of_delivery.jpg") == PICTURE
        return archive.read("summary.pdf")


async def test_a_closed_case_is_erased_and_its_packs_go_on_to_hold(counter: Counter, tmp_path: Path) -> None:
    await counter.desk.labels(label())
    await counter.desk.scans(scan("PU", 1), scan("IT", 9), scan("DL", 30))
    (tmp_path / "delivered.jpg").write_bytes(PICTURE)
    await run("evidence add s-1 delivered.jpg --kind proof_of_delivery")
    assert await run("evidence cases") == (0, shown("evidence cases"))
    await run("evidence export s-1 --to before.json")
    keys = (await counter.client.get("/v1/evidence-keys", headers={"Authorization": ""})).json()["keys"]
    assert (await run("evidence key"))[1].startswith(keys[0]["public_key"])
    (tmp_path / "linkstar.pub").write_text(json.dumps(keys))
    for answer in ("", "n\n"):
        assert (await run("evidence close s-1", answer))[0] == 1
        assert await run("evidence cases") == (0, shown("evidence cases"))
    assert (await run("evidence close s-1", "y\n"))[0] == 0
    assert (await run("evidence close s-1 --yes"))[1].startswith("case_not_open")
    await run("evidence export s-1 --to case.json")
    checked = "evidence verify case.json --key linkstar.pub --earlier before.json"
    assert await run(checked) == (0, shown(checked))
    async with counter.desk.database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM evidence_paper") == 0
        assert [list(row) for row in await tx.fetch("SELECT key, closed_by FROM evidence_case")] == [[None, "command"]]
        await tx.execute("UPDATE scan SET received_at = received_at - interval '1 day' WHERE entry = 2")
    assert "entry_changed" in (await run("evidence export s-1 --to case.json"))[1]


async def test_a_case_opens_with_a_loss_and_closes_a_portion_at_a_time_when_nothing_can_be_claimed(
    counter: Counter,
) -> None:
    desk, post = counter.desk, counter.client.post
    for number, order in enumerate(("s-1", "s-2", "s-3")):
        await desk.labels(label(order=order, numbers=[f"44904430413783{number}"]))
        await desk.scans(scan("PU", 3, number=f"44904430413783{number}"), order=order)
    await desk.timer(260)
    listed = (await counter.client.get("/v1/evidence-cases?limit=2")).json()
    assert [(each["shipment_id"], each["opened_by"]) for each in listed["cases"]] == [
        ("s-1", "track.lost"), ("s-2", "track.lost")
    ]  # fmt: skip
    assert listed["next"] == "s-2"
    text = {"content": b"Lost, says the depot", "headers": {"Content-Type": "text/plain"}}
    for order in ("s-1", "s-2"):
        assert (await post(f"/v1/trackers/{order}/evidence?kind=communication", **text)).status_code == 201
    assert (await post("/v1/trackers/s-2/evidence?kind=communication", **text)).status_code == 200
    assert (await post("/v1/trackers/s-2/evidence?kind=weight", **text)).json()["case"] == 1
    assert (await post("/v1/trackers/s-3/case", json={"keep_days": 200})).json()["keep_until"][:7] == "2027-01"
    desk.clock.advance(timedelta(days=95))
    for left in (2, 1, 1):
        async with desk.database.transaction() as tx:
            await closing(1)([3], tx)
            assert await tx.fetchval("SELECT count(*) FROM evidence_case WHERE closed_at IS NULL") == left
    for order, count in (("s-1", 4), ("s-2", 5)):
        verdict = verified((await post(f"/v1/evidence/{order}")).content)
        assert verdict.holds
        assert verdict.pack
        assert (verdict.pack.count, {p.standing for p in verdict.pack.papers()}) == (count, {"erased"})
    reopened = await post("/v1/trackers/s-1/evidence?kind=communication", **text)
    assert (reopened.status_code, reopened.json()["case"]) == (201, 2)
    claims = (await counter.client.get("/v1/trackers/s-1/case")).json()["claims"]
    assert {(each["kind"], each["closes_at"][:10]) for each in claims} == {
        ("loss", "2026-08-07"), ("damage", "2026-08-07"), ("missing", "2026-08-07")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "told", "content", "status", "code"),
    [
        ("s-1/evidence?kind=picture", "image/png", PICTURE, 415, "content_type_wrong"),
        ("s-1/evidence?kind=gossip", "image/jpeg", PICTURE, 422, "validation_failed"),
        ("s-9/evidence?kind=picture", "image/jpeg", PICTURE, 404, "shipment_unknown"),
        ("s-1/evidence?kind=picture", "image/jpeg", PICTURE + bytes(4 << 20), 413, "body_too_large"),
        ("s-9/case/close", "", b"", 404, "shipment_unknown"),
    ],
)  # fmt: skip
async def test_what_is_no_paper_is_refused_and_opens_no_case(
    counter: Counter, path: str, told: str, content: bytes, status: int, code: str
) -> None:
    await counter.desk.labels(label())
    answer = await counter.client.post(f"/v1/trackers/{path}", content=content, headers={"Content-Type": told})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await counter.client.get("/v1/evidence-cases")).json()["cases"] == []


async def test_a_sealed_paper_changed_in_the_database_shows(counter: Counter) -> None:
    await counter.desk.labels(label())
    headers = {"Content-Type": "image/jpeg"}
    await counter.client.post("/v1/trackers/s-1/evidence?kind=picture", content=PICTURE, headers=headers)
    async with counter.desk.database.transaction() as tx:
        assert PICTURE not in await tx.fetchval("SELECT sealed FROM evidence_paper")
        await tx.execute("UPDATE evidence_paper SET sealed = sealed || '\\x00'")
    verdict = verified((await counter.client.post("/v1/evidence/s-1")).content)
    assert [fault.code for fault in verdict.faults] == ["paper_changed"]


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
    assert found in [fault.told for fault in verdict.faults]


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
