"""The jar lock: complete, verified at every start, and deaf to altered or unreachable downloads."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.jars import ensure_jars, locked_jars

pytestmark = pytest.mark.integration

SMALL = min(locked_jars(), key=lambda jar: jar.size)


def test_lock_names_each_jar_once() -> None:
    jars = locked_jars()
    assert len(jars) == 45
    assert len({jar.filename for jar in jars}) == 45
    assert {jar.version for jar in jars if jar.artifact.startswith("kafka")} == {"4.4.0"}


def test_damaged_jar_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / SMALL.filename).write_bytes(b"x" * SMALL.size)
    (path,) = ensure_jars(tmp_path, [SMALL])
    assert SMALL.matches(path)


def test_wrong_content_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as refusal:
        ensure_jars(tmp_path, [replace(SMALL, sha256="0" * 64)])
    assert refusal.value.code == "hash-mismatch"
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with pytest.raises(SandboxError) as refusal:
        ensure_jars(tmp_path, [SMALL])
    assert refusal.value.code == "network-unavailable"


def test_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr("linkstar_sandbox.places.shutil.disk_usage", lambda _path: usage)
    with pytest.raises(SandboxError, match="0 MiB free") as refusal:
        ensure_jars(tmp_path, [SMALL])
    assert refusal.value.code == "disk-full"
