"""`linkstar ledger check` on a real database: it passes sound books, and every planted fault is caught by its law."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from integration.labeler.label_desk import LabelDesk, cancelled, opened_desk, route, settlement
from integration.labeler.scripted_carrier import PurchaseDesk, ScriptedCarrier, sold
from typer.testing import CliRunner

from linkstar_cli.books import LAWS
from linkstar_cli.ledger import examine
from linkstar_cli.main import app
from linkstar_labeler.store import AccountKey

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
    "append_only": "GRANT DELETE ON labeler.ledger_entry TO labeler",
}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[LabelDesk]:
    """Books with every kind of posting."""
    async with opened_desk(database_url) as opened:
        await opened.top_up(1200)
        await opened.routes(route(order_id="kept"), route(order_id="gone"), route(order_id="poor", total=5000))
        await opened.changes(cancelled(order_id="gone"))
        await PurchaseDesk(opened, ScriptedCarrier(sold())).bind(AccountKey("acme", "ups", "platform"))
        await opened.routes(route("ups", "ground", order_id="bought", total=100))
        await opened.settlements(settlement("claim_payout", 300, "1"), settlement("return_fee", 9000, "2"))
        yield opened


async def test_sound_books_pass_and_every_mutant_is_caught_by_its_law(desk: LabelDesk) -> None:
    sound = await examine(desk.admin)
    assert (sound["ok"], sound["ledger_sum"]) == (True, 0)
    examined = {name: law["examined"] for name, law in sound["laws"].items()}
    assert examined == {
        "two_legs": 6, "balance_is_the_ledger": 1, "within_the_limit": 1, "holds_end_once": 1,
        "no_hold_outlives_its_purchase": 1, "one_capture": 1,
        "one_refund": 1, "unbought_is_unpaid": 2, "every_posting_has_a_cause": 6, "waiting_is_unposted": 1,
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
