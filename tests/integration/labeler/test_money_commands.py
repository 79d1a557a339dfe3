"""The commands that docs/money.md shows, typed one after the other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.labeler.label_desk import numbers, route, tracked
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
    assert await terminal.run("wallet", "unused", "--after", "28") == "unused labels: refunded after 28 days\n"
    assert await terminal.run("wallet", "unused", "--never") == await terminal.run("wallet", "unused")
    assert "amount-invalid" in await terminal.run("wallet", "topup", "1,000.00", "USD", status=1)
    assert "currency-unknown" in await terminal.run("wallet", "topup", "1.00", "XYZ", status=1)


async def test_invoice_commands(counter: MoneyCounter, terminal: Terminal, tmp_path: Path) -> None:
    await counter.desk.top_up(10_000)
    [first] = numbers(await counter.desk.routes(route()))
    await counter.desk.tracking(tracked(first))
    file = tmp_path / "usps.csv"
    bill = [f"F1,2026-11-20,1,{first},BASE_RATE,5.30,USD", f"F1,2026-11-20,2,{first},RESIDENTIAL_SURCHARGE,4.00,USD",
            "F1,2026-11-20,3,9400111899560000000000,BASE_RATE,6.10,USD"]  # fmt: skip
    header = "invoice_number,invoice_date,line,tracking_number,charge_code,amount,currency"
    file.write_text("\n".join([header, *bill, "F1,2026-11-20,4,1.23E+21,BASE_RATE,6.10,USD"]))
    refused = await terminal.run("invoices", "import", str(file), "--carrier", "usps", status=1)
    assert "row 5, tracking_number" in refused
    assert "tracking_number_damaged" in refused
    assert "USD: up to 0.50 per line" in await terminal.run("invoices", "policy", "USD", "--auto", "0.50")
    file.write_text("\n".join([header, *bill]))
    for _ in range(2):
        told = await terminal.run("invoices", "import", str(file), "--carrier", "usps")
        assert told.splitlines()[-1].split() == [
            "usps",
            "F1",
            "2026-11-20",
            "USD",
            "3",
            "5.00",
            "15.40",
            "10.40",
            "2",
            "0",
        ]
    assert await terminal.run("invoices", "list") == told
    assert json.loads(await terminal.run("invoices", "list", "--json"))[0]["in_review"] == 2
    shown = await terminal.run("invoices", "show", "usps", "F1")
    assert "price_differs" in shown
    assert "Disputes are possible until 2027-01-19." in shown
    assert len(json.loads(await terminal.run("invoices", "show", "usps", "F1", "--json"))["lines"]) == 3
    assert "accepted" in await terminal.run("invoices", "accept", "usps", "F1", "2")
    assert "disputed" in await terminal.run("invoices", "dispute", "usps", "F1", "3", "--reason", "not our parcel")
    assert "not our parcel" in await terminal.run("invoices", "disputes", "--state", "open")
    assert "won" in await terminal.run("invoices", "answer", "usps", "F1", "3", "--outcome", "won")
    assert await counter.desk.balance() == 10_000 - 500 - 30 - 400
    assert json.loads((await terminal.run("ledger", "check")).splitlines()[-1])["ok"]


async def test_ledger_commands(counter: MoneyCounter, terminal: Terminal, tmp_path: Path) -> None:
    await counter.desk.top_up(10_000)
    for name in ("november.csv", "november.pdf"):
        told = await terminal.run("ledger", "statement", "2026-11", "USD", "--to", str(tmp_path / name), "--lang", "zh")
        assert told.endswith("statement of 2026-11 in USD\n")
    assert "期末余额,,,,,100.00" in (tmp_path / "november.csv").read_text("utf-8-sig")
    assert (tmp_path / "november.pdf").read_bytes().startswith(b"%PDF")
    assert "format-unknown" in await terminal.run("ledger", "statement", "2026-11", "USD", "--to", "x.doc", status=1)
