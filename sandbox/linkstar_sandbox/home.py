"""The files of one stack: plan, state, endpoints, keys, logs, spans and data, all below one directory."""

from __future__ import annotations

import json
import os
import secrets
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linkstar_sandbox.places import postgres_home


@dataclass(frozen=True)
class Home:
    """Where everything of a stack lies. Files that hold secrets are readable by their owner only."""

    path: Path

    @property
    def endpoints(self) -> Path:
        """Addresses of the running stack, for people and programs."""
        return self.path / "endpoints.json"

    @property
    def state(self) -> Path:
        """What the supervisor knows of each process, renewed every second."""
        return self.path / "state.json"

    @property
    def plan(self) -> Path:
        return self.path / "plan.json"

    @property
    def clock(self) -> Path:
        return self.path / "clock.json"

    @property
    def secret_file(self) -> Path:
        return self.path / "secrets.json"

    @property
    def master_key(self) -> Path:
        return self.path / "master.key"

    @property
    def supervisor_pid(self) -> Path:
        return self.path / "supervisor.pid"

    @property
    def supervisor_log(self) -> Path:
        return self.logs / "supervisor.log"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def spans(self) -> Path:
        """A directory: each process writes its own file of spans."""
        return self.path / "spans"

    @property
    def ledger(self) -> Path:
        """The carrier simulator's own account of what truly happened."""
        return self.path / "carriers.sqlite"

    @property
    def kafka(self) -> Path:
        return self.path / "kafka"

    @property
    def postgres(self) -> Path:
        return postgres_home(self.path)

    def prepare(self) -> None:
        """Creates the directories that are missing, and the master key of the vault once."""
        for directory in (self.path, self.logs, self.spans):
            directory.mkdir(parents=True, exist_ok=True)
        if not self.master_key.exists():
            write_private(self.master_key, b64encode(secrets.token_bytes(32)).decode())

    def recall(self, name: str) -> str | None:
        """A secret of this stack, if it was made already."""
        known: dict[str, str] = read_json(self.secret_file) or {}
        return known.get(name)

    def remember(self, name: str, secret: str) -> str:
        """Keeps a secret for later runs, and returns it."""
        known: dict[str, str] = read_json(self.secret_file) or {}
        write_private(self.secret_file, json.dumps({**known, name: secret}))
        return secret

    def password(self, role: str) -> str:
        """The password of a database role on a server that asks for one, made once."""
        name = f"database-{role}"
        return self.recall(name) or self.remember(name, secrets.token_urlsafe(24))


def read_json(path: Path) -> Any:
    """The parsed file, or None if it is absent or not JSON."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: Path, value: object) -> None:
    """Replaces the file as a whole: readers see the old or the new content."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=1), "utf-8")
    temporary.replace(path)


def write_private(path: Path, text: str) -> None:
    """Like `write_json`, for a secret: never readable by others, not even for a moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
    temporary.replace(path)
