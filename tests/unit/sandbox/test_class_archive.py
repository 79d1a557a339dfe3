"""The archive of Kafka's classes: made once by a program that ends well, read afterwards, new for another Java or jar."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from linkstar_sandbox.class_archive import ClassArchive


@pytest.fixture
def java(tmp_path: Path) -> Path:
    machine = tmp_path / "jdk" / "lib" / "server" / "libjvm.so"
    machine.parent.mkdir(parents=True)
    machine.touch()
    return tmp_path / "jdk" / "bin" / "java"


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    (tmp_path / "kafka.jar").touch()
    return tmp_path / "kafka.jar"


def run(options: tuple[str, ...]) -> None:
    """What Java does at its end when it is told to."""
    name, _, target = options[0].partition("=")
    if name == "-XX:ArchiveClassesAtExit":
        Path(target).write_text("classes")


def test_it_is_made_once_and_read_afterwards(java: Path, jar: Path) -> None:
    archive = ClassArchive(java, [jar])
    assert archive.options == ()
    with archive.made() as options:
        run(options)
        assert archive.options == (), "nobody reads it half written"
    reading = archive.options
    assert reading[0].startswith("-XX:SharedArchiveFile=")
    with ClassArchive(java, [jar]).made() as options:
        assert options == reading
    assert [path.suffix for path in jar.parent.glob("classes-*")] == [".jsa"]


def test_a_program_that_leaves_none_does_no_harm(java: Path, jar: Path) -> None:
    archive = ClassArchive(java, [jar])
    with archive.made():
        pass
    assert archive.options == ()


@pytest.mark.parametrize("renewed", ["jdk/lib/server/libjvm.so", "kafka.jar"])
def test_another_java_or_jar_has_one_of_its_own(java: Path, jar: Path, tmp_path: Path, renewed: str) -> None:
    with ClassArchive(java, [jar]).made() as options:
        run(options)
    os.utime(tmp_path / renewed, ns=(1, 1))
    assert ClassArchive(java, [jar]).options == ()
