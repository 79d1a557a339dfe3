"""A month's statement over HTTP is the ledger's, cent by cent and month after month."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import StringIO
from itertools import pairwise

import pypdfium2
import pytest
from integration.labeler.label_desk import cancelled, route, settlement
from integration.labeler.money_counter import MoneyCounter, opened_counter

from linkstar_contracts.values import parse_money
from linkstar_labeler.api import statements

pytestmark = pytest.mark.integration


@pytest.fixture
async def counter(database_url: str) -> AsyncIterator[MoneyCounter]:
    async with opened_counter(database_url) as opened:
        desk = opened.desk
        await desk.top_up(10_000)
        await desk.top_up(777, currency="EUR", key="eur")
        await desk.routes(*(route(order_id=f"o{n}", total=500 + n) for n in range(8)))
        await desk.changes(cancelled(order_id="o3"))
        desk.clock.advance(datetime(2026, 12, 5, tzinfo=UTC) - desk.clock.now())
        await desk.changes(cancelled(order_id="o4"))
        await desk.settlements(settlement("return_fee", 300, "1"))
        yield opened


async def rows_of(counter: MoneyCounter, month: str, currency: str = "USD") -> list[list[str]]:
    answer = await counter.client.get("/v1/ledger/statement", params={"month": month, "currency": currency})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))


def minor(text: str) -> int:
    return parse_money(text, "USD").amount_minor


async def test_months_follow_each_other_and_hold_every_entry_of_the_wallet_once(
    counter: MoneyCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkstar_labeler.store.statements._AT_ONCE", 3)
    ledger = (await counter.get("ledger"))["entries"]
    wanted = {
        (str(entry["entry_id"]), entry["amount_minor"] * (1 if entry["to_account"] == "wallet" else -1))
        for entry in ledger
        if entry["currency"] == "USD"
    }
    months = [(await rows_of(counter, month))[1:] for month in ("2026-10", "2026-11", "2026-12", "2027-01")]
    found = [(row[1], minor(row[6])) for rows in months for row in rows[1:-1]]
    assert len(found) == len(wanted) == 12
    assert set(found) == wanted
    for earlier, later in pairwise(months):
        assert earlier[-1][-1] == later[0][-1]
    assert minor(months[-1][-1][-1]) == sum(amount for _, amount in wanted)
    [wallet] = [each for each in (await counter.get("wallet"))["wallets"] if each["currency"] == "USD"]
    assert minor(months[-1][-1][-1]) == wallet["balance_minor"]
    assert [row[-1] for row in (await rows_of(counter, "2026-11", "EUR"))[1:]] == ["0.00", "7.77", "7.77"]


async def test_paper_in_chinese_and_refusals(counter: MoneyCounter, monkeypatch: pytest.MonkeyPatch) -> None:
    query = {"month": "2026-11", "currency": "USD", "format": "pdf", "lang": "zh"}
    answer = await counter.client.get("/v1/ledger/statement", params=query)
    text = pypdfium2.PdfDocument(answer.content)[0].get_textpage().get_text_bounded()
    assert "钱包对账单" in text
    assert "期末余额" in text
    monkeypatch.setattr(statements, "MOST_PRINTED", 3)
    refused = await counter.client.get("/v1/ledger/statement", params=query)
    assert (refused.status_code, refused.json()["code"]) == (422, "statement_too_long")
    for wrong in ({"month": "2026-13"}, {"currency": "XXX"}, {"lang": "fr"}, {"format": "doc"}):
        assert (await counter.client.get("/v1/ledger/statement", params=query | wrong)).status_code == 422
    other = await counter.as_tenant("beta")
    theirs = await counter.client.get("/v1/ledger/statement", params=query | {"format": "csv"}, headers=other)
    assert [row[-1] for row in csv.reader(StringIO(theirs.text))][1:] == ["0.00", "0.00"]
