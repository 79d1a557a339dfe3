"""A broker and a PostgreSQL in containers: the settings of the embedded ones, and ports that outlive a restart."""

from __future__ import annotations

import os
import socket
import struct
import time
from typing import Any
from urllib.parse import quote

from testcontainers.core.container import DockerContainer

from containers.engine import IMAGES, RUN_LABEL, this_run
from linkstar_sandbox import kafka, postgres
from linkstar_sandbox.ports import free_ports

READY_TIMEOUT_S = 90
HARDENED = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"], "mem_limit": "1500m"}


class _Server:
    """One container that is removed with its data by `stop`; its port on this machine stays the same over a restart."""

    def __init__(self, server: str, port: int, user: str) -> None:
        os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # what it would do, `engine.sweep` does
        variable, _, local = IMAGES[server]
        (self.port,) = free_ports(1)
        image, labels = os.environ.get(variable, local), {RUN_LABEL: this_run()}
        self._container = DockerContainer(image, labels=labels, user=user, **HARDENED)
        self._container.ports[f"{port}/tcp"] = ("127.0.0.1", self.port)

    def start(self) -> None:
        """Leaves the server ready for clients; a container that cannot be is removed and its log is in the error."""
        try:
            self._container.start()
            self._await_answer()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._container.stop()

    def kill(self) -> None:
        """Ends the server's processes at once; its data stays."""
        self._container.get_wrapped_container().kill()

    def start_again(self) -> None:
        """Starts the same container on the same port after a kill."""
        self._container.get_wrapped_container().start()
        self._await_answer()

    def inspect(self) -> dict[str, Any]:
        """What the engine says of the container."""
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return dict(wrapped.attrs)

    def _await_answer(self) -> None:
        """The engine opens the port before the server does, so that only an answer tells."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._answers():
            ended = self.inspect()["State"]["Status"] == "exited"
            if ended or time.monotonic() > deadline:
                written = self._container.get_wrapped_container().logs(tail=30).decode(errors="replace")
                raise RuntimeError(f"{self._container.image} {'ended' if ended else 'gives no answer'}:\n{written}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        raise NotImplementedError

    def _ask(self, request: bytes) -> bytes:
        """The first bytes of the server's answer; none while it does not answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(request)
                return connection.recv(8)
        except OSError:
            return b""


class KafkaContainer(_Server):
    """A broker of its own."""

    def __init__(self) -> None:
        super().__init__("kafka", 9092, "1000:1000")
        settings = {
            **kafka.SETTINGS,
            # Its own coordinators talk to it, too: the address for them is one inside the container.
            "listeners": "BROKER://:9092,INSIDE://127.0.0.1:9094,CONTROLLER://127.0.0.1:9093",
            "advertised.listeners": f"BROKER://{self.bootstrap},INSIDE://127.0.0.1:9094",
            "listener.security.protocol.map": "BROKER:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "INSIDE",
            "controller.quorum.voters": "1@127.0.0.1:9093",
        }
        variables = {f"KAFKA_{name.replace('.', '_').upper()}": value for name, value in settings.items()}
        self._container.with_envs(**variables, CLUSTER_ID=kafka.random_cluster_id(), KAFKA_HEAP_OPTS=kafka.HEAP)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _answers(self) -> bool:
        """It tells the versions of its requests: ApiVersions 0 with correlation id 7."""
        return self._ask(struct.pack(">ihhih", 10, 18, 0, 7, -1))[4:] == b"\0\0\0\7"


class PostgresContainer(_Server):
    """A server of its own; without a password it takes everybody's word, and only this machine reaches it."""

    def __init__(self, user: str = "postgres", password: str | None = None) -> None:
        super().__init__("postgres", 5432, "999:999")
        self._user, self._password = user, password
        method = {"POSTGRES_HOST_AUTH_METHOD": "trust"} if password is None else {"POSTGRES_PASSWORD": password}
        own = ("listen_addresses", "unix_socket_permissions")
        options = [f"-c{name}={value}" for name, value in postgres.SETTINGS.items() if name not in own]
        self._container.with_envs(POSTGRES_USER=user, POSTGRES_DB="postgres", **method).with_command(options)

    def url(self, database: str = "postgres", user: str | None = None) -> str:
        """The address of a database for a user, by default the first one."""
        secret = f":{quote(self._password, safe='')}" if self._password else ""
        return f"postgresql://{user or self._user}{secret}@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        """It asks for a password or lets in; a server that still starts refuses."""
        user = b"user\0" + self._user.encode() + b"\0\0"
        return self._ask(struct.pack(">ii", len(user) + 8, 3 << 16) + user)[:1] == b"R"
