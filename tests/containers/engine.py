"""The Docker engine: whether one answers, which images it can get, and what an earlier run left in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docker
from docker.errors import DockerException

from linkstar_sandbox.daemon import Identity
from linkstar_sandbox.jars import KAFKA_VERSION

BUILD = Path(__file__).parents[2] / "deploy" / "images" / "build.sh"
RUN_LABEL = "linkstar.test-run"
IMAGES = {
    "kafka": ("LINKSTAR_TEST_KAFKA_IMAGE", f"apache/kafka:{KAFKA_VERSION}", "linkstar/kafka"),
    "postgres": ("LINKSTAR_TEST_POSTGRES_IMAGE", "postgres:18", "linkstar/postgres"),
}
"""By server: the variable that names an image, the public image, and the one that build.sh makes."""

Say = Callable[[str], None]


def silence() -> str | None:
    """Why no engine answers; None if one does."""
    try:
        client = docker.from_env()
        client.ping()
        client.close()
    except (DockerException, OSError) as error:
        address = os.environ.get("DOCKER_HOST") or "its usual address"
        return f"no Docker engine answers at {address} ({type(error).__name__}: {error})"
    return None


def this_run() -> str:
    """The mark of every container that this process, or the command that started it, is answerable for."""
    if marked := os.environ.get("LINKSTAR_TEST_RUN"):
        return marked
    me = Identity.of(os.getpid())
    return f"{me.pid}-{me.created}"


def sweep(run: str | None = None) -> list[str]:
    """Removes the containers of `run`, and those of runs whose process has ended; returns their names."""
    client = docker.from_env()
    gone = []
    for container in client.containers.list(all=True, filters={"label": RUN_LABEL}):
        mark = container.labels[RUN_LABEL]
        pid, _, created = mark.partition("-")
        if mark == run or Identity(int(pid), float(created)).find() is None:
            container.remove(force=True, v=True)
            gone.append(str(container.name))
    client.close()
    return gone


def ensure_image(server: str, say: Say) -> str:
    """The name of an image that the engine has: the one asked for, the public one, or one built from local files."""
    variable, public, local = IMAGES[server]
    if asked := os.environ.get(variable):
        return asked
    if _present(public) or _pull(public, say):
        return public
    say(f"{public} cannot be pulled; building {local} from local files")
    subprocess.run([BUILD, server], env={**os.environ, "PYTHON": sys.executable}, check=True)
    return local


def _present(image: str) -> bool:
    return _succeeds(lambda client: client.images.get(image))


def _pull(image: str, say: Say) -> bool:
    say(f"pulling {image}")
    repository, _, tag = image.partition(":")
    return _succeeds(lambda client: client.images.pull(repository, tag=tag))


def _succeeds(ask: Callable[[docker.DockerClient], object]) -> bool:
    client = docker.from_env()
    try:
        ask(client)
    except DockerException:
        return False
    finally:
        client.close()
    return True
