"""A seller's own account at a carrier, from the proof of its credentials to the printed label, against the carrier's
simulator over HTTP.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from integration.labeler.carrier_rigs import RIGS, US_SENDER, Simulator
from integration.labeler.label_counter import Counter
from unit.labeler.label_samples import route

from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.handlers import Buyer, Reconciler, StoredOrphans, StoredPurchases
from linkstar_runtime.clock import Clock

pytestmark = pytest.mark.integration
PATIENCE = Patience(lease_s=60, settle_s=50)
[USPS, FEDEX] = [rig for rig in RIGS if rig.connector in ("usps", "fedex")]


def account(simulator: Simulator, client: str, **changed: Any) -> dict[str, Any]:
    given = USPS.account(simulator.address, client)
    body = {
        "connector": "usps", "base_url": given.base_url, "number": client, "credentials": dict(given.credentials),
        "settings": dict(given.settings), "senders": {"*": US_SENDER.model_dump()}, "drift_percent": 900,
    }  # fmt: skip
    return body | changed


@pytest.fixture(autouse=True)
def _today(counter: Counter) -> None:
    """The simulator lives by the wall clock."""
    counter.clock.advance(Clock().now() - counter.clock.now())


async def work(counter: Counter, after_s: float = 0.0) -> None:
    counter.clock.advance(timedelta(seconds=after_s))
    book = StoredPurchases(counter.database, counter.writer, counter.vault, counter.connectors, counter.clock, PATIENCE)
    await Buyer(book, counter.clock, at_once=4).run()


async def test_a_bound_account_buys_and_prints(counter: Counter, simulator: Simulator) -> None:
    client = "bound-buys"
    await counter.top_up(1000, "k1")
    bound = await counter.client.put("/v1/carrier-accounts/usps/platform", json=account(simulator, client))
    assert (bound.status_code, bound.json()["version"]) == (200, 1), bound.text
    assert "secret" not in bound.text
    assert await counter.order("order-1", "Ada") == []
    assert (await counter.client.get("/v1/labels/order-1.pdf")).json()["code"] == "label_buying"
    await work(counter)
    [sale] = simulator.sales(client)
    known = (await counter.client.get("/v1/labels/order-1")).json()
    assert (known["state"], known["tracking_numbers"]) == ("active", sale["tracking_numbers"])
    assert (await counter.client.get("/v1/labels/order-1.pdf")).content.startswith(b"%PDF")
    assert (await counter.client.get("/v1/labels/order-1.png")).content.startswith(b"\x89PNG")
    kept = await counter.admin.fetchval("SELECT content FROM labeler.label_document")
    assert b"PDF" not in kept[:64]
    assert (await counter.client.post("/v1/labels/order-1/void")).status_code == 200
    await work(counter, 1)
    assert await counter.admin.fetchval("SELECT state FROM labeler.purchase") in ("voiding", "voided")


@pytest.mark.parametrize("fault", ["timeout_after", "error_after", "cut_after", "html", "truncated", "huge_label"])
async def test_an_answer_that_is_lost_is_one_label(counter: Counter, simulator: Simulator, fault: str) -> None:
    client = f"lost-{fault}"
    await counter.top_up(1000, "k1")
    await counter.client.put("/v1/carrier-accounts/usps/platform", json=account(simulator, client))
    await counter.order("order-1", "Ada")
    simulator.fail(fault, "buy", client, seconds=0.05)
    await work(counter)
    for _ in range(4):
        await work(counter, 70)
    [sale] = simulator.sales(client)
    known = (await counter.client.get("/v1/labels/order-1")).json()
    assert (known["state"], known["tracking_numbers"]) == ("active", sale["tracking_numbers"])
    reconciler = Reconciler(
        StoredOrphans(counter.database, counter.vault, counter.connectors, counter.clock, PATIENCE), PATIENCE
    )
    await reconciler.read_lists()
    await reconciler.void_orphans()
    assert not await counter.admin.fetchval("SELECT count(*) FROM labeler.orphan_label")


async def test_what_fedex_sold_without_an_answer_is_found_later_and_cancelled(
    counter: Counter, simulator: Simulator
) -> None:
    client = "client77"
    await counter.top_up(1000, "k1")
    given = FEDEX.account(simulator.address, client)
    body = account(
        simulator, client, connector="fedex", base_url=given.base_url, number=given.number, settings={},
        credentials=dict(given.credentials),
    )  # fmt: skip
    await counter.client.put("/v1/carrier-accounts/fedex/platform", json=body)
    await counter.order("order-1", "Ada", route=route("fedex", "ground").route)
    simulator.fail("timeout_after", "buy", client)
    await work(counter)
    for _ in range(3):
        await work(counter, 70)
    [lost, kept] = simulator.sales(client)
    known = (await counter.client.get("/v1/labels/order-1")).json()
    assert (known["state"], known["tracking_numbers"]) == ("active", kept["tracking_numbers"])
    reconciler = Reconciler(
        StoredOrphans(counter.database, counter.vault, counter.connectors, counter.clock, PATIENCE), PATIENCE
    )
    counter.clock.advance(timedelta(minutes=11))
    await reconciler.look_up_suspects()
    await reconciler.void_orphans()
    assert [sale["voided"] for sale in simulator.sales(client)] == [True, False]
    assert lost["carrier_id"] != kept["carrier_id"]


async def test_an_account_tells_what_it_may_still_do(counter: Counter, simulator: Simulator) -> None:
    await counter.top_up(1000, "k1")
    limit = {"amount_minor": 1200, "currency": "USD"}
    body = account(simulator, "bound-limited", monthly_limit=limit)
    bound = (await counter.client.put("/v1/carrier-accounts/usps/platform", json=body)).json()
    assert (bound["left_this_month"], bound["spent_this_month"], bound["calls"]) == (limit, [], None)
    await counter.order("order-1", "Ada")
    await work(counter)
    [told] = (await counter.client.get("/v1/carrier-accounts")).json()["accounts"]
    [spent] = told["spent_this_month"]
    assert spent["amount_minor"] + told["left_this_month"]["amount_minor"] == 1200
    assert (told["calls"]["circuit"], told["calls"]["blocked_for_s"]) == ("closed", 0)
    assert told["calls"]["calls_left"] > 0


async def test_an_account_is_stored_only_when_the_carrier_takes_it(counter: Counter, simulator: Simulator) -> None:
    body = account(simulator, "bound-refused", credentials={"client_id": "x", "client_secret": "wrong"})
    for carrier, changed, code in (
        ("usps", body, "account_refused"),
        ("ups", account(simulator, "other"), "wrong_connector"),
        ("usps", account(simulator, "none", connector="none"), "unknown_connector"),
        ("usps", account(simulator, "http", base_url="http://carrier.example"), "bad_base_url"),
        ("usps", account(simulator, "empty", credentials={}), "missing_setting"),
        ("usps", account(simulator, "away", base_url="http://127.0.0.1:9"), "carrier_unavailable"),
    ):
        answer = await counter.client.put(f"/v1/carrier-accounts/{carrier}/platform", json=changed)
        assert answer.json()["code"] == code, answer.text
        assert "wrong" not in answer.text.replace("wrong_connector", "")
    assert (await counter.client.get("/v1/carrier-accounts")).json() == {"accounts": []}


async def test_a_suspended_account_buys_nothing(counter: Counter, simulator: Simulator) -> None:
    client = "bound-suspended"
    await counter.top_up(1000, "k1")
    await counter.client.put("/v1/carrier-accounts/usps/platform", json=account(simulator, client))
    suspended = await counter.client.post("/v1/carrier-accounts/usps/platform/suspend")
    assert (suspended.json()["suspended"], suspended.json()["version"]) == (True, 2)
    changed = await counter.client.put("/v1/carrier-accounts/usps/platform", json=account(simulator, client))
    assert (changed.json()["suspended"], changed.json()["version"]) == (True, 3)
    assert (await counter.client.post("/v1/carrier-accounts/ups/none/suspend")).json()["code"] == "account_unknown"
    await counter.order("order-1", "Ada")
    await work(counter)
    assert simulator.sales(client) == []
    assert (await counter.client.get("/v1/labels/order-1")).json()["state"] == "withdrawn"
