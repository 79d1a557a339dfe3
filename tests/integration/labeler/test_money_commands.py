"""The commands that docs/money.md shows, typed one after the other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.labeler.label_desk import route
from integration.labeler.money_counter import MoneyCounter, Terminal, opened_counter, opened_terminal
from integration.labeler.test_wallet_administration import AGREEMENT

pytestmark = pytest.mark.integration


@pytest.fixture
async def counter(database_url: str) -> AsyncIterator[MoneyCounter]:
    async with opened_counter(database_url) as opened:
        yield opened


@pytest.fixture
async def terminal(counter: MoneyCounter, database_url: str) -> AsyncIterator[Terminal]:
    async with opened_terminal(counter, database_url) as opened:
        yield opened


async def test_wallet_commands(counter: MoneyCounter, terminal: Terminal, tmp_path: Path) -> None:
    told = await terminal.run("wallet", "topup", "250.00", "USD", "--reference", "transfer 17", "--key", "t17")
    assert told == "USD: balance 250.00, available 250.00\n"
    assert await terminal.run("wallet", "topup", "250.00", "USD", "--reference", "transfer 17", "--key", "t17") == told
    limit = ("wallet", "limit", "USD", "--credit", "500.00", "--notice", "1000", "--reason", "contract of 2026-11-01")
    assert await terminal.run(*limit) == "USD: balance 250.00, available 750.00, LOW\n"
    assert "LOW" in await terminal.run("wallet", "show")
    assert json.loads(await terminal.run("wallet", "show", "--json"))[0]["credit_limit_minor"] == 50_000
    agreement = tmp_path / "usps.json"
    agreement.write_text(json.dumps(AGREEMENT))
    assert "usps USD from 2026-11-01: 2.5 % from 2, 10 % from 4" in await terminal.run(
        "wallet", "agree", str(agreement)
    )
    assert "month_open" in await terminal.run("wallet", "rebate", "2026-11", status=1)
    await counter.desk.routes(route())
    assert json.loads((await terminal.run("ledger", "check")).splitlines()[-1])["ok"]
    assert "amount-invalid" in await terminal.run("wallet", "topup", "1,000.00", "USD", status=1)
    assert "currency-unknown" in await terminal.run("wallet", "topup", "1.00", "XYZ", status=1)
