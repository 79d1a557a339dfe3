"""Carriers asked over HTTP, on a real database: shared by replicas, within budgets, nothing lost, nobody else's parcels."""

from __future__ import annotations

import asyncio
import json
from collections import Counter as Count
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from integration.labeler.carrier_rigs import Simulator, running_simulator
from integration.tracker.tracking_counter import Counter, _Delivering, opened_counter
from unit.tracker.tracked_facts import LABELLED, label, scan

from linkstar_carriers.transport import open_http
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.master_keys import MasterKeys
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.vault import Vault
from linkstar_tracker import store
from linkstar_tracker.carriers import TrackingClients
from linkstar_tracker.domain.polling import Polling
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.jobs.polling import Poller
from linkstar_tracker.settings import Settings

pytestmark = pytest.mark.integration
ACCOUNT = {"credentials": {"client_id": "track-demo", "client_secret": "secret-track-demo"}}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A day after the label, and it stays so: asked twice, it tells the same scans."""
    with running_simulator(ManualClock(LABELLED + timedelta(hours=24))) as running:
        yield running


@pytest.fixture
async def counter(
    database_url: str, tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Asked]:
    monkeypatch.setenv("LINKSTAR_POLLING__SIMULATORS", "true")
    monkeypatch.setenv("LINKSTAR_POLLING__SIMULATOR_URL", simulator.address)
    simulator.calm()
    async with open_http() as http:
        asking = TrackingClients(Settings().polling, http)
        async with opened_counter(database_url, tmp_path, asking) as opened:
            async with opened.desk.database.transaction() as tx:
                for table in ("tracking_account", "poll_due", "poll_hint", "number_change"):
                    await tx.execute(f"DELETE FROM {table}")
            yield Asked(opened, http)


class Asked:
    """The tracker's doors, and what its replicas share."""

    def __init__(self, counter: Counter, http: httpx.AsyncClient) -> None:
        self.client, self.desk, self.http = counter.client, counter.desk, http


def number(serial: int, ending: str) -> str:
    return f"4490443{serial:05d}{ending}"


class Replica:
    """One process that asks FedEx."""

    def __init__(self, counter: Asked) -> None:
        settings, desk = Settings(), counter.desk
        self.context = cast("ServiceContext", SimpleNamespace(
            settings=settings, clock=desk.clock, database=desk.database, writer=_Delivering(desk),
            vault=Vault(MasterKeys([bytes(32)])),
        ))  # fmt: skip
        self.poller = Poller(
            "fedex", Polling(), Rules.shipped(), TrackingClients(settings.polling, counter.http), settings
        )

    async def ask(self) -> None:
        """Two rounds: what was never looked at is planned in the first."""
        for _ in range(2):
            await self.poller(self.context)


async def bind(counter: Asked, **more: Any) -> dict[str, Any]:
    answer = await counter.client.put("/v1/tracking-accounts/fedex", json={**ACCOUNT, **more})
    assert answer.status_code == 200, answer.text
    return cast("dict[str, Any]", answer.json())


async def account(counter: Asked) -> dict[str, Any]:
    return cast("dict[str, Any]", (await counter.client.get("/v1/tracking-accounts/fedex")).json())


async def status(counter: Asked, shipment: str = "s-1") -> str:
    return str((await counter.client.get(f"/v1/trackers/{shipment}")).json()["status"])


async def polls(counter: Asked) -> dict[str, Any]:
    async with counter.desk.database.transaction() as tx:
        return {row["tracking_number"]: row for row in await tx.fetch("SELECT * FROM poll_due")}


def later(counter: Asked, **step: float) -> None:
    counter.desk.clock.advance(timedelta(**step))


async def test_a_parcel_is_asked_for_when_due_until_it_has_arrived(counter: Asked) -> None:
    await bind(counter)
    await counter.desk.labels(label(numbers=[number(1, "05")]))
    replica = Replica(counter)
    await replica.ask()
    assert (await status(counter), len(await polls(counter))) == ("pending", 1)
    assert (await account(counter))["budget"]["used"] == 0
    later(counter, hours=24)
    await replica.ask()
    assert await status(counter) == "delivered"
    assert await polls(counter) == {}
    told = await account(counter)
    assert (told["budget"]["used"], told["parcels"]) == (1, {"followed": 0, "due": 0})
    async with counter.desk.database.transaction() as tx:
        assert await tx.fetchval("SELECT DISTINCT source FROM scan") == "poll"


async def test_what_is_known_already_is_not_told_twice(counter: Asked) -> None:
    await bind(counter)
    await counter.desk.labels(label(numbers=[number(1, "03")]))
    replica = Replica(counter)
    later(counter, hours=24)
    await replica.ask()
    before = (await counter.client.get("/v1/trackers/s-1")).json()
    assert before["status"] == "in_transit"
    later(counter, hours=30)
    await replica.ask()
    assert (await counter.client.get("/v1/trackers/s-1")).json() == before
    [row] = (await polls(counter)).values()
    assert (row["last_end"], row["failures"], row["leased_until"]) == ("nothing_new", 0, None)


async def test_replicas_share_the_work_and_ask_for_no_parcel_twice(counter: Asked) -> None:
    await bind(counter)
    for serial in range(12):
        await counter.desk.labels(label(numbers=[number(serial, "02")], order=f"o-{serial}"))
    replicas = [Replica(counter) for _ in range(3)]
    await replicas[0].ask()
    later(counter, hours=24)
    for _ in range(2):
        await asyncio.gather(*(replica.ask() for replica in replicas))
    assert (await account(counter))["budget"]["used"] == 12
    assert Count([row["last_end"] for row in (await polls(counter)).values()]) == {"news": 12}


async def test_a_process_that_dies_while_it_asks_loses_nothing(counter: Asked) -> None:
    await bind(counter)
    await counter.desk.labels(label(numbers=[number(1, "05")]))
    doomed = Replica(counter)
    await doomed.ask()
    later(counter, hours=24)
    [stored] = await _accounts(counter)
    assert len(await doomed.poller._claim(doomed.context, stored)) == 1
    successor = Replica(counter)
    await successor.ask()
    assert await status(counter) == "pending"
    later(counter, minutes=3)
    await successor.ask()
    assert await status(counter) == "delivered"


async def _accounts(counter: Asked) -> list[store.TrackingAccount]:
    async with counter.desk.database.transaction() as tx:
        return await store.accounts_of_carrier(tx, "fedex")


async def test_too_many_requests_stop_every_replica_for_as_long_as_the_carrier_says(
    counter: Asked, simulator: Simulator
) -> None:
    await bind(counter)
    await counter.desk.labels(label(numbers=[number(1, "05")]))
    later(counter, hours=24)
    simulator.fail("rate_limited", "track", "demo", seconds=30)
    await Replica(counter).ask()
    told = await account(counter)
    assert (told["paused"], told["budget"]["left_now"]) == ("rate_limited", 0)
    await Replica(counter).ask()
    assert (await account(counter))["budget"]["used"] == 1
    later(counter, minutes=61)
    await Replica(counter).ask()
    assert await status(counter) == "delivered"
    assert (await account(counter))["paused"] is None


@pytest.mark.parametrize(("kind", "code"), [("html", "html_reply"), ("truncated", "malformed_reply")])
async def test_an_answer_that_cannot_be_read_is_coded_and_asked_again(
    counter: Asked, simulator: Simulator, kind: str, code: str
) -> None:
    await bind(counter)
    await counter.desk.labels(label(numbers=[number(1, "05")]))
    later(counter, hours=24)
    simulator.fail(kind, "track", "demo")
    replica = Replica(counter)
    await replica.ask()
    [row] = (await polls(counter)).values()
    assert (row["last_end"], row["failures"], row["leased_until"]) == (code, 1, None)
    assert row["due_at"] - counter.desk.clock.now() == timedelta(minutes=5)
    later(counter, minutes=5)
    await Replica(counter).ask()
    assert await status(counter) == "delivered"


async def test_what_the_carrier_tells_by_itself_is_left_alone_until_it_hints(counter: Asked) -> None:
    await bind(counter)
    numbers = [number(1, "05")]
    await counter.desk.labels(label(numbers=numbers))
    await counter.desk.scans(scan("IT", 20, number=numbers[0]))
    later(counter, hours=43)
    await Replica(counter).ask()
    [row] = (await polls(counter)).values()
    assert row["due_at"] - LABELLED == timedelta(hours=44)
    assert (await account(counter))["budget"]["used"] == 0
    async with counter.desk.database.transaction() as tx:
        await store.keep_hints(tx, "demo", "fedex", numbers, tx.now + timedelta(days=7))
    await Replica(counter).ask()
    assert await status(counter) == "delivered"
    assert (await counter.client.get("/v1/poll-hints")).json() == {"hints": []}


async def test_a_hint_is_not_taken_for_answered_by_a_question_put_before_it(counter: Asked) -> None:
    await bind(counter)
    numbers = [number(1, "05")]
    await counter.desk.labels(label(numbers=numbers))
    early = Replica(counter)
    await early.ask()
    later(counter, hours=24)
    [stored] = await _accounts(counter)
    assert len(await early.poller._claim(early.context, stored)) == 1
    async with counter.desk.database.transaction() as tx:
        await store.keep_hints(tx, "demo", "fedex", numbers, tx.now + timedelta(days=7))
    await Replica(counter).ask()
    assert len((await counter.client.get("/v1/poll-hints")).json()["hints"]) == 1
    later(counter, minutes=3)
    await Replica(counter).ask()
    assert (await counter.client.get("/v1/poll-hints")).json() == {"hints": []}


async def test_a_number_is_asked_for_on_behalf_of_the_label_that_bears_it(counter: Asked) -> None:
    await bind(counter)
    await counter.desk.labels(label(numbers=[number(1, "05")]))
    onward = {"carrier": "fedex", "tracking_number": number(2, "05")}
    told = {"carrier": "fedex", "tracking_number": number(1, "05"), "code": "IT", "scanned_at": LABELLED.isoformat()}
    answer = await counter.client.post("/v1/scans", json={"scans": [told | {"travels_on_as": onward}]})
    assert answer.json()["accepted"] == 1
    assert (await polls(counter))[number(2, "05")]["shipment_id"] == "s-1"
    await counter.desk.labels(label(numbers=[number(2, "05")], order="o-2"))
    assert (await polls(counter))[number(2, "05")]["shipment_id"] == "o-2"


async def test_an_account_asks_for_its_tenants_own_parcels_of_its_own_kind(counter: Asked) -> None:
    await counter.desk.labels(label(numbers=[number(1, "05")]))
    await counter.desk.labels(label(numbers=[number(2, "05")], tenant="other", order="o-2"))
    test = label(numbers=[number(3, "05")], order="o-3").model_copy(update={"test": True})
    await counter.desk.labels(test)
    await bind(counter)
    later(counter, hours=24)
    replica = Replica(counter)
    for _ in range(2):
        await replica.ask()
    assert [await status(counter, each) for each in ("s-1", "o-3")] == ["delivered", "pending"]
    async with counter.desk.database.transaction() as tx:
        assert await tx.fetchval("SELECT status FROM tracker WHERE tenant = 'other'") == "pending"
    await bind(counter, test=True)
    for _ in range(2):
        await replica.ask()
    assert await status(counter, "o-3") == "delivered"
    gone = await counter.client.delete("/v1/tracking-accounts/fedex", params={"test": True})
    assert gone.status_code == 204
    assert [each["test"] for each in (await counter.client.get("/v1/tracking-accounts")).json()["accounts"]] == [False]


async def test_an_account_for_everybody_serves_those_without_their_own(counter: Asked) -> None:
    await bind(counter)
    async with counter.desk.database.transaction() as tx:
        await tx.execute("UPDATE tracking_account SET tenant = '*', credentials = $1", _sealed_for_all())
    for serial, (tenant, order) in enumerate((("demo", "s-1"), ("other", "o-2"))):
        await counter.desk.labels(label(numbers=[number(serial, "05")], tenant=tenant, order=order))
    await bind(counter, budget={"calls": 1000})
    await Replica(counter).ask()
    later(counter, hours=24)
    await Replica(counter).ask()
    assert (await account(counter))["budget"]["used"] == 1
    [everybodys] = [each for each in await _accounts(counter) if each.key.tenant == "*"]
    assert everybodys.used == 1
    async with counter.desk.database.transaction() as tx:
        assert [row["status"] for row in await tx.fetch("SELECT status FROM tracker")] == ["delivered"] * 2


@pytest.mark.parametrize("asks", ["demo", "*"])
async def test_a_hint_is_heeded_for_its_tenants_own_parcel_by_whoever_asks_for_that(counter: Asked, asks: str) -> None:
    await bind(counter)
    async with counter.desk.database.transaction() as tx:
        if asks == "*":
            await tx.execute("UPDATE tracking_account SET tenant = '*', credentials = $1", _sealed_for_all())
    ours, theirs = number(1, "05"), number(2, "05")
    for each, tenant, order in ((ours, "demo", "s-1"), (theirs, "other", "o-2")):
        await counter.desk.labels(label(numbers=[each], tenant=tenant, order=order))
        await counter.desk.scans(scan("IT", 20, number=each), tenant=tenant, order=order)
    later(counter, hours=43)
    replica = Replica(counter)
    await replica.ask()
    asked: dict[tuple[str, str], list[str]] = {}
    for tenant, hinted in (("other", ours), ("other", theirs), ("demo", theirs), ("demo", ours)):
        async with counter.desk.database.transaction() as tx:
            await store.keep_hints(tx, tenant, "fedex", [hinted], tx.now + timedelta(days=7))
        await replica.ask()
        async with counter.desk.database.transaction() as tx:
            found = await tx.fetch("SELECT tenant FROM tracker WHERE status = 'delivered' ORDER BY tenant")
        asked[tenant, hinted] = [row["tenant"] for row in found]
    by_all = ["other"] if asks == "*" else []
    assert list(asked.values()) == [[], by_all, by_all, ["demo", *by_all]]
    async with counter.desk.database.transaction() as tx:
        left = await tx.fetch("SELECT tenant, tracking_number FROM poll_hint ORDER BY hinted_at, tenant DESC, 2")
    unheeded = {("other", ours), ("demo", theirs)} | ({("other", theirs)} if asks == "demo" else set())
    assert {tuple(row) for row in left} == unheeded


def _sealed_for_all() -> bytes:
    vault = Vault(MasterKeys([bytes(32)]))
    return vault.seal_secret("*", "tracking|fedex|false", json.dumps(ACCOUNT["credentials"]).encode())


async def test_a_short_budget_goes_to_the_most_urgent(counter: Asked) -> None:
    await bind(counter, budget={"calls": 10, "per": "day"})
    for serial in range(3):
        await counter.desk.labels(label(numbers=[number(serial, "05")], order=f"o-{serial}"))
    await Replica(counter).ask()
    later(counter, hours=24)
    async with counter.desk.database.transaction() as tx:
        await tx.execute(
            "UPDATE poll_due SET due_at = known_at + interval '1 hour' WHERE tracking_number = $1", number(2, "05")
        )
    await Replica(counter).ask()
    assert [await status(counter, f"o-{serial}") for serial in range(3)] == ["pending", "pending", "delivered"]
    told = await account(counter)
    assert (told["budget"]["used"], told["budget"]["used_share"], told["parcels"]["due"]) == (1, 0.1, 2)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("evri", ACCOUNT, "carrier_not_polled"),
    ("fedex", {"credentials": {"client_id": "a", "client_secret": "wrong"}}, "account_refused"),
    ("fedex", {"credentials": {"client_id": "a"}}, "missing_setting"),
    ("usps", {**ACCOUNT, "base_url": "https://apis.usps.com"}, "live_host"),
    ("ups", {**ACCOUNT, "base_url": "https://example.com"}, "unknown_host"),
    ("ups", {**ACCOUNT, "base_url": "http://ups.example"}, "bad_base_url"),
    ("fedex", {**ACCOUNT, "budget": {"calls": 0}}, "validation_failed"),
]


async def test_an_account_that_cannot_ask_is_refused_by_its_code(counter: Asked) -> None:
    for carrier, body, code in REFUSED:
        answer = await counter.client.put(f"/v1/tracking-accounts/{carrier}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        assert (await counter.client.get(f"/v1/tracking-accounts/{carrier}")).status_code == 404
    assert (await counter.client.get("/v1/tracking-accounts")).json() == {"accounts": []}
