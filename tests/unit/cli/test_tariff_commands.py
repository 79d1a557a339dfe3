"""`linkstar tariffs` as a person types it, and every command and manifest that docs/tariffs.md shows."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from architecture.source_tree import ROOT
from typer.testing import CliRunner

from linkstar_cli.main import app
from linkstar_router.domain.checks.layouts import LAYOUTS
from linkstar_router.domain.manifest import parsed

PAGE = (ROOT / "docs/tariffs.md").read_text()
SURCHARGES = next(layout for layout in LAYOUTS if layout.name == "surcharges by country")
COMMANDS = re.findall(r"^    linkstar (tariffs .+)$", PAGE, re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the one the page speaks of."""
    packs = tmp_path / "my-packs"
    packs.mkdir()
    header = ",".join(SURCHARGES.columns)
    row = "US,Acme,handling,30.00,per parcel,USD,no,commercial,over 48 in,2026-06-01,high,contract 17"
    (packs / "surcharges.csv").write_text(f"{header}\n{row}\n")
    monkeypatch.chdir(tmp_path)
    return packs


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_runs(desk: Path, command: str) -> None:
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.output
    assert done.output


def test_the_manifest_of_the_page_is_one() -> None:
    (text,) = re.findall(r"```toml\n(.+?)```", PAGE, re.DOTALL)
    assert parsed(tomllib.loads(text), "page").service[0].lists[0].id == "acme-ground"


def test_a_faulty_pack_ends_with_status_1_and_names_the_place(desk: Path) -> None:
    sheet = desk / "surcharges.csv"
    sheet.write_text(sheet.read_text().replace("30.00", "thirty"))
    done = CliRunner().invoke(app, ["tariffs", "check", "my-packs", "--json"])
    assert done.exit_code == 1
    (report,) = json.loads(done.output)
    assert [(found["code"], found["file"], found["row"]) for found in report["findings"]] == [
        ("bad_value", "surcharges.csv", 2)
    ]
