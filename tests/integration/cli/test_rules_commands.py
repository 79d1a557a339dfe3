"""`linkstar rules` against a router: every command its page shows, in the order of the page."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.cli.routed_stack import DOCS, linkstar, routed_stack, shown_commands
from integration.router.router_desk import RouterDesk
from unit.router.routed_orders import received

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[RouterDesk]:
    async with routed_stack(database_url, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("page", ["rules.md", "calendars.md"])
async def test_the_page_shows_commands_that_work(desk: RouterDesk, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.chdir(DOCS.parent)
    commands = shown_commands(page)
    assert len(commands) > 1
    for command in commands:
        done = await linkstar(*shlex.split(command))
        assert done.exit_code == ("conflicting" in command), done.output


async def test_a_set_in_force_tells_what_it_touches(desk: RouterDesk) -> None:
    published = await linkstar("rules", "publish", str(DOCS / "rules" / "example.yaml"))
    assert published.stdout.startswith("version 1 (1.")
    await desk.take(*(received(f"shopify-{n}", contents={"battery": "standalone"}) for n in range(3)), received("s-4"))
    told = json.loads((await linkstar("rules", "coverage", "--json")).stdout)
    assert (told["orders"], told["untouched"]) == (4, 1)
    assert {rule["id"]: rule["touched"] for rule in told["rules"]}["batteries-by-ground"] == 3


async def test_a_conflicting_set_is_not_published(desk: RouterDesk) -> None:
    refused = await linkstar("rules", "publish", str(DOCS / "rules" / "conflicting.yaml"))
    assert refused.exit_code == 1
    assert "rules.contradictory" in refused.stdout
    none = await linkstar("rules", "coverage")
    assert none.exit_code == 1
    assert "no_rules" in none.output
