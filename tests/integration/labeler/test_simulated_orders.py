"""Test orders are bought at the carriers' simulators, whatever accounts are bound; nothing else is bought there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.labeler.carrier_rigs import US_SENDER, Simulator
from integration.labeler.label_counter import Counter, opened_counter
from unit.labeler.label_samples import route

from linkstar_labeler.domain.connector import Refused
from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.handlers import AccountConnectors, Buyer, StoredPurchases
from linkstar_labeler.store import PLATFORM, SIMULATOR, AccountKey
from linkstar_runtime.clock import Clock

pytestmark = pytest.mark.integration


@pytest.fixture
async def sandbox(database_url: str, tmp_path: Path, simulator: Simulator) -> AsyncIterator[Counter]:
    """A labeler that knows where the simulators are."""
    async with opened_counter(database_url, tmp_path, simulator.address) as counter:
        counter.clock.advance(Clock().now() - counter.clock.now())
        yield counter


async def work(counter: Counter) -> None:
    patience = Patience(lease_s=60, settle_s=50)
    book = StoredPurchases(counter.database, counter.writer, counter.vault, counter.connectors, counter.clock, patience)
    await Buyer(book, counter.clock, at_once=4).run()


async def live_account(counter: Counter, *, test: bool) -> None:
    """An account at USPS itself, as only somebody with the database's key could put it beside the door's checks."""
    secrets = b'{"client_id": "x", "client_secret": "hush"}'
    sealed = counter.vault.seal_secret(PLATFORM, "usps/platform", secrets)
    await counter.admin.execute(
        """INSERT INTO labeler.carrier_account (tenant, carrier, account, connector, base_url, credentials, settings, test,
             changed_at) VALUES ('platform', 'usps', 'platform', 'usps', 'https://apis.usps.com', $1,
             '{"number": "1", "connector": {"crid": "1", "mid": "123456"}, "drift_percent": 10, "senders": {}}', $2, $3)""",
        sealed, test, counter.clock.wall(),
    )  # fmt: skip


async def bought_with(counter: Counter) -> list[tuple[str, str]]:
    rows = await counter.admin.fetch("SELECT account_tenant, account FROM labeler.purchase ORDER BY shipment_id")
    return [(row["account_tenant"], row["account"]) for row in rows]


@pytest.mark.parametrize("live_twin", [False, True])
async def test_a_test_order_is_bought_at_the_simulator_for_nothing(
    sandbox: Counter, simulator: Simulator, live_twin: bool
) -> None:
    if live_twin:
        await live_account(sandbox, test=False)
    before, order_id = len(simulator.sales("acme")), f"order-twin-{live_twin}"
    assert await sandbox.order(order_id, "Ada", test=True) == []
    assert await bought_with(sandbox) == [("acme", SIMULATOR)]
    await work(sandbox)
    [sale] = simulator.sales("acme")[before:]
    known = (await sandbox.client.get(f"/v1/labels/{order_id}")).json()
    assert (known["state"], known["tracking_numbers"]) == ("active", sale["tracking_numbers"])
    assert (await sandbox.client.get(f"/v1/labels/{order_id}.pdf")).content.startswith(b"%PDF")
    assert await sandbox.admin.fetchval("SELECT count(*) FROM labeler.ledger_entry") == 0
    await sandbox.client.post(f"/v1/labels/{order_id}/void")
    await work(sandbox)
    assert simulator.sales("acme")[-1]["voided"]


async def test_what_is_no_test_or_not_simulated_is_numbered_here(sandbox: Counter, simulator: Simulator) -> None:
    before = len(simulator.sales("acme"))
    await sandbox.top_up(1000, "k1")
    assert await sandbox.order("order-1", "Ada") == ["created 1"]
    choice = route("royal-mail", "tracked_48").route
    assert await sandbox.order("order-2", "Ada", test=True, route=choice) == ["created 1"]
    assert await bought_with(sandbox) == []
    assert len(simulator.sales("acme")) == before


async def test_a_test_account_at_a_live_host_is_refused_at_the_door_and_behind_it(sandbox: Counter) -> None:
    body = {
        "connector": "usps", "number": "1", "credentials": {"client_id": "x", "client_secret": "secret-x"},
        "settings": {"crid": "1", "mid": "123456"}, "senders": {"*": US_SENDER.model_dump()}, "test": True,
    }  # fmt: skip
    door = "/v1/carrier-accounts/usps/platform"
    refused = await sandbox.client.put(door, json={**body, "base_url": "https://apis.usps.com"})
    assert (refused.status_code, refused.json()["code"]) == (422, "live_host")
    await live_account(sandbox, test=True)
    async with sandbox.database.transaction() as tx:
        bound = await sandbox.connectors.of(tx, AccountKey(PLATFORM, "usps", "platform"))
    answer = await bound.connector.verify()
    assert isinstance(answer, Refused)
    assert answer.code == "live_host"


async def test_a_bound_account_without_a_url_is_at_the_simulator_and_stays_for_tests(
    sandbox: Counter, simulator: Simulator
) -> None:
    body = {
        "connector": "usps", "number": "1", "credentials": {"client_id": "own", "client_secret": "secret-own"},
        "settings": {"crid": "1", "mid": "123456"}, "senders": {"*": US_SENDER.model_dump()}, "test": True,
    }  # fmt: skip
    door = "/v1/carrier-accounts/usps/platform"
    assert (await sandbox.client.put(door, json=body)).json()["base_url"] == ""
    await sandbox.order("order-1", "Ada", test=True)
    assert await bought_with(sandbox) == [("acme", "platform")]
    await work(sandbox)
    assert len(simulator.sales("own")) == 1
    flipped = await sandbox.client.put(door, json={**body, "test": False})
    assert (flipped.status_code, flipped.json()["code"]) == (409, "test_is_fixed")
    assert (await sandbox.client.put(door, json=body)).json()["version"] == 2


async def test_without_simulators_nothing_is_bound_there_and_purchases_wait(counter: Counter) -> None:
    body = {
        "connector": "usps", "number": "1", "credentials": {"client_id": "x"}, "senders": {"*": US_SENDER.model_dump()},
    }  # fmt: skip
    door = "/v1/carrier-accounts/usps/platform"
    assert (await counter.client.put(door, json=body)).json()["code"] == "no_simulator"
    live = AccountConnectors(counter.vault, counter.clock, simulators=False)
    assert live.simulated_services() == {}
    async with counter.database.transaction() as tx:
        bound = await live.of(tx, AccountKey("acme", "usps", SIMULATOR))
    answer = await bound.connector.verify()
    assert isinstance(answer, Refused)
    assert answer.code == "no_simulator"
