"""Every container of the compose file and every image is hardened, and the check sees each weakness that is planted."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml
from architecture.source_tree import ROOT, SERVICES
from deploy.hardening import image_weaknesses, weaknesses

from linkstar_sandbox.kafka import SETTINGS

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))
IMAGES = {path.parent.name: path for path in DEPLOY.glob("images/*/Dockerfile") if path.parent.name != "builder"}
OURS = {f"linkstar/{name}" for name in (*SERVICES, *IMAGES)}


def found(service: dict[str, Any]) -> list[str]:
    return list(weaknesses(service, service["image"] in OURS))


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_container_is_hardened(name: str) -> None:
    assert found(COMPOSE["services"][name]) == []


@pytest.mark.parametrize(
    ("planted", "weakness"),
    [
        ({"user": "0:0"}, "runs as root"),
        ({"user": ""}, "runs as root"),
        ({"privileged": True}, "privileged"),
        ({"read_only": False}, "writable root file system"),
        ({"cap_drop": []}, "keeps capabilities"),
        ({"cap_add": ["NET_ADMIN"]}, "keeps capabilities"),
        ({"security_opt": []}, "may gain privileges"),
        ({"mem_limit": None}, "no mem_limit"),
        ({"cpus": None}, "no cpus"),
        ({"pids_limit": None}, "no pids_limit"),
        ({"healthcheck": {"disable": True}}, "no health check"),
        ({"image": "unknown"}, "no health check"),
        ({"ports": ["8080:8080"]}, "open to the network: 8080:8080"),
    ],
)
def test_a_planted_weakness_is_found(planted: dict[str, Any], weakness: str) -> None:
    assert found({**COMPOSE["services"]["router"], **planted}) == [weakness]


@pytest.mark.parametrize("path", [DEPLOY / "Dockerfile", *IMAGES.values()], ids=["service", *IMAGES])
def test_every_image_is_hardened(path: Any) -> None:
    assert list(image_weaknesses(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("planted", "weakness"),
    [
        ("\nUSER root\n", "runs as root"),
        ("\nUSER linkstar\n", "its user is no number, so that no cluster can tell that it is not root"),
        ("\nENV DATABASE_PASSWORD=x\n", "a secret in the image"),
    ],
)
def test_a_planted_weakness_of_an_image_is_found(planted: str, weakness: str) -> None:
    assert list(image_weaknesses((DEPLOY / "Dockerfile").read_text("utf-8") + planted)) == [weakness]


def test_the_compose_file_runs_and_migrates_every_service() -> None:
    for service in SERVICES:
        for name in (service, f"{service}-migrate"):
            assert COMPOSE["services"][name]["image"] == f"linkstar/{service}"
        assert f"{service}-migrate" in COMPOSE["services"]["prepare"]["depends_on"]


def test_its_broker_plays_the_part_of_the_embedded_one() -> None:
    environment = COMPOSE["services"]["kafka"]["environment"]
    for name in ("auto.create.topics.enable", "process.roles", "inter.broker.listener.name"):
        assert environment[f"KAFKA_{name.replace('.', '_').upper()}"] == SETTINGS[name]


def test_without_an_engine_the_command_says_why_it_skips() -> None:
    environment = {"DOCKER_HOST": "unix:///nonexistent/engine.sock", "PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, "-m", "containers"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert "SKIPPED, no Docker engine answers at unix:///nonexistent/engine.sock" in first
    assert "no Docker engine" in json.loads(last)["skipped_because"]
