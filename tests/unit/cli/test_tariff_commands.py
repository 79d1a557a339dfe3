"""`linkstar tariffs` as a person types it, and every command and manifest that docs/tariffs.md shows."""

from __future__ import annotations

import csv
import json
import re
import shlex
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
NEW_YORK = ("1122", "1919")  # list of 2026-07-12, zone 8: 10.67 + 0.55 peak up to 3 lb, and 19.19
COMMANDS = re.findall(r"^    linkstar (tariffs .+)$", PAGE, re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the one the page speaks of."""
    packs = tmp_path / "my-packs"
    packs.mkdir()
    header = ",".join(SURCHARGES.columns)
    row = "US,Acme,handling,30.00,per parcel,USD,no,commercial,over 48 in,2026-06-01,high,contract 17"
    (packs / "surcharges.csv").write_text(f"{header}\n{row}\n")
    (packs / "acme.yaml").write_text(
        (ROOT / "docs/tariffs/acme/acme-ups-2026.yaml").read_text().split("  2nd_day_air")[0]
    )
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    return packs


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_runs(desk: Path, command: str) -> None:
    done = CliRunner().invoke(app, shlex.split(command))
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


def test_a_table_for_carts_covers_the_country_by_bands(desk: Path) -> None:
    command = next(command for command in COMMANDS if command.startswith("tariffs export"))
    done = CliRunner().invoke(app, shlex.split(command))
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((desk.parent / "rates.csv").read_text().splitlines()))
    assert {row["weight_up_to"] for row in rows} == {"1 lb", "5 lb"}
    new_york = [row for row in rows if row["postcode_from"] <= "10001" <= row["postcode_to"]]
    assert [(row["zone"], row["net_minor"]) for row in new_york] == [("8", NEW_YORK[0]), ("8", NEW_YORK[1])]


def test_a_difference_is_told_cell_by_cell(desk: Path) -> None:
    words = ["tariffs", "diff", "shipped", "docs/tariffs/acme", "--on", "2026-11-23", "--json"]
    found = {
        (each["service"], each["what"], each["where"]): (each["before"], each["after"])
        for each in json.loads(CliRunner().invoke(app, words).output)["differences"]
    }
    assert found["ups/ground", "contract", "basis_points"] == (None, "3800")
    assert found["ups/2nd_day_air", "price", "zone 2, to 5 lb"] == ("3016", "1720")
    assert found["ups/2nd_day_air", "price", "zone 3, to 5 lb"][1] is None
    assert ("usps/ground_advantage", "service", "price list") not in found


def test_what_cannot_be_compared_is_a_coded_line(desk: Path) -> None:
    done = CliRunner().invoke(app, ["tariffs", "export", "ups/balloon", "--origin", "90058", "--weight", "1 lb"])
    assert done.exit_code == 1
    assert "service_unknown" in done.output
