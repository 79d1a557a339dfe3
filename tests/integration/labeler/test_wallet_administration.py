"""Limits, low wallets and rebates over HTTP, each once, each explained."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from integration.labeler.label_desk import cancelled, route, told
from integration.labeler.money_counter import MoneyCounter, opened_counter

from linkstar_cli.ledger import examine

pytestmark = pytest.mark.integration


@pytest.fixture
async def counter(database_url: str) -> AsyncIterator[MoneyCounter]:
    async with opened_counter(database_url) as opened:
        yield opened


async def test_credit_lets_the_held_go_on_and_is_not_taken_back_while_it_is_used(counter: MoneyCounter) -> None:
    await counter.desk.routes(route(total=500))
    body = {"credit_limit_minor": 600, "notice_below_minor": 200, "reason": "signed 2026-11-01"}
    first = await counter.send("PUT", "wallet/limits/USD", json=body, key="k")
    again = await counter.send("PUT", "wallet/limits/USD", json=body, key="k")
    assert (first.status_code, first.json()) == (200, again.json())
    assert "created 1" in told(list(await counter.desk.timer()))
    [wallet] = (await counter.get("wallet"))["wallets"]
    assert wallet == {
        "currency": "USD", "balance_minor": -500, "credit_limit_minor": 600, "available_minor": 100, "waiting_minor": 0,
        "notice_below_minor": 200, "low": True,
    }  # fmt: skip
    refused = await counter.send("PUT", "wallet/limits/USD", json=body | {"credit_limit_minor": 499})
    assert (refused.status_code, refused.json()["code"]) == (409, "limit_in_use")
    changes = (await counter.get("wallet/limits"))["changes"]
    assert [(c["credit_limit_before"], c["credit_limit_after"], c["reason"]) for c in changes] == [
        (0, 600, "signed 2026-11-01")
    ]
    assert len(changes[0]["key_id"]) == 8


async def test_who_may_spend_may_not_set_the_limit(counter: MoneyCounter) -> None:
    seller = await counter.as_tenant("acme", "wallet:read", "wallet:write")
    body = {"credit_limit_minor": 600, "reason": "please"}
    answer = await counter.send("PUT", "wallet/limits/USD", json=body, headers=seller)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert (await counter.send("POST", "wallet/rebates", json={"month": "2026-10"}, headers=seller)).status_code == 403


AGREEMENT = {
    "carrier": "usps", "currency": "USD", "valid_from": "2026-11-01", "source": "invented for this test",
    "as_of": "2026-11-01", "synthetic": True, "pool": "west",
    "tiers": [{"from_shipments": 2, "basis_points": 250}, {"from_shipments": 4, "basis_points": 1000}],
}  # fmt: skip


async def test_a_month_s_volume_comes_back_once_when_the_month_is_over(counter: MoneyCounter) -> None:
    for tenant, orders in (("acme", 3), ("beta", 2)):
        await counter.desk.top_up(10_000, tenant)
        await counter.desk.routes(*(route(tenant=tenant, order_id=f"o{n}", total=505) for n in range(orders)))
    await counter.desk.changes(cancelled(order_id="o0"))
    assert (await counter.send("POST", "wallet/agreements", json=AGREEMENT)).status_code == 201
    assert (await counter.send("POST", "wallet/agreements", json=AGREEMENT)).json()["code"] == "agreement_exists"
    beta = await counter.as_tenant("beta")
    assert (await counter.send("POST", "wallet/agreements", json=AGREEMENT, headers=beta)).status_code == 201
    early = await counter.send("POST", "wallet/rebates", json={"month": "2026-11"})
    assert (early.status_code, early.json()["code"]) == (409, "month_open")
    counter.desk.clock.advance(datetime(2026, 12, 1, tzinfo=UTC) - counter.desk.clock.now())
    for posted in (True, False):
        [rebate] = (await counter.send("POST", "wallet/rebates", json={"month": "2026-11"})).json()["rebates"]
        assert rebate == {
            "carrier": "usps", "currency": "USD", "shipments": 2, "pooled_shipments": 4, "charged_minor": 1010,
            "basis_points": 1000, "rebate_minor": 101, "posting_id": "rebate|2026-11.usps|USD", "posted": posted,
        }  # fmt: skip
    assert await counter.desk.balance() == 10_000 - 2 * 505 + 101
    report = await examine(counter.desk.admin)
    assert report["ok"], report
    assert (await counter.send("POST", "wallet/rebates", json={"month": "2026-10"})).json()["rebates"] == []


async def test_an_agreement_that_means_nothing_is_refused(counter: MoneyCounter) -> None:
    changes: list[dict[str, object]] = [
        {"tiers": []}, {"tiers": [{"from_shipments": 2, "basis_points": 10_001}]}, {"valid_to": "2026-10-31"},
        {"tiers": [{"from_shipments": 2, "basis_points": 1}] * 2}, {"source": ""}, {"currency": "XXX"},
    ]  # fmt: skip
    for change in changes:
        answer = await counter.send("POST", "wallet/agreements", json=AGREEMENT | change)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), change
