"""The locked jars of Apache Kafka: fetched by coordinate, verified by SHA-256, cached for the user."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jgo.maven import MavenContext, PythonResolver

from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.places import cache_home, require_space
from linkstar_sandbox.progress import Advance, byte_progress

KAFKA_VERSION = "4.4.0"
DOWNLOAD_THREADS = 8
DOWNLOAD_TIMEOUT_S = 30
DOWNLOAD_SPACE_MIB = 150


@dataclass(frozen=True)
class Jar:
    """One line of the lock: an exact Maven coordinate and the only content accepted for it."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def matches(self, path: Path) -> bool:
        """True if the file at `path` is exactly this jar."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == self.sha256


def locked_jars() -> tuple[Jar, ...]:
    """The jars of the committed lock, in its order."""
    text = files("linkstar_sandbox").joinpath("kafka-jars.lock").read_text("utf-8")
    return tuple(_parse(line) for line in text.splitlines() if line and not line.startswith("#"))


def _parse(line: str) -> Jar:
    coordinate, sha256, size = line.split("\t")
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, sha256, int(size))


def ensure_jars(directory: Path | None = None, jars: Sequence[Jar] | None = None) -> tuple[Path, ...]:
    """Paths of all locked jars, each verified now; only what is absent or damaged is fetched.

    An interrupted or concurrent call leaves no half-written jar behind: files appear by rename.
    """
    directory = directory or cache_home() / f"kafka-{KAFKA_VERSION}"
    jars = locked_jars() if jars is None else jars
    missing = [jar for jar in jars if not jar.matches(directory / jar.filename)]
    if missing:
        require_space(directory, DOWNLOAD_SPACE_MIB)
        _fetch_all(missing, directory)
    return tuple(directory / jar.filename for jar in jars)


def _fetch_all(jars: Sequence[Jar], directory: Path) -> None:
    title = f"Apache Kafka {KAFKA_VERSION}, {len(jars)} jars"
    with byte_progress(title, sum(jar.size for jar in jars)) as advance, _scratch(directory) as scratch:
        context = MavenContext(
            resolver=PythonResolver(progress_callback=_reporting(advance)),
            repo_cache=scratch,
            local_repos=[],
            timeout=DOWNLOAD_TIMEOUT_S,
        )
        with ThreadPoolExecutor(DOWNLOAD_THREADS) as pool:
            list(pool.map(lambda jar: _fetch(jar, context, directory), jars))


@contextmanager
def _scratch(directory: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=".partial-", dir=directory))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class _reporting:
    """Adapts our progress display to the callback of the Maven client."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance

    @contextmanager
    def __call__(self, _filename: str, _size: int) -> Iterator[Advance]:
        yield self._advance


def _fetch(jar: Jar, context: MavenContext, directory: Path) -> None:
    try:
        downloaded = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (OSError, RuntimeError) as error:
        raise _unfetched(jar, error) from error
    if not jar.matches(downloaded):
        raise SandboxError(
            "hash-mismatch",
            f"{jar.filename} does not have the SHA-256 of the lock ({jar.sha256[:12]}…); it was discarded.",
            "Try again; if it persists, a proxy or mirror alters downloads: do not use it.",
        )
    downloaded.replace(directory / jar.filename)


def _unfetched(jar: Jar, error: Exception) -> SandboxError:
    """The network client's errors are OSErrors too; what it could not find it reports as a RuntimeError."""
    if getattr(error, "errno", None) == errno.ENOSPC:
        return SandboxError("disk-full", f"No space left for {jar.filename}.", "Free some space.")
    return SandboxError(
        "network-unavailable",
        f"{jar.filename} could not be fetched: {type(error).__name__}.",
        "Check the network or proxy settings and try again; what was fetched already is kept.",
    )
