"""`linkstar dlq` over a real database and broker: nothing is redriven that nobody selected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from linkstar_cli.main import app

pytestmark = pytest.mark.integration
LETTERS = (("ingest", "invalid", 7), ("ingest", "undecodable", 8), ("router", "invalid", 9), ("router", "invalid", 99))
FORGOTTEN = 99
"""The offset of a letter whose bytes are deleted: nothing is left to send."""
INSERT = (
    "INSERT INTO {service}.dead_letter (grp, topic, part, off, code, class, tenant, headers) "
    "VALUES ('{service}', 'orders-inbound', 3, $2, $1, 'record', 'demo', $3)"
)


@pytest.fixture(autouse=True)
def letters(database_url: str, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("LINKSTAR_DATABASE__URL", database_url)
    monkeypatch.setenv("LINKSTAR_KAFKA__BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("LINKSTAR_HOME", str(tmp_path))
    asyncio.run(_execute(database_url, True))
    yield
    asyncio.run(_execute(database_url, False))


async def _execute(database_url: str, insert: bool) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for service, code, offset in LETTERS:
            if insert:
                await connection.execute(
                    INSERT.format(service=service), code, offset, None if offset == FORGOTTEN else b"-"
                )
            else:
                await connection.execute(f"DELETE FROM {service}.dead_letter WHERE off = $1", offset)
    finally:
        await connection.close()


def dlq(*arguments: str) -> tuple[int, str]:
    shown = CliRunner().invoke(app, ["dlq", *arguments])
    return shown.exit_code, shown.output


def test_redrive_without_selection_sends_nothing_and_counts() -> None:
    status, shown = dlq("redrive")
    assert status == 1
    assert "nothing-selected: 3 dead letters would be sent" in shown
    assert "--all" in shown


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ((), 3), (("--code", "invalid"), 2), (("--service", "ingest"), 2), (("--tenant", "nobody"), 0),
        (("ingest/orders-inbound/3/8",), 1),
    ],
)  # fmt: skip
def test_selection_is_counted_before_it_is_sent(
    chosen: tuple[str, ...], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("linkstar_cli.dead_letters._replay", lambda _access, service, options: asked.append(service))
    assert f"{count} dead letters would be sent." in dlq("redrive", *chosen, "--dry-run")[1]
    assert bool(asked) == bool(count)


def test_list_as_json_names_letters_as_redrive_takes_them() -> None:
    status, shown = dlq("list", "--json", "--service", "ingest")
    assert status == 0
    found = {each["letter"]: each["code"] for each in json.loads(shown)}
    assert found == {"ingest/orders-inbound/3/7": "invalid", "ingest/orders-inbound/3/8": "undecodable"}


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_no_letter_is_cut(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert "ingest/orders-inbound/3/7" in dlq("list")[1]
