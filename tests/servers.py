"""Which Kafka and PostgreSQL the tests run on: the embedded ones, or the same servers in containers."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import quote

from linkstar_sandbox.daemon import launch, stop_child
from linkstar_sandbox.kafka import EmbeddedKafka
from linkstar_sandbox.places import postgres_home
from linkstar_sandbox.ports import free_ports, is_open
from linkstar_sandbox.postgres import SETTINGS, Account, EmbeddedPostgres, server_binaries

SETTING = "LINKSTAR_TEST_SERVERS"
KINDS = ("embedded", "containers")
SHORT_LIVED = {**SETTINGS, "fsync": "off", "full_page_writes": "off"}
"""Nobody needs the data after the tests: a server that may lose them with the machine, and till then is like any other."""


class Kafka(Protocol):
    """A broker of the tests."""

    @property
    def bootstrap(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> object: ...


class Postgres(Protocol):
    """A server of the tests; its address is the first user's."""

    def url(self, database: str = "postgres") -> str: ...
    def start(self) -> None: ...
    def stop(self) -> object: ...


def in_containers() -> bool:
    """True if the setting asks for containers; a misspelt setting is an error."""
    kind = os.environ.get(SETTING, "embedded")
    if kind not in KINDS:
        raise ValueError(f"{SETTING} is {kind!r}, not one of {', '.join(KINDS)}")
    return kind == "containers"


def kafka(home: Path) -> Kafka:
    """A broker, not started yet, that keeps its data in `home` if it is embedded."""
    if in_containers():
        from containers.servers import KafkaContainer

        return KafkaContainer()
    return EmbeddedKafka(home)


def postgres(home: Path) -> Postgres:
    """A server, not started yet, that keeps its data near `home` if it is embedded."""
    if in_containers():
        from containers.servers import PostgresContainer

        return PostgresContainer()
    return EmbeddedPostgres(postgres_home(home), SHORT_LIVED)


def guarded_postgres(home: Path, user: str, password: str) -> Postgres:
    """A server on TCP, not started yet, that asks everybody for a password; `user` is its first user."""
    if in_containers():
        from containers.servers import PostgresContainer

        return PostgresContainer(user, password)
    return GuardedPostgres(home, user, password)


class GuardedPostgres:
    """The embedded programs as an ordinary server: TCP on this machine and a password for everybody."""

    def __init__(self, home: Path, user: str, password: str) -> None:
        self._home, self._user, self._password = home, user, password
        (self._port,) = free_ports(1)

    def url(self, database: str = "postgres", user: str | None = None) -> str:
        return f"postgresql://{user or self._user}:{quote(self._password, safe='')}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        account, binaries, data = Account.choose(), server_binaries(), self._home / "guarded"
        account.own(data)
        secret = self._home / "password"
        secret.write_text(self._password)
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", self._user, "-A", "scram-sha-256", f"--pwfile={secret}", "-EUTF8"],
            check=True, capture_output=True, cwd=data, user=account.uid, group=account.gid,
            extra_groups=None if account.uid is None else [],
        )  # fmt: skip
        command = [binaries / "postgres", "-D", data, "-k", data, "-h", "127.0.0.1", "-p", str(self._port), "-N", "200"]
        self._process = launch(command, self._home / "guarded.log", user=account.uid, group=account.gid, cwd=data)
        deadline = time.monotonic() + 60
        while not is_open(self._port):
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.2)

    def stop(self) -> None:
        stop_child(self._process, 10, signal.SIGINT)


Server = TypeVar("Server", Kafka, Postgres)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, ready for clients, and stopped at the end: at once, for nobody will read its data again."""
    server.start()
    try:
        yield server
    finally:
        if (pid := getattr(server, "pid", None)) is not None:
            os.kill(pid, signal.SIGQUIT if isinstance(server, EmbeddedPostgres) else signal.SIGKILL)
        server.stop()
