"""The embedded PostgreSQL: data kept over stops and kills, no directory of others touched."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from linkstar_sandbox.places import postgres_home, socket_directory
from linkstar_sandbox.postgres import EmbeddedPostgres

pytestmark = [pytest.mark.integration, pytest.mark.embedded("the embedded server itself is tested")]


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="linkstar-pg-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


async def run(postgres: EmbeddedPostgres, sql: str) -> object:
    connection = await asyncpg.connect(postgres.url())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_server_is_postgresql_18_with_room_for_replicas(postgres: EmbeddedPostgres) -> None:
    assert str(await run(postgres, "SHOW server_version")).startswith("18.")
    assert await run(postgres, "SHOW max_connections") == "200"
    assert await run(postgres, "SHOW server_encoding") == "UTF8"


async def test_data_survives_a_stop_and_a_kill(home: Path) -> None:
    postgres = EmbeddedPostgres(home)
    try:
        postgres.start()
        assert await run(postgres, "SHOW fsync") == "on"
        await run(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert postgres.stop() is True
        postgres.start()
        assert postgres.pid
        os.kill(postgres.pid, signal.SIGKILL)
        successor = EmbeddedPostgres(home)
        successor.start()
        assert await run(successor, "SELECT answer FROM kept") == 42
        successor.stop()
    finally:
        postgres.stop()


def test_no_existing_directory_changes_its_mode(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    checkout = closed / "checkout"
    checkout.mkdir(mode=0o750)
    target = postgres_home(checkout)
    watched = [closed, checkout, *home.parents, home]
    before = [path.stat().st_mode for path in watched]
    postgres = EmbeddedPostgres(target)
    try:
        postgres.start()
        assert [path.stat().st_mode for path in watched] == before
    finally:
        postgres.stop()
        shutil.rmtree(target, ignore_errors=True)


def test_long_paths_get_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)
    assert len(str(socket_directory(deep))) < 80
    assert socket_directory(deep) == socket_directory(deep)
