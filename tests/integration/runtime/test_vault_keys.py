"""Sealing, opening and destroying consignees with keys in a real PostgreSQL."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from linkstar_contracts.values import Consignee, SealedConsignee
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Transaction
from linkstar_runtime.migrate import migrate
from linkstar_runtime.settings import DatabaseSettings, Settings, VaultSettings
from linkstar_runtime.vault import Vault, VaultError

pytestmark = pytest.mark.integration
NOW = datetime(2026, 5, 1, tzinfo=UTC)
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"


def _person(number: int) -> Consignee:
    return Consignee(
        name=f"Ärne 李 {number}", street="Weg 1", city="Hannover", postcode="30179", country="DE", phone="+49 1"
    )


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[dict[str, Database]]:
    found = {}
    for service in ("ingest", "labeler"):
        await migrate(database_url, service, "linkstar_runtime.runtime_migrations")
        settings = Settings(database=DatabaseSettings(url=database_url))
        found[service] = await Database.connect(settings, service, ManualClock(NOW))
    yield found
    for database in found.values():
        await database.close()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    Vault.create_master_key(tmp_path / "master.key")
    return Vault.from_settings(VaultSettings(master_key_file=tmp_path / "master.key"))


async def _seal(database: Database, vault: Vault, *orders: tuple[str, str, Consignee]) -> list[SealedConsignee]:
    async with database.transaction() as tx:
        return await vault.seal_many(tx, orders)


async def _open(database: Database, vault: Vault, *orders: tuple[str, str, SealedConsignee]) -> list[Consignee | None]:
    async with database.transaction() as tx:
        return await vault.open_many(tx, orders)


async def _destroy(url: str, vault: Vault, *orders: tuple[str, str]) -> int:
    connection = await asyncpg.connect(url, server_settings={"role": "vault_owner"})
    try:
        return await vault.destroy(Transaction(connection, NOW), orders)
    finally:
        await connection.close()


async def test_ingest_seals_and_labeler_opens(databases: dict[str, Database], vault: Vault) -> None:
    orders = [("demo", f"a-{number % 400}", _person(number)) for number in range(500)]
    sealed = await _seal(databases["ingest"], vault, *orders)
    assert len({each.token for each in sealed}) == 500
    assert len({each.key_id for each in sealed}) == 400
    assert not any(
        person.name.encode() in each.token.encode() for (_, _, person), each in zip(orders, sealed, strict=True)
    )
    asked = [(tenant, order, each) for (tenant, order, _), each in zip(orders, sealed, strict=True)]
    assert await _open(databases["labeler"], vault, *asked) == [person for _, _, person in orders]


async def test_one_statement_each(databases: dict[str, Database], vault: Vault) -> None:
    statements: list[str] = []
    async with databases["ingest"].transaction() as tx:
        await vault.seal_many(tx, [("demo", "b-0", _person(0))])  # the driver learns the types once per connection
        with tx.connection.query_logger(lambda query: statements.append(query.query)):
            (sealed,) = await vault.seal_many(tx, [("demo", "b-1", _person(1))])
            await vault.open_many(tx, [("demo", "b-1", sealed)])
            await vault.seal_many(tx, [])
    assert len(statements) == 2


async def test_a_redelivery_keeps_the_key(databases: dict[str, Database], vault: Vault) -> None:
    first = await _seal(databases["ingest"], vault, ("demo", "c-1", _person(1)))
    again = await _seal(databases["ingest"], vault, ("demo", "c-1", _person(1)))
    assert first[0].key_id == again[0].key_id
    opened = await _open(databases["ingest"], vault, ("demo", "c-1", first[0]), ("demo", "c-1", again[0]))
    assert opened == [_person(1), _person(1)]


async def test_two_replicas_sealing_one_order_use_one_key(databases: dict[str, Database], vault: Vault) -> None:
    """The second waits for the first to commit and then finds a key that its snapshot did not show."""
    ingest = databases["ingest"]
    async with ingest.transaction() as first:
        (sealed,) = await vault.seal_many(first, [("demo", "d-1", _person(1))])
        second = asyncio.create_task(_seal(ingest, vault, ("demo", "d-1", _person(2))))
        while not await first.fetchval(_WAITING):  # noqa: ASYNC110 - the event is the server's
            await asyncio.sleep(0.01)
    (other,) = await second
    assert other.key_id == sealed.key_id
    assert await _open(ingest, vault, ("demo", "d-1", other)) == [_person(2)]


async def test_a_destroyed_key_closes_every_copy_for_ever(
    databases: dict[str, Database], vault: Vault, database_url: str
) -> None:
    ingest = databases["ingest"]
    kept, shredded = await _seal(ingest, vault, ("demo", "e-1", _person(1)), ("demo", "e-2", _person(2)))
    assert await _destroy(database_url, vault, ("demo", "e-2"), ("demo", "none")) == 1
    asked = [("demo", "e-1", kept), ("demo", "e-2", shredded)]
    assert await _open(ingest, vault, *asked) == [_person(1), None]
    await _seal(ingest, vault, ("demo", "e-2", _person(3)))
    assert await _open(ingest, vault, *asked) == [_person(1), None]


async def test_a_seal_fits_one_order_of_one_tenant_under_one_master_key(
    databases: dict[str, Database], vault: Vault, tmp_path: Path
) -> None:
    ingest = databases["ingest"]
    mine, other = await _seal(ingest, vault, ("demo", "f-1", _person(1)), ("rival", "f-1", _person(2)))
    swapped = SealedConsignee(key_id=other.key_id, token=mine.token)
    cut = SealedConsignee(key_id=mine.key_id, token=mine.token[:20])
    for tenant, sealed in (("rival", swapped), ("demo", cut)):
        with pytest.raises(VaultError) as caught:
            await _open(ingest, vault, (tenant, "f-1", sealed))
        assert caught.value.code == "broken_seal"
    Vault.create_master_key(tmp_path / "other.key")
    stranger = Vault.from_settings(VaultSettings(master_key_file=tmp_path / "other.key"))
    with pytest.raises(VaultError):
        await _open(ingest, stranger, ("demo", "f-1", mine))


async def test_without_master_key_nothing_is_sealed(databases: dict[str, Database]) -> None:
    with pytest.raises(VaultError) as caught:
        await _seal(databases["ingest"], Vault.from_settings(VaultSettings()), ("demo", "g-1", _person(1)))
    assert caught.value.code == "no_master_key"


def test_the_master_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    Vault.create_master_key(path)
    written = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    Vault.create_master_key(path)
    assert path.read_bytes() == written
    path.chmod(0o644)
    with pytest.raises(VaultError, match="open_to_others"):
        Vault.from_settings(VaultSettings(master_key_file=path))
    path.chmod(0o600)
    path.write_text("too short")
    with pytest.raises(VaultError, match="bad_master_key"):
        Vault.from_settings(VaultSettings(master_key_file=path))
