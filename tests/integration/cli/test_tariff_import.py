"""`linkstar tariffs import`, `own` and `withdraw` as their page shows them, against a router on real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import openpyxl
import pytest
from integration.cli.routed_stack import DOCS, linkstar, routed_stack, shown_commands
from integration.router.router_desk import RouterDesk
from unit.router.routed_orders import received

from linkstar_runtime.api_keys import create_key

pytestmark = pytest.mark.integration
IMPORT, OWN, WITHDRAW = shown_commands("tariffs.md")
AGREEMENT = (DOCS / "tariffs/acme/acme-ups-2026.yaml").read_text().split("  2nd_day_air")[0]


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RouterDesk]:
    (tmp_path / "docs").symlink_to(DOCS)
    monkeypatch.chdir(tmp_path)
    async with routed_stack(database_url, tmp_path) as opened:
        yield opened


async def owned() -> list[dict[str, Any]]:
    answer = await linkstar(*shlex.split(OWN), "--json")
    assert answer.exit_code == 0, answer.output
    packs: list[dict[str, Any]] = json.loads(answer.output)
    return packs


async def test_the_commands_of_the_page_import_show_and_withdraw(desk: RouterDesk) -> None:
    for command in (IMPORT, OWN, WITHDRAW):
        done = await linkstar(*shlex.split(command))
        assert done.exit_code == 0, done.output
    (pack,) = await owned()
    assert (pack["pack"], pack["version"], pack["withdrawn"]) == ("acme", 2, True)
    assert pack["services"] == ["ups/2nd_day_air", "ups/ground"]
    assert (pack["valid_from"], pack["valid_to"]) == ("2026-07-01", "2027-06-30")


async def test_the_same_pack_again_changes_nothing_another_is_the_next_version(
    desk: RouterDesk, tmp_path: Path
) -> None:
    sheet = tmp_path / "acme.yaml"
    sheet.write_text(AGREEMENT)
    for _ in range(2):
        assert (await linkstar("tariffs", "import", str(sheet))).exit_code == 0
    assert [pack["version"] for pack in await owned()] == [1]
    sheet.write_text(AGREEMENT.replace("3800", "3900"))
    assert "version 2" in (await linkstar("tariffs", "import", str(sheet))).output
    assert [pack["version"] for pack in await owned()] == [2]


async def test_a_workbook_is_read_like_a_table(desk: RouterDesk, tmp_path: Path) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "acme.yaml").write_text((DOCS / "tariffs/acme/acme-ups-2026.yaml").read_text())
    book = openpyxl.Workbook()
    for line in (DOCS / "tariffs/acme/acme-2nd-day-air.csv").read_text().splitlines():
        book.active.append([int(cell) if cell.isdigit() else cell for cell in line.split(",")])
    book.save(folder / "acme-2nd-day-air.xlsx")
    done = await linkstar("tariffs", "import", str(folder))
    assert done.exit_code == 0, done.output
    (pack,) = await owned()
    assert "ups/2nd_day_air" in pack["services"]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("carrier: ups", "service_unknown"),
        ("basis_points: 3800", "agreement_invalid"),
        ("agreement:", "manifest_invalid"),
    ],
)
async def test_a_pack_with_a_fault_is_refused_and_nothing_of_it_stays(
    desk: RouterDesk, tmp_path: Path, broken: str, code: str
) -> None:
    swapped = {"carrier: ups": "carrier: moon", "basis_points: 3800": "basis_points: 38000", "agreement:": "service:"}
    sheet = tmp_path / "acme.yaml"
    sheet.write_text(AGREEMENT.replace(broken, swapped[broken], 1))
    done = await linkstar("tariffs", "import", str(sheet))
    assert done.exit_code == 1
    assert code in done.output
    assert "acme.yaml" in done.output
    assert await owned() == []


async def test_the_api_refuses_what_the_command_line_did_not_check(desk: RouterDesk) -> None:
    headers = {"authorization": f"Bearer {os.environ['LINKSTAR_API_KEY']}"}
    async with httpx.AsyncClient(base_url=os.environ["LINKSTAR_ROUTER_URL"], headers=headers) as http:
        body = {"pack": "acme", "files": {"acme.yaml": AGREEMENT.replace("carrier: ups", "carrier: moon")}}
        answer = await http.post("/v1/tariffs/own", json=body)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert (error["code"], error["field"]) == ("service_unknown", "acme.yaml")
        assert error["fix"].startswith("name one of ")
        missing = await http.post("/v1/tariffs/own", json={"pack": "acme", "files": {"../x.yaml": AGREEMENT}})
        assert missing.status_code == 422
    assert await owned() == []


async def test_what_was_imported_prices_quotes_and_orders_and_their_replay(desk: RouterDesk, tmp_path: Path) -> None:
    sheet = tmp_path / "acme.yaml"
    sheet.write_text(AGREEMENT.replace("3800", "9500").replace("floor_minor: 899", "floor_minor: 99"))
    asked = ("quote", "--to", "10001", "--parcel", "2 lb 10x8x4 in", "--commercial", "--json")
    listed = json.loads((await linkstar(*asked)).stdout)
    assert (await linkstar("tariffs", "import", str(sheet))).exit_code == 0
    quoted = json.loads((await linkstar(*asked)).stdout)
    assert listed["tariffs"] != quoted["tariffs"]
    (ground,) = [route for route in quoted["routes"] if route["service"] == "ground" and route["carrier"] == "ups"]
    assert ground["tariff"] == "acme.1:acme-ups-2026@2026-07-01"
    assert (ground["evidence"]["rate_type"], ground["account"]) == ("contract", "A1B2C3")
    await desk.take(received("shopify-1"))
    assert (await linkstar("tariffs", "withdraw", "acme")).exit_code == 0
    assert json.loads((await linkstar(*asked)).stdout)["tariffs"] == listed["tariffs"]
    await desk.take(received("shopify-2"))
    first, second = [await linkstar("decisions", "replay", f"shopify-{number}") for number in (1, 2)]
    assert "1 decisions: 1 the same to the byte" in first.stdout
    assert "1 decisions: 1 the same to the byte" in second.stdout
    assert "acme.1" in first.stdout
    assert "acme" not in second.stdout


async def test_a_pack_belongs_to_its_seller(desk: RouterDesk, database_url: str) -> None:
    assert (await linkstar(*shlex.split(IMPORT))).exit_code == 0
    connection = await asyncpg.connect(database_url)
    key = await create_key(connection, "rival", ["*"])
    await connection.close()
    async with httpx.AsyncClient(
        base_url=os.environ["LINKSTAR_ROUTER_URL"], headers={"authorization": f"Bearer {key}"}
    ) as rival:
        assert (await rival.get("/v1/tariffs/own")).json() == {"packs": []}
        assert (await rival.get("/v1/tariffs/own/acme/1")).status_code == 404
        assert (await rival.delete("/v1/tariffs/own/acme")).status_code == 404
    assert [pack["withdrawn"] for pack in await owned()] == [False]


async def test_importers_at_once_make_dense_versions(desk: RouterDesk, tmp_path: Path) -> None:
    headers = {"authorization": f"Bearer {os.environ['LINKSTAR_API_KEY']}"}
    async with httpx.AsyncClient(base_url=os.environ["LINKSTAR_ROUTER_URL"], headers=headers, timeout=60) as http:
        bodies = [
            {"pack": "acme", "files": {"acme.yaml": AGREEMENT.replace("3800", str(3800 + number))}}
            for number in range(6)
        ]
        answers = await asyncio.gather(*(http.post("/v1/tariffs/own", json=body) for body in bodies))
        assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4, 5, 6]
        stored = (await http.get("/v1/tariffs/own/acme/3")).json()
        assert stored["files"]["acme.yaml"].startswith("# An agreement")
