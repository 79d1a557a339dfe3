"""A carrier's invoice over HTTP: matched, adjusted by the seller's policy, reviewed, disputed, with books that balance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from integration.labeler.label_desk import SHARD, cancelled, numbers, route, tracked
from integration.labeler.money_counter import MoneyCounter, opened_counter

from linkstar_cli.ledger import examine
from linkstar_contracts.events import LabelCreated
from linkstar_labeler.handlers.invoices import expire_disputes

pytestmark = pytest.mark.integration

HEADER = "invoice_number,invoice_date,line,tracking_number,charge_code,amount,currency\n"


@pytest.fixture
async def counter(database_url: str) -> AsyncIterator[MoneyCounter]:
    async with opened_counter(database_url) as opened:
        yield opened


async def buy(counter: MoneyCounter, *orders: str, scanned: bool = True) -> list[str]:
    bought = []
    for order in orders:
        [number] = numbers(
            [each for each in await counter.desk.routes(route(order_id=order)) if isinstance(each, LabelCreated)]
        )
        if scanned:
            await counter.desk.tracking(tracked(number, order_id=order))
        bought.append(number)
    return bought


async def send(counter: MoneyCounter, *rows: str, carrier: str = "usps", **more: Any) -> Any:
    text = HEADER + "".join(f"{row}\n" for row in rows)
    headers = {"content-type": "text/csv"}
    return await counter.send("POST", f"invoices?carrier={carrier}", content=text.encode(), headers=headers, **more)


def line(number: int, tracking: str, amount: str, code: str = "BASE_RATE", invoice: str = "F1") -> str:
    return f"{invoice},2026-11-20,{number},{tracking},{code},{amount},USD"


async def lines(counter: MoneyCounter, invoice: str = "F1") -> list[tuple[int, str, str, int]]:
    found = (await counter.get(f"invoices/usps/{invoice}"))["lines"]
    return [(each["line"], each["kind"], each["state"], each["variance_minor"]) for each in found]


async def sound(counter: MoneyCounter) -> dict[str, Any]:
    report = await examine(counter.desk.admin)
    assert report["ok"], report
    laws: dict[str, Any] = report["laws"]
    return laws


async def test_every_kind_is_matched_adjusted_or_left_to_review_once(counter: MoneyCounter) -> None:
    await counter.desk.top_up(10_000)
    same, dearer, much, cheaper = await buy(counter, "same", "dearer", "much", "cheaper")
    [idle] = await buy(counter, "idle", scanned=False)
    [gone] = await buy(counter, "gone", scanned=False)
    await counter.desk.changes(cancelled(order_id="gone"))
    await counter.send("PUT", "invoices/policy/USD", json={"auto_up_to_minor": 50})
    before = await counter.desk.balance()
    rows = [
        line(1, same, "5.00"), line(2, dearer, "5.40"), line(3, much, "9.00"), line(4, cheaper, "4.00"),
        line(5, idle, "5.00"), line(6, gone, "5.00"), line(7, "ALIEN0001", "3.00"), line(8, same, "5.00"),
    ]  # fmt: skip
    answer = await send(counter, *rows)
    assert answer.status_code == 201, answer.text
    [sums] = answer.json()["invoices"]
    assert (sums["lines"], sums["billed_minor"], sums["variance_minor"], sums["in_review"]) == (8, 4140, 1640, 5)
    assert await lines(counter) == [
        (1, "matched", "settled", 0), (2, "price_differs", "adjusted", 40), (3, "price_differs", "review", 400),
        (4, "price_differs", "adjusted", -100), (5, "never_scanned", "review", 0), (6, "voided_but_billed", "review", 500),
        (7, "unknown_shipment", "review", 300), (8, "duplicate_line", "review", 500),
    ]  # fmt: skip
    assert await counter.desk.balance() == before - 40 + 100
    assert (await send(counter, *rows)).status_code == 201
    assert await counter.desk.balance() == before + 60
    assert (await sound(counter))["bills_are_settled"]["examined"] == 2
    shown = await counter.get("invoices/usps/F1", kind="duplicate_line")
    assert [each["line"] for each in shown["lines"]] == [8]
    assert shown["terms"]["dispute_until"] == "2027-01-19"
    await send(counter, line(1, "ALIEN0001", "3.00", invoice="F2"))
    first = await counter.get("invoices", limit=1)
    assert first["invoices"] == [sums]
    second = await counter.get("invoices", limit=1, after=first["next"])
    assert [each["invoice_number"] for each in second["invoices"]] == ["F2"]
    assert await counter.get("invoices", after=second["next"]) == {"invoices": []}


async def test_disputes_end_won_lost_or_expired_and_every_cent_is_somewhere(counter: MoneyCounter) -> None:
    await counter.desk.top_up(10_000)
    won, lost, late = await buy(counter, "won", "lost", "late")
    [idle] = await buy(counter, "idle", scanned=False)
    await send(counter, line(1, won, "9.00"), line(2, lost, "8.00"), line(3, late, "7.00"), line(4, idle, "5.50"),
               line(5, "ALIEN0001", "3.00"))  # fmt: skip
    before = await counter.desk.balance()
    for number in range(1, 6):
        opened = await counter.send("POST", f"invoices/usps/F1/lines/{number}/dispute", json={"reason": "wrong weight"})
        assert opened.json()["state"] == "disputed", opened.text
    assert (await sound(counter))["disputes_stand"]["examined"] == 1
    assert await counter.desk.balance() == before
    again = await counter.send("POST", "invoices/usps/F1/lines/1/dispute", json={"reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "line_disputed")
    for number, outcome in ((1, "won"), (2, "lost"), (4, "won"), (5, "lost")):
        await counter.send("POST", f"invoices/usps/F1/lines/{number}/answer", json={"outcome": outcome})
    assert await counter.desk.balance() == before - 300 + 500
    counter.desk.clock.advance(timedelta(days=22))
    async with counter.desk.database.transaction() as tx:
        assert not await expire_disputes([SHARD], tx)
    assert await counter.desk.balance() == before - 300 + 500 - 200
    states = [(each["line"], each["state"]) for each in (await counter.get("invoices/disputes"))["disputes"]]
    assert sorted(states) == [(1, "won"), (2, "lost"), (3, "expired"), (4, "won"), (5, "lost")]
    await sound(counter)


async def test_a_bill_beyond_the_wallet_waits_for_funds(counter: MoneyCounter) -> None:
    await counter.desk.top_up(500)
    [number] = await buy(counter, "order-1")
    await send(counter, line(1, number, "7.00"))
    accepted = await counter.send("POST", "invoices/usps/F1/lines/1/accept")
    assert accepted.json()["state"] == "accepted"
    assert [wallet["waiting_minor"] for wallet in (await counter.get("wallet"))["wallets"]] == [200]
    assert await counter.desk.balance() == 0
    await sound(counter)
    await counter.desk.top_up(1000, key="2")
    await counter.desk.timer()
    assert await counter.desk.balance() == 800
    await sound(counter)


async def test_one_bad_row_keeps_the_whole_file_out(counter: MoneyCounter) -> None:
    await counter.desk.top_up(500)
    [number] = await buy(counter, "order-1")
    answer = await send(counter, line(1, number, "5.00"), line(2, number, "5,00"), line(3, number, "1e3", "WHAT"))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invoice_invalid")
    found = [(each["code"], each["field"]) for each in problem["errors"]]
    assert found == [("currency_unknown", "row 3, currency"), ("charge_code_unknown", "row 4, charge_code")]
    assert all(each["fix"] for each in problem["errors"])
    assert (await counter.get("invoices"))["invoices"] == []
    eur = await send(counter, line(1, number, "5.00").replace("USD", "EUR"))
    assert [each["code"] for each in eur.json()["errors"]] == ["currency_differs"]
    assert (await send(counter, line(1, number, "5.00"))).status_code == 201
    changed = await send(counter, line(1, number, "6.00"), line(2, number, "1.00"))
    assert [each["code"] for each in changed.json()["errors"]] == ["line_differs"]
    assert await lines(counter) == [(1, "matched", "settled", 0)]
    wrong = await counter.send(
        "POST", "invoices?carrier=usps", content=b"\xff\xfe", headers={"content-type": "text/csv"}
    )
    assert [each["code"] for each in wrong.json()["errors"]] == ["file_not_utf8"]


async def test_the_platform_s_invoice_is_everybody_s_and_a_seller_s_its_own(counter: MoneyCounter) -> None:
    await counter.desk.top_up(1000)
    [number] = await buy(counter, "order-1")
    beta, platform = await counter.as_tenant("beta"), await counter.as_tenant("platform")
    text = (HEADER + line(1, number, "4.00") + "\n").encode()
    for headers, kind in ((beta, "unknown_shipment"), (platform, "price_differs")):
        typed = headers | {"content-type": "text/csv"}
        assert (await counter.send("POST", "invoices?carrier=usps", content=text, headers=typed)).status_code == 201
        found = (await counter.client.get("/v1/invoices/usps/F1", headers=headers)).json()["lines"]
        assert [each["kind"] for each in found] == [kind]
    assert await counter.desk.balance() == 600
    assert (await counter.client.get("/v1/invoices/usps/F1")).status_code == 404
    await sound(counter)


async def test_a_line_outside_the_window_or_without_excess_is_not_disputed(counter: MoneyCounter) -> None:
    await counter.desk.top_up(1000)
    [number] = await buy(counter, "order-1")
    await send(counter, line(1, "ALIEN0001", "-1.00"), line(2, number, "6.00"))
    path = "invoices/usps/F1/lines"
    refused = await counter.send("POST", f"{path}/1/dispute", json={"reason": "x"})
    assert refused.json()["code"] == "nothing_to_dispute"
    counter.desk.clock.advance(datetime(2027, 1, 20, tzinfo=UTC) - counter.desk.clock.now())
    closed = await counter.send("POST", f"{path}/2/dispute", json={"reason": "x"})
    assert closed.json()["code"] == "dispute_window_closed"
    assert (await counter.send("POST", f"{path}/9/accept")).json()["code"] == "line_unknown"
    assert (await counter.send("POST", f"{path}/1/accept")).json()["state"] == "accepted"
    await sound(counter)
