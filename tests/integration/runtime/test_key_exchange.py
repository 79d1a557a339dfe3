"""The master key is exchanged while services run: old and new replicas open everything at every step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from linkstar_cli.main import app
from linkstar_contracts.values import Consignee, SealedConsignee
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.migrate import migrate
from linkstar_runtime.settings import DatabaseSettings, Settings, VaultSettings
from linkstar_runtime.vault import Vault, VaultError

pytestmark = pytest.mark.integration
ADA = Consignee(name="Ada Example", street="Weg 1", city="Hannover", postcode="30179", country="DE")


@pytest.fixture
async def ingest(database_url: str) -> AsyncIterator[Database]:
    await migrate(database_url, "ingest", "linkstar_runtime.runtime_migrations")
    await migrate(database_url, "labeler", "linkstar_labeler.migrations")
    settings = Settings(database=DatabaseSettings(url=database_url))
    database = await Database.connect(settings, "ingest", ManualClock(datetime(2026, 5, 1, tzinfo=UTC)))
    yield database
    await database.close()


def vault(folder: Path, key: str, *others: str) -> Vault:
    for name in (key, *others):
        Vault.create_master_key(folder / name)
    files = tuple(folder / name for name in others)
    return Vault.from_settings(VaultSettings(master_key_file=folder / key, other_key_files=files))


async def seal(database: Database, keys: Vault, order_id: str) -> SealedConsignee:
    async with database.transaction() as tx:
        return (await keys.seal_many(tx, [("demo", order_id, ADA)]))[0]


async def opened(database: Database, keys: Vault, order_id: str, sealed: SealedConsignee) -> Any:
    async with database.transaction() as tx:
        return (await keys.open_many(tx, [("demo", order_id, sealed)]))[0]


async def bind(url: str, credentials: bytes) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        """INSERT INTO labeler.carrier_account (tenant, carrier, account, connector, base_url, credentials, changed_at)
           VALUES ('demo', 'usps', 'own', 'usps', 'https://apis.usps.com', $1, now())""",
        credentials,
    )
    await connection.close()


async def credentials(url: str) -> bytes:
    connection = await asyncpg.connect(url)
    found: bytes = await connection.fetchval("SELECT credentials FROM labeler.carrier_account")
    await connection.close()
    return found


def rewrap(url: str, folder: Path, key: str, other: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[str]]:
    monkeypatch.setenv("LINKSTAR_DATABASE__ADMIN_URL", url)
    asked = ["vault", "rewrap", "--key", str(folder / key), "--other", str(folder / other)]
    done = CliRunner().invoke(app, asked)
    return done.exit_code, done.output.splitlines()


async def test_nothing_is_closed_at_any_step_and_the_old_key_opens_nothing_at_the_end(
    ingest: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, knows_next = vault(tmp_path, "old"), vault(tmp_path, "old", "next")
    knows_old, new = vault(tmp_path, "next", "old"), vault(tmp_path, "next")
    first = await seal(ingest, old, "o-1")
    await bind(database_url, old.seal_secret("demo", "usps/own", b"client secret"))
    second = await seal(ingest, knows_old, "o-2")
    for keys in (knows_next, knows_old):
        assert [await opened(ingest, keys, each, s) for each, s in (("o-1", first), ("o-2", second))] == [ADA, ADA]
    code, told = await _in_thread(rewrap, database_url, tmp_path, "next", "old", monkeypatch)
    assert (code, told) == (0, [
        "orders' keys: 1 rewrapped, 1 already under this key, 0 unreadable",
        "secrets: 1 rewrapped, 0 already under this key, 0 unreadable",
    ])  # fmt: skip
    assert [await opened(ingest, new, each, s) for each, s in (("o-1", first), ("o-2", second))] == [ADA, ADA]
    assert new.open_secret("demo", "usps/own", await credentials(database_url)) == b"client secret"
    with pytest.raises(VaultError, match="broken_seal"):
        await opened(ingest, old, "o-1", first)
    code, told = await _in_thread(rewrap, database_url, tmp_path, "next", "old", monkeypatch)
    assert (code, told[0]) == (0, "orders' keys: 0 rewrapped, 2 already under this key, 0 unreadable")
    vault(tmp_path, "lost", "other")
    code, told = await _in_thread(rewrap, database_url, tmp_path, "lost", "other", monkeypatch)
    assert (code, told[0]) == (1, "orders' keys: 0 rewrapped, 0 already under this key, 2 unreadable")
    assert await opened(ingest, new, "o-1", first) == ADA


async def _in_thread(work: Any, *arguments: Any) -> tuple[int, list[str]]:
    """The command runs an event loop of its own."""
    found: tuple[int, list[str]] = await asyncio.to_thread(work, *arguments)
    return found


def test_the_command_makes_a_key_once_and_says_so(tmp_path: Path) -> None:
    asked = ["vault", "create", str(tmp_path / "next.key")]
    told = [CliRunner().invoke(app, asked).output for _ in range(2)]
    assert ["a new master key" in told[0], "was there already" in told[1]] == [True, True]
    assert Vault.from_settings(VaultSettings(master_key_file=tmp_path / "next.key")).seal_secret("demo", "a", b"b")
