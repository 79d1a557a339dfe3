"""A real Apache Kafka broker on this machine: one KRaft process, no container, data kept between runs."""

from __future__ import annotations

import shutil
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from linkstar_sandbox.class_archive import ClassArchive
from linkstar_sandbox.daemon import Identity, launch, stop, stop_child
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.jars import ensure_jars
from linkstar_sandbox.java import find_java
from linkstar_sandbox.places import require_space
from linkstar_sandbox.ports import free_ports, is_free, is_open

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
LOG_SPACE_MIB = 512
HEAP = "-Xmx512m"
JVM = (HEAP, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Small and quick to warm up: the optimising compiler's threads cost more than they save in the minutes this broker lives
(on two cores, 10,000 orders through the product: 269 against 435-484 us of broker CPU per order).
"""

SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,DETOUR:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "min.insync.replicas": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "auto.create.topics.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "2",
    # After a kill the controller waits for the dead broker's session: 13 s with the defaults, 4 s with these.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
}


def random_cluster_id() -> str:
    """A new id as Kafka writes it. None begins with a dash: the storage tool would take it for an option."""
    while (found := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return found


@dataclass(frozen=True)
class Detour:
    """A second listener on port `listens`, whose clients are told to come to port `advertised`, where a proxy stands."""

    listens: int
    advertised: int


class EmbeddedKafka:
    """One broker with its data in `home`. `start` leaves it ready for clients or raises a coded error."""

    def __init__(self, home: Path, port: int | None = None, detour: Detour | None = None) -> None:
        self.home, self._detour = home.resolve(), detour
        self.log = self.home / "kafka.log"
        self._asked_port = port
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Starts the broker, after clearing what an earlier, killed run left behind."""
        java, jars = find_java(), ensure_jars()
        require_space(self.home, LOG_SPACE_MIB)
        self.stop_leftover()
        properties = self._write_properties()
        archive = ClassArchive(java, jars)
        command = [*JVM, f"-Dlog4j2.configurationFile={self._logging()}", "-cp", ":".join(map(str, jars))]
        with archive.made() as options:
            self._format_once([str(java), *options, *command], properties)
        offset = self.log.stat().st_size if self.log.exists() else 0
        self._process = launch([java, *archive.options, *command, "kafka.Kafka", properties], self.log, cwd=self.home)
        Identity.of(self._process.pid).save(self._pid_file)
        self._await_ready(offset)

    def stop(self) -> bool:
        """Stops the broker cleanly, by force after a time-out. True if it stopped by itself."""
        if self._process is None:
            return True
        clean = stop_child(self._process, STOP_TIMEOUT_S)
        self._process = None
        self._pid_file.unlink(missing_ok=True)
        return clean

    def stop_leftover(self) -> None:
        """Ends a broker of an earlier run on the same data whose starter was killed."""
        identity = Identity.load(self._pid_file)
        if identity:
            stop(identity, STOP_TIMEOUT_S)
        self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self.home / "kafka.pid"

    def _write_properties(self) -> Path:
        self._port, controller = self._choose_ports()
        listens = advertised = f"BROKER://127.0.0.1:{self._port}"
        if self._detour:
            listens += f",DETOUR://127.0.0.1:{self._detour.listens}"
            advertised += f",DETOUR://127.0.0.1:{self._detour.advertised}"
        settings = {
            **SETTINGS,
            "log.dirs": str(self.home / "log"),
            "listeners": f"{listens},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": advertised,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        }
        path = self.home / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def _choose_ports(self) -> tuple[int, int]:
        """The asked or last used port, kept so that clients survive a restart, and one for the controller."""
        wanted = self._asked_port or self._port
        if not wanted:
            first, second = free_ports(2)
            return first, second
        if not is_free(wanted):
            raise SandboxError(
                "port-taken",
                f"Port {wanted} of 127.0.0.1 is used by another process.",
                "Stop that process, or let LinkStar choose a free port.",
            )
        return wanted, free_ports(1)[0]

    def _logging(self) -> Path:
        path = self.home / "log4j2.properties"
        path.write_text(files("linkstar_sandbox").joinpath("log4j2.properties").read_text("utf-8"))
        return path

    def _format_once(self, command: list[str], properties: Path) -> None:
        """Formats the data directory; a format cut short by a kill is done again."""
        marker = self.home / "formatted"
        if marker.exists():
            return
        shutil.rmtree(self.home / "log", ignore_errors=True)
        cluster = random_cluster_id()
        format_command = [*command, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        done = subprocess.run(format_command, capture_output=True, text=True, check=False, cwd=self.home)
        if done.returncode:
            raise SandboxError("kafka-start-failed", f"Formatting failed: {done.stderr[-500:]}", self._remedy())
        marker.write_text(cluster)

    def _await_ready(self, offset: int) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            written = self._log_since(offset)
            if "Kafka Server started" in written and is_open(self._port):
                return
            if self.pid is None:
                raise self._died(written)
            time.sleep(0.05)
        self.stop()
        raise SandboxError("kafka-start-failed", f"Not ready after {READY_TIMEOUT_S:.0f} s.", self._remedy())

    def _died(self, written: str) -> SandboxError:
        if "Address already in use" in written:
            return SandboxError("port-taken", f"Kafka could not listen on {self._port}.", "Start again.")
        if "No space left on device" in written:
            return SandboxError("disk-full", "Kafka's disk is full.", "Free some space.")
        return SandboxError("kafka-start-failed", f"Kafka ended at start: {written[-500:]}", self._remedy())

    def _log_since(self, offset: int) -> str:
        with self.log.open("rb") as stream:
            stream.seek(offset)
            return stream.read().decode(errors="replace")

    def _remedy(self) -> str:
        return f"See {self.log}; `linkstar reset` starts with empty data."
