"""Migrations, roles and grants on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.migrate import at_head, migrate
from linkstar_runtime.migrations import MigrationError
from linkstar_runtime.settings import DatabaseSettings, Settings

pytestmark = pytest.mark.integration
SERVICES = ("ingest", "router", "labeler", "tracker", "returns")
THING = "CREATE TABLE thing (id int PRIMARY KEY);"


@asynccontextmanager
async def _empty_database(admin_url: str) -> AsyncIterator[str]:
    """The superuser's address of an empty database."""
    name = f"migrate_{uuid.uuid4().hex[:8]}"
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"CREATE DATABASE {name}")
    yield urlsplit(admin_url)._replace(path=f"/{name}").geturl()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def url(postgres_admin_url: str) -> AsyncIterator[str]:
    async with _empty_database(postgres_admin_url) as url:
        yield url


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of migrations with one file; its name is the directory's."""
    directory = tmp_path / f"migrations_{uuid.uuid4().hex[:8]}"
    directory.mkdir()
    (directory / "__init__.py").touch()
    (directory / "0001_create_thing.sql").write_text(THING)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return directory


async def _as(url: str, service: str) -> Database:
    return await Database.connect(Settings(database=DatabaseSettings(url=url)), service, Clock())


async def _may(url: str, service: str, sql: str) -> bool:
    database = await _as(url.replace("postgres@", "{service}@"), service)
    try:
        async with database.transaction() as tx:
            await tx.execute(sql)
    except asyncpg.InsufficientPrivilegeError:
        return False
    finally:
        await database.close()
    return True


async def test_services_migrate_at_once_on_two_databases(url: str, postgres_admin_url: str, package: Path) -> None:
    async with _empty_database(postgres_admin_url) as other:
        done = await asyncio.gather(*(migrate(to, name, package.name) for to in (url, other) for name in SERVICES))
    names = [name for applied in done for name in applied]
    assert sorted(name for name in names if name.startswith("router/")) == [
        "router/0001_create_stage.sql", "router/0001_create_stage.sql",
        "router/0001_create_thing.sql", "router/0001_create_thing.sql",
        "router/0002_create_idempotency_key.sql", "router/0002_create_idempotency_key.sql",
        "router/0003_keep_chunks_as_they_are.sql", "router/0003_keep_chunks_as_they_are.sql",
    ]  # fmt: skip
    assert sum(name.startswith(("vault/", "access/")) for name in names) == 4
    assert await migrate(url, "router", package.name) == []


async def test_a_changed_file_is_refused_and_a_new_one_applied(url: str, package: Path) -> None:
    await migrate(url, "router", package.name)
    (package / "0002_widen_thing.sql").write_text("ALTER TABLE thing ADD note text;")
    database = await _as(url, "router")
    async with database.acquire() as connection:
        assert not await at_head(connection, "router", package.name)
        assert await migrate(url, "router", package.name) == ["router/0002_widen_thing.sql"]
        assert await at_head(connection, "router", package.name)
    await database.close()
    (package / "0001_create_thing.sql").write_text(THING + "-- edited later")
    with pytest.raises(MigrationError) as caught:
        await migrate(url, "router", package.name)
    assert caught.value.code == "migration_changed"


@pytest.mark.parametrize(
    ("name", "code"), [("0003_gap.sql", "migration_misnumbered"), ("2_short.sql", "migration_misnamed")]
)
async def test_badly_numbered_files_are_refused(url: str, package: Path, name: str, code: str) -> None:
    (package / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError) as caught:
        await migrate(url, "router", package.name)
    assert caught.value.code == code


async def test_a_failing_file_leaves_nothing_behind(url: str, package: Path) -> None:
    (package / "0002_half.sql").write_text("CREATE TABLE half (id int); SELECT 1 / 0;")
    with pytest.raises(MigrationError) as caught:
        await migrate(url, "router", package.name)
    assert caught.value.code == "migration_failed"
    (package / "0002_half.sql").write_text("CREATE TABLE half (id int);")
    assert await migrate(url, "router", package.name) == ["router/0002_half.sql"]


async def test_roles_change_rows_of_their_own_schema_only(url: str, package: Path) -> None:
    for service in ("router", "tracker"):
        await migrate(url, service, package.name)
    assert await _may(url, "router", "INSERT INTO thing VALUES (1)")
    assert await _may(url, "router", "UPDATE thing SET id = 2; DELETE FROM thing")
    for sql in (
        "CREATE TABLE mine (id int)", "DROP TABLE thing", "TRUNCATE thing", "SELECT * FROM tracker.thing",
        "UPDATE schema_migration SET checksum = ''", "CREATE SCHEMA other", "SET ROLE router_owner; DROP TABLE thing",
        "INSERT INTO access.api_key (id8) VALUES ('x')",
    ):  # fmt: skip
        assert not await _may(url, "router", sql), sql


async def test_whoever_signs_in_works_with_the_rights_of_the_service(url: str, package: Path) -> None:
    await migrate(url, "router", package.name)
    database = await _as(url, "router")
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT current_user, current_setting('lock_timeout'), current_schema()")
    await database.close()
    assert row is not None
    assert tuple(row) == ("router", "10s", "router")


async def test_rights_taken_back_by_a_migration_stay_taken_back(url: str, package: Path) -> None:
    (package / "0002_append_only.sql").write_text("REVOKE UPDATE, DELETE ON thing FROM labeler;")
    for _ in range(2):
        await migrate(url, "labeler", package.name)
    assert await _may(url, "labeler", "INSERT INTO thing VALUES (1)")
    assert not await _may(url, "labeler", "DELETE FROM thing")


@pytest.mark.parametrize("service", SERVICES)
async def test_few_services_reach_the_vault(url: str, package: Path, service: str) -> None:
    await migrate(url, service, package.name)
    insert = "INSERT INTO vault.dek VALUES ('demo', 'x', 'k', 'w', now())"
    assert await _may(url, service, "SELECT * FROM vault.dek") is (
        service in {"ingest", "labeler", "tracker", "returns"}
    )
    assert await _may(url, service, insert) is (service == "ingest")
    for sql in ("DELETE FROM vault.dek", "UPDATE vault.dek SET wrapped = ''"):
        assert not await _may(url, service, sql)
    assert await _may(url, service, "SELECT * FROM access.api_key")


async def test_the_role_brings_its_time_outs_and_password(url: str, package: Path) -> None:
    await migrate(url, "router", package.name, service_url="postgresql://{service}:s3cr%65t@db/linkstar")
    admin = await asyncpg.connect(url)
    try:
        verifier = await admin.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = 'router'")
        assert verifier.startswith("SCRAM-SHA-256$")
        await admin.execute("ALTER ROLE router PASSWORD NULL")
        owner = await admin.fetchrow("SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'router_owner'")
        assert tuple(owner) == (False, False)
    finally:
        await admin.close()
    signed_in = await asyncpg.connect(url.replace("postgres@", "router@"))
    try:
        for name, value in (
            ("idle_in_transaction_session_timeout", "5s"), ("statement_timeout", "30s"), ("lock_timeout", "10s"),
            ("search_path", "router"),
        ):  # fmt: skip
            assert await signed_in.fetchval(f"SHOW {name}") == value
    finally:
        await signed_in.close()


async def test_an_administrator_without_superuser_rights_can_migrate(url: str, package: Path) -> None:
    """As on managed servers: may create roles, owns the database, and is no superuser."""
    admin = await asyncpg.connect(url)
    dba, service = f"dba_{uuid.uuid4().hex[:8]}", f"svc_{uuid.uuid4().hex[:8]}"
    try:
        await admin.execute(f"CREATE ROLE {dba} LOGIN CREATEROLE")
        database = await admin.fetchval("SELECT current_database()")
        await admin.execute(f"ALTER DATABASE {database} OWNER TO {dba}")
        for shared in await admin.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname IN ('vault_owner', 'access_owner')"
        ):
            await admin.execute(f"GRANT {shared['rolname']} TO {dba} WITH ADMIN OPTION")
        as_dba = url.replace("postgres@", f"{dba}@")
        done = await migrate(as_dba, service, package.name)
        assert f"{service}/0001_create_thing.sql" in done
        assert await migrate(as_dba, service, package.name) == []
        assert await _may(url, service, "INSERT INTO thing VALUES (1)")
        assert not await _may(url, service, "DROP TABLE thing")
        owner = await admin.fetchval(
            "SELECT tableowner FROM pg_tables WHERE schemaname = $1 AND tablename = 'thing'", service
        )
        assert owner == f"{service}_owner"
    finally:
        await admin.close()
