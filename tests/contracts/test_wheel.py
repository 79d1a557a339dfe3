"""The contracts as a subscriber gets them: one wheel, pydantic and nothing else, and every message is readable."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from contracts.golden import EXAMPLES, GOLDENS, ROOT

READER = """
import json, sys
from pathlib import Path
from linkstar_contracts import parse_record

kinds = []
for path in sorted(Path(sys.argv[1]).rglob("*.json")):
    message = json.loads(path.read_text("utf-8"))
    headers = [(name, value.encode()) for name, value in message["headers"].items()]
    event = parse_record(headers, json.dumps(message["body"]).encode(), message["topic"])
    assert type(event).model_validate_json(event.body()) == event
    kinds.append(type(event).__name__)
print(json.dumps([kinds, sys.modules["linkstar_contracts"].__file__]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(build, cwd=ROOT / "libs/contracts", check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def subscriber(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment into which only the wheel was installed."""
    home = tmp_path_factory.mktemp("subscriber") / "venv"
    uv = Path(sys.executable).with_name("uv")
    pins = home.with_name("pins.txt")
    lock = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    pins.write_text("\n".join(line.split(" \\")[0] for line in lock if "==" in line), encoding="utf-8")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, home], check=True)
    python = home / "bin/python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "--constraint", pins, wheel], check=True)
    return python


def test_wheel_is_typed_and_holds_the_package_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "linkstar_contracts/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"linkstar_contracts"}


def test_installs_with_pydantic_only(subscriber: Path) -> None:
    program = "import json; from importlib.metadata import distributions as d; print(json.dumps([x.name for x in d()]))"
    listed = subprocess.run([subscriber, "-I", "-c", program], check=True, capture_output=True, text=True)
    assert set(json.loads(listed.stdout)) == {
        "linkstar-contracts", "pydantic", "pydantic_core", "annotated-types", "typing_extensions", "typing-inspection",
    }  # fmt: skip


def test_reads_every_golden_message(subscriber: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [subscriber, "-I", "-c", READER, EXAMPLES], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    kinds, module = json.loads(run.stdout)
    assert kinds == [golden.event_class.__name__ for golden in GOLDENS]
    assert Path(module).is_relative_to(subscriber.parents[1])


def test_writes_what_the_checkout_writes(subscriber: Path, tmp_path: Path) -> None:
    """The generator travels in the wheel: a subscriber can make schemas and documents without the repository."""
    subprocess.run(
        [subscriber, "-I", "-m", "linkstar_contracts.generate"], check=True, cwd=tmp_path, capture_output=True
    )
    for path in ("docs/asyncapi.yaml", "docs/events.md", "libs/contracts/schemas/order-received.v1.json"):
        assert (tmp_path / path).read_bytes() == (ROOT / path).read_bytes()
