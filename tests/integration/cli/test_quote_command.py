"""`linkstar quote` as its page shows it, against a router that runs, and without one."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from integration.cli.routed_stack import DOCS, linkstar, routed_stack, shown_commands
from integration.router.router_desk import RouterDesk
from typer.testing import CliRunner

from linkstar_cli.main import app

pytestmark = pytest.mark.integration
HEAVY, LONG, BATTERY, REMOTE, BORDER, QUOTATION = shown_commands("quotes.md")


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[RouterDesk]:
    async with routed_stack(database_url, tmp_path) as opened:
        yield opened


async def _shown(command: str) -> dict[str, Any]:
    """The answer of a command of the page, which must also print as a table."""
    words = shlex.split(command)
    printed, raw = await linkstar(*words), await linkstar(*words, "--json")
    assert (printed.exit_code, raw.exit_code) == (0, 0), printed.output
    answer: dict[str, Any] = json.loads(raw.stdout)
    for entry in (*answer["routes"], *answer["excluded"]):
        assert f"{entry['carrier']}/{entry['service']} " in printed.stdout
    return answer


async def test_a_heavy_parcel_pays_for_handling(desk: RouterDesk) -> None:
    answer = await _shown(HEAVY)
    [ground] = [route for route in answer["routes"] if route["tariff"].startswith("ups-ground-daily")]
    assert "additional_handling" in {line["code"] for line in ground["lines"]}
    assert "oversize" in {notice["code"] for notice in answer["notices"]}


async def test_a_long_parcel_pays_for_its_length(desk: RouterDesk) -> None:
    answer = await _shown(LONG)
    codes = {route["carrier"]: {line["code"] for line in route["lines"]} for route in answer["routes"]}
    assert "length_surcharge" in codes["usps"]
    assert "additional_handling" in codes["ups"]


async def test_a_battery_on_its_own_rules_services_out(desk: RouterDesk) -> None:
    answer = await _shown(BATTERY)
    assert {entry["code"] for entry in answer["excluded"]} == {"battery"}


async def test_a_remote_area_is_told_with_the_services_that_charge(desk: RouterDesk) -> None:
    notices = {notice["code"]: notice for notice in (await _shown(REMOTE))["notices"]}
    assert notices["remote_area"]["services"] == ["dpd-uk/next_day"]


async def test_a_border_without_customs_data_leaves_no_service(desk: RouterDesk) -> None:
    answer = await _shown(BORDER)
    assert answer["routes"] == []
    assert {entry["code"] for entry in answer["excluded"]} == {"cross_border_without_customs"}


async def test_a_mix_becomes_a_quotation(desk: RouterDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").symlink_to(DOCS)
    monkeypatch.chdir(tmp_path)
    made = await linkstar(*shlex.split(QUOTATION))
    assert made.exit_code == 0, made.output
    assert "this quotation against what is paid now: " in made.stdout
    rows = list(openpyxl.load_workbook("quotation.xlsx")["Quotation"].values)
    assert len(rows) == 1 + len((DOCS / "shipment-mix.csv").read_text().splitlines()[1:])
    assert all(isinstance(row[3], int | float) for row in rows[1:])


async def test_a_fault_of_the_request_is_one_coded_line(desk: RouterDesk) -> None:
    refused = await linkstar("quote", "--to", "10001", "--parcel", "2 lb 10x8x4 in", "--at", "noon")
    assert refused.exit_code == 1
    assert "quoted_at" in refused.stderr
    assert refused.stderr.startswith("validation_failed: ")


def test_without_a_stack_a_process_of_the_router_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKSTAR_HOME", str(tmp_path))
    words = shlex.split(BORDER)
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    assert {entry["code"] for entry in json.loads(result.stdout)["excluded"]} == {"cross_border_without_customs"}
    assert CliRunner().invoke(app, [*words, "--at", "noon"]).exit_code == 1
