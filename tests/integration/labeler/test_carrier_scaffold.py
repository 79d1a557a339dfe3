"""What `linkstar carriers scaffold` writes works before anybody has touched it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from integration.labeler.carrier_rigs import DE_RECEIVER, DE_SENDER, OAUTH, Bench, Rig, as_label, running_simulator
from typer.testing import CliRunner

from linkstar_cli.main import app
from linkstar_labeler.carriers import remote
from linkstar_labeler.carriers.remote import open_http
from linkstar_labeler.domain.connector import NotFound, OutcomeUnknown, Purchased, Refused, Voided
from linkstar_sandbox.carrier_apis import server

ROOT = Path(__file__).parents[3]
CONNECTOR = Path("services/labeler/linkstar_labeler/carriers/remote/star_post.py")
SIMULATOR = Path("sandbox/linkstar_sandbox/carrier_apis/star_post.py")
NEW = Rig(
    "star-post", "standard", "EUR", DE_SENDER, DE_RECEIVER, credentials=OAUTH,
    said_no={"1 Undeliverable Way": "undeliverable"},
)  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for path in (CONNECTOR, SIMULATOR):
        (tmp_path / path.parent).mkdir(parents=True)
    made = CliRunner().invoke(app, ["carriers", "scaffold", "star-post", "--checkout", str(tmp_path)])
    assert made.exit_code == 0, made.output
    assert "star_post import StarPost" in made.output
    return tmp_path


def loaded(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


async def test_scaffold_passes_what_matters_most(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(remote.CONNECTORS, "star-post", loaded(checkout / CONNECTOR, "star_post_connector").StarPost)
    monkeypatch.setitem(server.CARRIERS, "star-post", loaded(checkout / SIMULATOR, "star_post_simulator").star_post)
    with running_simulator() as simulator:
        async with open_http() as http:
            bench = Bench(NEW, simulator, http)
            request = NEW.request()
            assert isinstance(await bench.connector.recover(request), NotFound)
            bench.fail("timeout_after")
            assert isinstance(await bench.connector.buy(request), OutcomeUnknown)
            found = await bench.connector.recover(request)
            assert isinstance(found, Purchased), found
            label = as_label(request, found.carrier_id, (found.parcels[0].tracking_number,))
            assert [await bench.connector.void(label) for _ in range(2)] == [Voided(), Voided()]
            assert bench.charged == []
            refused = await bench.connector.buy(NEW.request(street="1 Undeliverable Way"))
            assert isinstance(refused, Refused)
            assert refused.code == "undeliverable"


def test_scaffold_is_in_house_style(checkout: Path) -> None:
    ruff = [str(Path(sys.executable).parent / "ruff")]
    paths = [str(checkout / CONNECTOR), str(checkout / SIMULATOR)]
    config = ["--config", str(ROOT / "pyproject.toml")]
    for command in (["check", *config], ["format", "--check", *config]):
        checked = subprocess.run([*ruff, *command, *paths], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("name", "says"), [("Bad Name", "small letters"), ("star-post", "exists")])
def test_scaffold_refuses(checkout: Path, name: str, says: str) -> None:
    refused = CliRunner().invoke(app, ["carriers", "scaffold", name, "--checkout", str(checkout)])
    assert refused.exit_code != 0
    assert says in refused.output


def test_scaffold_wants_a_checkout(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["carriers", "scaffold", "star-post", "--checkout", str(tmp_path)])
    assert refused.exit_code != 0
    assert "checkout" in refused.output
