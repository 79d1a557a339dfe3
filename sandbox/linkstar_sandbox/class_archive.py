"""Kafka's classes as Java maps them into memory: written down once per Java, later starts take about a third less CPU."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["ClassArchive"]


class ClassArchive:
    """The archive of one Java beside the jars it was made of. Java ignores one that does not fit, and none is needed."""

    def __init__(self, java: Path, jars: Sequence[Path]) -> None:
        self._file = jars[0].parent / f"classes-{_identity(java, jars)}.jsa"

    @property
    def options(self) -> tuple[str, ...]:
        """What Java is told so that it reads the archive; nothing before it was made."""
        return (
            (f"-XX:SharedArchiveFile={self._file}", "-Xlog:disable", "-Xlog:all=error") if self._file.exists() else ()
        )

    @contextmanager
    def made(self) -> Iterator[tuple[str, ...]]:
        """Options for a program that ends by itself and well: the first time it leaves the archive behind.

        The archive appears by rename, so that nobody reads one half written.
        """
        if self._file.exists():
            yield self.options
            return
        partial = self._file.with_suffix(f".{os.getpid()}")
        try:
            yield (f"-XX:ArchiveClassesAtExit={partial}", "-Xlog:disable", "-Xlog:all=error")
        finally:
            with suppress(OSError):
                partial.rename(self._file)


def _identity(java: Path, jars: Sequence[Path]) -> str:
    """A name that changes with the Java installation and the jars' files."""
    home = java.resolve().parent.parent
    parts = [home / "lib" / "server" / "libjvm.so", *jars]
    written = [f"{part} {part.stat().st_mtime_ns}" for part in parts if part.exists()]
    return hashlib.sha256("\n".join(written).encode()).hexdigest()[:12]
