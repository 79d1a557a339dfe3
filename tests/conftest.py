"""Shared fixtures: one embedded Kafka and PostgreSQL per test session, one migrated database per module."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from linkstar_runtime.migrate import migrate
from linkstar_sandbox.kafka import EmbeddedKafka
from linkstar_sandbox.places import postgres_home
from linkstar_sandbox.plan import SERVICES
from linkstar_sandbox.postgres import EmbeddedPostgres
from linkstar_sandbox.provision import drop_database, provision_database

# A busy machine is no fault of the code: no property fails because an example took long.
settings.register_profile("linkstar", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("linkstar")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, after the shuffle: so that two workers end together."""
    items.sort(key=lambda item: (not item.get_closest_marker("e2e"), not item.get_closest_marker("integration")))


@pytest.fixture(scope="session")
def sandbox_home() -> Iterator[Path]:
    """A short directory that PostgreSQL's own user may enter; removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="linkstar-test-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka_bootstrap(sandbox_home: Path) -> Iterator[str]:
    """The address of a real broker."""
    kafka = EmbeddedKafka(sandbox_home / "kafka")
    kafka.start()
    yield kafka.bootstrap
    kafka.stop()


@pytest.fixture(scope="session")
def embedded_postgres(sandbox_home: Path) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(postgres_home(sandbox_home))
    postgres.start()
    yield postgres
    postgres.stop()


@pytest.fixture(scope="session")
def postgres_admin_url(embedded_postgres: EmbeddedPostgres) -> str:
    """The superuser's address of the maintenance database."""
    return embedded_postgres.url()


@pytest.fixture(scope="session")
def template_database(embedded_postgres: EmbeddedPostgres) -> str:
    """A database with every service's migrations applied, copied for each module."""
    name = "linkstar_template"
    asyncio.run(_migrated(embedded_postgres, name))
    return name


async def _migrated(postgres: EmbeddedPostgres, name: str) -> None:
    await provision_database(postgres.url(), name)
    for service in SERVICES:
        package = f"linkstar_{service}.migrations"
        if find_spec(package):
            await migrate(postgres.url(name), service, package)


@pytest.fixture(scope="module")
def database_url(embedded_postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """The superuser's address of a fresh, migrated database of this module."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin_url = embedded_postgres.url()
    asyncio.run(provision_database(admin_url, name, template=template_database))
    yield embedded_postgres.url(name)
    asyncio.run(drop_database(admin_url, name))


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that keeps one test's topics apart from every other's."""
    return f"t{uuid.uuid4().hex[:8]}-"
