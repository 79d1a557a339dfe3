"""`linkstar ledger check` on a real database: it passes sound books, and every planted fault is caught by its law."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from integration.labeler.label_desk import LabelDesk, cancelled, opened_desk, route, settlement
from integration.labeler.scripted_carrier import PurchaseDesk, ScriptedCarrier, sold
from typer.testing import CliRunner
from unit.labeler.label_samples import AT

from linkstar_cli.books import LAWS
from linkstar_cli.ledger import examine
from linkstar_cli.main import app
from linkstar_contracts.values import Money
from linkstar_labeler.domain.invoice_lines import BilledLine
from linkstar_labeler.handlers.invoices import Importer, accept_line, dispute_line, import_lines
from linkstar_labeler.store import AccountKey
from linkstar_labeler.store.invoices import lock_line

pytestmark = pytest.mark.integration

_CAPTURE = """INSERT INTO labeler.ledger_entry
  (tenant, posting_id, shipment_id, currency, from_account, to_account, amount_minor, posted_at)
  SELECT tenant, {posting}, shipment_id, currency, from_account, to_account, amount_minor, posted_at
    FROM labeler.ledger_entry WHERE posting_id = 'kept|capture|1'"""
_UNKEYED = "ALTER TABLE labeler.ledger_entry DROP CONSTRAINT ledger_entry_tenant_posting_id_key;"
MUTANTS = {
    "balance_is_the_ledger": "UPDATE labeler.wallet SET balance_minor = balance_minor + 1",
    "two_legs": "UPDATE labeler.ledger_entry SET to_account = '' WHERE posting_id = 'kept|capture|1'",
    "no_hold_outlives_its_purchase": "UPDATE labeler.purchase SET state = 'refused', due_at = NULL",
    "one_capture": _UNKEYED + _CAPTURE.format(posting="posting_id"),
    "one_refund": "DELETE FROM labeler.ledger_entry WHERE posting_id = 'gone|refund|1'",
    "unbought_is_unpaid": "UPDATE labeler.label SET charged_minor = 0 WHERE shipment_id = 'kept'",
    "every_posting_has_a_cause": _CAPTURE.format(posting="'kept|capture|2'"),
    "within_the_limit": "ALTER TABLE labeler.wallet DROP CONSTRAINT wallet_covered; "
    "UPDATE labeler.wallet SET credit_limit_minor = 0, balance_minor = -1",
    "holds_end_once": "UPDATE labeler.ledger_entry SET from_account = 'wallet_held' WHERE posting_id = 'kept|capture|1'",
    "waiting_is_unposted": "UPDATE labeler.waiting_posting SET posting_id = 'kept|capture|1'",
    "bills_are_settled": "UPDATE labeler.invoice_line SET billed_minor = billed_minor + 1 WHERE state = 'accepted'",
    "disputes_stand": "UPDATE labeler.invoice_line SET state = 'lost' WHERE state = 'disputed'",
    "append_only": "GRANT DELETE ON labeler.ledger_entry TO labeler",
}


def _unknown(number: int) -> BilledLine:
    amount = Money(amount_minor=70, currency="USD")
    return BilledLine("F1", AT.date(), number, f"ALIEN000{number}", "VAT", "VAT", amount, None, "", number)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[LabelDesk]:
    """Books with every kind of posting."""
    async with opened_desk(database_url) as opened:
        await opened.top_up(1200)
        await opened.routes(route(order_id="kept"), route(order_id="gone"), route(order_id="poor", total=5000))
        await opened.changes(cancelled(order_id="gone"))
        await PurchaseDesk(opened, ScriptedCarrier(sold())).bind(AccountKey("acme", "ups", "platform"))
        await opened.routes(route("ups", "ground", order_id="bought", total=100))
        async with opened.database.transaction() as tx:
            await import_lines(tx, Importer("acme", "usps", "key"), [_unknown(1), _unknown(2)])
            accepted, disputed = [await lock_line(tx, "acme", "usps", "F1", number) for number in (1, 2)]
            assert accepted
            assert disputed
            await accept_line(tx, accepted)
            await dispute_line(tx, disputed, "not ours", "key")
        await opened.settlements(settlement("claim_payout", 300, "1"), settlement("return_fee", 9000, "2"))
        yield opened


async def test_sound_books_pass_and_every_mutant_is_caught_by_its_law(desk: LabelDesk) -> None:
    sound = await examine(desk.admin)
    assert (sound["ok"], sound["ledger_sum"]) == (True, 0)
    examined = {name: law["examined"] for name, law in sound["laws"].items()}
    assert examined == {
        "two_legs": 8, "balance_is_the_ledger": 1, "within_the_limit": 1, "holds_end_once": 1,
        "no_hold_outlives_its_purchase": 1, "one_capture": 1,
        "one_refund": 1, "unbought_is_unpaid": 2, "every_posting_has_a_cause": 8, "bills_are_settled": 1,
        "disputes_stand": 1, "waiting_is_unposted": 1,
        "append_only": 3,
    }  # fmt: skip
    for name, fault in MUTANTS.items():
        planted = desk.admin.transaction()
        await planted.start()
        await desk.admin.execute(fault)
        found = await examine(desk.admin)
        await planted.rollback()
        assert not found["ok"], name
        assert found["laws"][name]["result"] == "violated", (name, found)
        assert found["laws"][name]["examples"], name


def test_every_law_has_its_mutant() -> None:
    assert MUTANTS.keys() == {law.name for law in LAWS}


async def test_a_settlement_numbered_like_an_attempt_is_no_refund_of_the_label(desk: LabelDesk) -> None:
    await desk.settlements(settlement("refund", 100, "1", order_id="kept"))
    await desk.changes(cancelled(order_id="kept"))
    found = await examine(desk.admin)
    assert found["ok"], found
    assert found["laws"]["one_refund"]["examined"] == 2


async def test_a_fee_that_waited_tells_its_shipment(desk: LabelDesk) -> None:
    await desk.top_up(20_000, key="2")
    await desk.timer()
    await desk.timer()
    assert not await desk.admin.fetchval("SELECT count(*) FROM labeler.waiting_posting")
    assert (await examine(desk.admin, "acme"))["ok"]


async def test_the_command_ends_with_one_line_of_json_and_status_1(
    desk: LabelDesk, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKSTAR_DATABASE__URL", database_url)
    monkeypatch.delenv("LINKSTAR_DATABASE__ADMIN_URL", raising=False)
    await desk.admin.execute("UPDATE labeler.wallet SET balance_minor = balance_minor + 1")
    await desk.admin.execute("DELETE FROM labeler.waiting_posting")
    done = await asyncio.to_thread(CliRunner().invoke, app, ["ledger", "check"])
    assert done.exit_code == 1
    verdict = json.loads(done.stdout.splitlines()[-1])
    assert verdict["laws"]["balance_is_the_ledger"]["examples"] == ["acme USD"]
    assert "not_exercised" in done.stdout
