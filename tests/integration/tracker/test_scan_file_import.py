"""Files of scans on a real database: taken in once, by portions, whoever dies; and the command in docs/tracking.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from integration.tracker.desk import Desk
from integration.tracker.test_tracking_commands import columns, shown
from integration.tracker.tracking_counter import Counter, _Delivering, opened_counter
from typer.testing import CliRunner
from unit.tracker.tracked_facts import NUMBERS, label

from linkstar_cli.main import app as command_line
from linkstar_contracts.event import Event
from linkstar_runtime.handling import Transaction
from linkstar_runtime.service import ServiceContext
from linkstar_tracker.jobs import scan_files
from linkstar_tracker.jobs.scan_files import ScanFiles
from linkstar_tracker.settings import Settings

pytestmark = pytest.mark.integration
SAMPLE = "docs/examples/scans.csv"


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened_counter(database_url, tmp_path) as opened:
        async with opened.desk.database.transaction() as tx:
            await tx.execute("DELETE FROM scan_file")
        opened.desk.clock.advance(timedelta(days=2))
        yield opened


def service(counter: Counter, writer: Any = None) -> ServiceContext:
    desk = counter.desk
    parts = SimpleNamespace(clock=desk.clock, database=desk.database, writer=writer or _Delivering(desk))
    return cast("ServiceContext", parts)


@asynccontextmanager
async def working(counter: Counter) -> AsyncIterator[None]:
    """The worker at its loop."""

    async def loop() -> None:
        while True:
            await ScanFiles(Settings())(service(counter))
            await asyncio.sleep(0.05)

    task = asyncio.create_task(loop())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def rows(count: int) -> bytes:
    lines = [f"fedex,{NUMBERS[0]},IT,2026-06-08T{hour // 60:02}:{hour % 60:02}:00Z" for hour in range(count)]
    return "\n".join(["carrier,tracking_number,code,scanned_at", *lines]).encode()


async def send(counter: Counter, body: bytes) -> tuple[int, dict[str, Any]]:
    answer = await counter.client.post("/v1/scan-files", content=body, headers={"content-type": "text/csv"})
    return answer.status_code, answer.json()


async def test_the_sample_is_imported_as_the_page_shows(counter: Counter) -> None:
    await counter.desk.labels(label())
    async with working(counter):
        for _ in range(2):
            done = await asyncio.to_thread(
                CliRunner().invoke, command_line, ["scans", "import", SAMPLE], env={"COLUMNS": "220"}
            )
            assert done.exit_code == 1
            assert columns(done.output) == columns(shown(f"linkstar scans import {SAMPLE}"))
    document = (await counter.client.get("/v1/trackers/s-1")).json()
    assert (document["status"], document["version"]) == ("out_for_delivery", 4)
    assert len((await counter.client.get("/v1/unmatched")).json()["unmatched"]) == 1
    assert len((await counter.client.get("/v1/quarantine")).json()["quarantined"]) == 1


async def test_a_file_is_known_by_its_content_and_belongs_to_its_tenant(counter: Counter) -> None:
    await counter.desk.labels(label())
    status, first = await send(counter, rows(450))
    assert (status, first["state"], first["rows"]) == (202, "processing", 450)
    await ScanFiles(Settings())(service(counter))
    status, again = await send(counter, rows(450))
    assert (status, again["state"], again["accepted"], again["rejected"]) == (200, "done", 450, 0)
    for after, told in ((2**31 - 1, 200), (2**31, 422)):
        assert (await counter.client.get(f"/v1/scan-files/{first['file_id']}?after={after}")).status_code == told
    async with counter.desk.database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM scan") == 450
        assert await tx.fetchval("SELECT body FROM scan_file") is None
        await tx.execute("UPDATE scan_file SET tenant = 'other'")
    assert (await counter.client.get(f"/v1/scan-files/{first['file_id']}")).status_code == 404


class _Dying(_Delivering):
    """A process that is killed in the middle of its second portion."""

    portions = 0

    async def run(self, work: Any) -> None:
        self.portions += 1
        if self.portions == 2:
            raise asyncio.CancelledError
        await super().run(work)


async def test_what_a_killed_process_leaves_is_taken_in_by_another(counter: Counter) -> None:
    await counter.desk.labels(label())
    _, file = await send(counter, rows(450))
    with pytest.raises(asyncio.CancelledError):
        await ScanFiles(Settings())(service(counter, _Dying(counter.desk)))
    await ScanFiles(Settings())(service(counter))
    half = (await counter.client.get(f"/v1/scan-files/{file['file_id']}")).json()
    assert (half["state"], half["taken"]) == ("processing", scan_files._AT_ONCE)
    counter.desk.clock.advance(timedelta(minutes=3))
    await ScanFiles(Settings())(service(counter))
    done = (await counter.client.get(f"/v1/scan-files/{file['file_id']}")).json()
    assert (done["state"], done["accepted"], done["next"]) == ("done", 450, None)


class _Beside(_Delivering):
    """One of two processes that are about to store the same portion."""

    def __init__(self, desk: Desk, meeting: asyncio.Barrier) -> None:
        super().__init__(desk)
        self._meeting, self.portions, self.told = meeting, 0, list[Event]()
        self.begun = asyncio.Event()

    async def run(self, work: Any) -> None:
        self.portions += 1
        if self.portions == 1:
            self.begun.set()
            await self._meeting.wait()

        async def noted(tx: Transaction) -> Sequence[Event]:
            events: Sequence[Event] = await work(tx)
            self.told += events
            return events

        await super().run(noted)


async def test_a_portion_that_two_processes_take_in_at_once_counts_for_one_of_them(counter: Counter) -> None:
    """The first was held up for longer than its lease."""
    await counter.desk.labels(label())
    head, *known = rows(450).splitlines()
    unknown, misshapen = b"fedex,449044304199999,IT,2026-06-08T00:00:00Z", b"fedex"
    _, file = await send(counter, b"\n".join([head, unknown, misshapen, *known]))
    meeting = asyncio.Barrier(2)
    held_up, successor = _Beside(counter.desk, meeting), _Beside(counter.desk, meeting)
    first = asyncio.create_task(ScanFiles(Settings())(service(counter, held_up)))
    await held_up.begun.wait()
    counter.desk.clock.advance(timedelta(minutes=3))
    await asyncio.gather(first, ScanFiles(Settings())(service(counter, successor)))
    done = (await counter.client.get(f"/v1/scan-files/{file['file_id']}")).json()
    assert [done[name] for name in ("state", "taken", "accepted", "unmatched", "rejected")] == ["done", 452, 450, 1, 1]
    assert [(fault["line"], fault["code"]) for fault in done["faults"]] == [(3, "row_shape")]
    assert sorted([held_up.portions, successor.portions]) == [1, 3]
    told = [event.ce_id for event in [*held_up.told, *successor.told]]
    assert (len(told), len(set(told))) == (450, 450)


async def test_a_file_that_is_none_is_refused_as_a_whole(counter: Counter) -> None:
    for body, code in ((b"carrier\n", "column_missing"), (rows(0), "file_empty"), (b"\xff", "file_not_utf8")):
        status, problem = await send(counter, body)
        assert (status, problem["code"]) == (422, code)
    status, problem = await send(counter, b"x" * (16 * 1024 * 1024 + 1))
    assert (status, problem["code"]) == (413, "body_too_large")
    assert (await counter.client.get(f"/v1/scan-files/{'0' * 32}")).status_code == 404
