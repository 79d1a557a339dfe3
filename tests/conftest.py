"""Shared fixtures: one Kafka and one PostgreSQL per test session, one migrated database per module."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import servers
from hypothesis import HealthCheck, settings

from linkstar_runtime.migrate import migrate
from linkstar_sandbox.plan import DATABASE, SERVICES
from linkstar_sandbox.provision import drop_database, provision_database

# A busy machine is no fault of the code: no property fails because an example took long. CI replays the same examples, so
# that a change is refused for what it changed; everywhere else each run looks for new ones, and "thorough" for many.
COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ)
settings.register_profile("linkstar", COMMON)
settings.register_profile("thorough", COMMON, max_examples=3_000)
settings.load_profile("linkstar")

LONGEST = ("test_stage_kafka", "test_supervised_stack", "test_usual_way", "test_tariff_import", "test_stage_postgres")
"""Files that take longer than others, apart from those of whole stacks."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; then, after the shuffle, files that wait for servers among files that compute: no worker idles
    while the other waits. Skips what these servers cannot show.
    """
    places = _places(items)
    items.sort(key=lambda item: places[item.path])
    other = "embedded" if servers.in_containers() else "containers"
    for item in items:
        if marker := item.get_closest_marker(other):
            item.add_marker(pytest.mark.skip(reason=f"{other} only: {marker.args[0]}"))


def _places(items: list[pytest.Item]) -> dict[Path, tuple[int, float]]:
    """The place of each file: whole stacks, the longest, and all others as evenly mixed as their numbers allow."""
    marks = {item.path: {mark.name for mark in item.iter_markers()} for item in items}
    waiting = [path for path, found in marks.items() if "integration" in found]
    computing = [path for path, found in marks.items() if not found & {"integration", "e2e"}]
    mixed = {path: (2, at / len(kind)) for kind in (waiting, computing) for at, path in enumerate(kind)}
    longest = {path: (1, float(LONGEST.index(path.stem))) for path in marks if path.stem in LONGEST}
    whole = {path: (0, 0.0) for path, found in marks.items() if "e2e" in found}
    return mixed | longest | whole


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
    with servers.running(servers.kafka(sandbox_home / "kafka")) as kafka:
        yield kafka.bootstrap


@pytest.fixture(scope="session")
def postgres(sandbox_home: Path) -> Iterator[servers.Postgres]:
    """A real server."""
    with servers.running(servers.postgres(sandbox_home)) as postgres:
        yield postgres


@pytest.fixture(scope="session")
def postgres_admin_url(postgres: servers.Postgres) -> str:
    """The superuser's address of the maintenance database."""
    return postgres.url()


@pytest.fixture(scope="session")
def template_database(postgres: servers.Postgres) -> str:
    """A database with every service's migrations applied, copied for each module."""
    name = "linkstar_template"
    asyncio.run(_migrated(postgres, name))
    return name


async def _migrated(postgres: servers.Postgres, name: str) -> None:
    await provision_database(postgres.url(), name)
    for service in SERVICES:
        package = f"linkstar_{service}.migrations"
        if find_spec(package):
            await migrate(postgres.url(name), service, package)


@pytest.fixture(scope="module")
def database_url(postgres: servers.Postgres, template_database: str) -> Iterator[str]:
    """The superuser's address of a fresh, migrated database of this module."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin_url = postgres.url()
    asyncio.run(provision_database(admin_url, name, template=template_database))
    yield postgres.url(name)
    asyncio.run(drop_database(admin_url, name))


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that keeps one test's topics apart from every other's."""
    return f"t{uuid.uuid4().hex[:8]}-"


@pytest.fixture(scope="module")
def stack_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings under which a whole stack runs on containers of its own; embedded servers it starts itself."""
    if not servers.in_containers():
        yield
        return
    home = tmp_path_factory.mktemp("servers")
    with servers.running(servers.kafka(home)) as kafka, servers.running(servers.postgres(home)) as postgres:
        asyncio.run(provision_database(postgres.url(), DATABASE))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("LINKSTAR_KAFKA__BOOTSTRAP", kafka.bootstrap)
            environment.setenv("LINKSTAR_DATABASE__ADMIN_URL", postgres.url(DATABASE))
            yield
