"""A labeler that dies at any of its failpoints: another finishes what it began, and the carrier has sold one label."""

from __future__ import annotations

from datetime import timedelta

import pytest
from integration.labeler.carrier_rigs import RIGS, US_SENDER, Simulator
from integration.labeler.label_counter import SHARD, Counter
from integration.labeler.label_desk import cancelled

from linkstar_cli.ledger import examine
from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.handlers import Buyer, Handlers, StoredPurchases
from linkstar_runtime import failpoints
from linkstar_runtime.clock import Clock
from linkstar_runtime.failpoints import LABEL_FAILPOINTS, Action, Failpoints
from linkstar_runtime.handling import Received

pytestmark = pytest.mark.integration
PATIENCE = Patience(lease_s=60, settle_s=50)
[USPS] = [rig for rig in RIGS if rig.connector == "usps"]
BEFORE = ("label.t1.before_commit",)
"""Dies in the transaction that begins the purchase."""
AFTER_A_CANCEL = (
    ("label.resolve.after_lookup", "label.after_carrier_call", "withdrawn"),
    ("label.void.after_call", "label.t2.after_commit", "voided"),
)
"""Reached when an order is cancelled whose label was bought by one who died at the second: how its label ends."""
DURING = tuple(sorted(LABEL_FAILPOINTS - {*BEFORE, *(name for name, _, _ in AFTER_A_CANCEL)}))


class Killed(BaseException):
    """The process ends here: nothing that handles errors sees it."""


class Deadly(Failpoints):
    """Dies at one failpoint, once."""

    def __init__(self, name: str) -> None:
        super().__init__("")
        self._name = name

    def due(self, name: str) -> Action | None:
        super().due(name)
        if name == self._name and self.hits[name] == 1:
            raise Killed(name)
        return None


@pytest.fixture
async def client(counter: Counter, simulator: Simulator, request: pytest.FixtureRequest) -> str:
    """The name of a bound account, and 10 dollars to spend."""
    counter.clock.advance(Clock().now() - counter.clock.now())
    name = f"crash-{request.node.name}"[:60].replace("[", "-").replace("]", "")
    await counter.top_up(1000, "k1")
    given = USPS.account(simulator.address, name)
    body = {
        "connector": "usps", "base_url": given.base_url, "number": name, "credentials": dict(given.credentials),
        "settings": dict(given.settings), "senders": {"*": US_SENDER.model_dump()}, "drift_percent": 900,
    }  # fmt: skip
    assert (await counter.client.put("/v1/carrier-accounts/usps/platform", json=body)).status_code == 200
    return name


async def work(counter: Counter, after_s: float = 0.0) -> None:
    """One worker's life, which ends early when it is killed."""
    counter.clock.advance(timedelta(seconds=after_s))
    book = StoredPurchases(counter.database, counter.writer, counter.vault, counter.connectors, counter.clock, PATIENCE)
    try:
        await Buyer(book, counter.clock, at_once=4).run()
    except Killed:
        return


async def killed_at(counter: Counter, name: str, after_s: float = 0.0) -> None:
    """Let a worker run into a failpoint."""
    failpoints.install(Deadly(name))
    try:
        await work(counter, after_s)
        assert failpoints.hits().get(name), f"{name} was not reached"
    finally:
        failpoints.install(None)


async def others_finish(counter: Counter) -> None:
    for _ in range(4):
        await work(counter, 70)


async def cancel(counter: Counter) -> None:
    event = cancelled()
    async with counter.database.transaction() as tx:
        await Handlers(counter.settler).on_order_changes([Received(event, event.key, SHARD)], tx)


async def judge(counter: Counter, sales: list[dict[str, object]], state: str = "active") -> None:
    """One label was sold, it is live or, where ours is not active, voided; and our books say the same."""
    live = state == "active"
    assert [not sale["voided"] for sale in sales] == [live]
    found = await examine(counter.admin)
    assert found["ok"], found
    known = (await counter.client.get("/v1/labels/order-1")).json()
    assert known["state"] == state
    assert not live or known["tracking_numbers"] == sales[0]["tracking_numbers"]
    legs = await counter.admin.fetch("SELECT account, sum(amount_minor)::int FROM labeler.ledger_leg GROUP BY account")
    held = {account: amount for account, amount in legs if amount}
    assert held.get("wallet") == (500 if live else 1000)
    assert held.get("wallet_held", 0) == 0


@pytest.mark.parametrize("name", BEFORE)
async def test_a_purchase_that_was_not_begun_begins_again(
    counter: Counter, simulator: Simulator, client: str, name: str
) -> None:
    failpoints.install(Deadly(name))
    try:
        with pytest.raises(Killed):
            await counter.order("order-1", "Ada")
        assert await counter.order("order-1", "Ada") == []
    finally:
        failpoints.install(None)
    await work(counter)
    await judge(counter, simulator.sales(client))


@pytest.mark.parametrize("name", DURING)
async def test_another_finishes_the_purchase(counter: Counter, simulator: Simulator, client: str, name: str) -> None:
    await counter.order("order-1", "Ada")
    await killed_at(counter, name)
    await others_finish(counter)
    await judge(counter, simulator.sales(client))


@pytest.mark.parametrize(("name", "before", "state"), AFTER_A_CANCEL)
async def test_another_gives_a_cancelled_label_back(
    counter: Counter, simulator: Simulator, client: str, name: str, before: str, state: str
) -> None:
    await counter.order("order-1", "Ada")
    await killed_at(counter, before)
    await work(counter, 70)
    await cancel(counter)
    await killed_at(counter, name, 70)
    await others_finish(counter)
    await judge(counter, simulator.sales(client), state)
