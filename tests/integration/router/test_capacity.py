"""Capacity pools on real PostgreSQL: taken with the decision, given back once, never overbooked whoever writes at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest
from integration.router.router_desk import RouterDesk, attempts, opened_desk, raised
from unit.router.routed_orders import cancelled, changed, received, refused, voided

from linkstar_contracts.events import OrderReceived, RouteChosen
from linkstar_router.domain.decision import reexecute
from linkstar_router.domain.snapshot import shipped
from linkstar_runtime.handling import Received

pytestmark = pytest.mark.integration
CHEAPEST, SECOND = "usps/ground_advantage", "usps/priority_mail"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[RouterDesk]:
    async with opened_desk(database_url) as opened:
        yield opened


async def test_the_next_best_service_is_taken_with_the_reason(desk: RouterDesk) -> None:
    await desk.cap("ground", 2, "usps", "ground_advantage")
    routes = await desk.take(*(received(f"shopify-{n}") for n in range(4)))
    assert [name for _, name in attempts(routes)] == [CHEAPEST, CHEAPEST, SECOND, SECOND]
    assert await desk.used() == {"ground": 2}
    last = routes[-1]
    assert isinstance(last, RouteChosen)
    assert ("ground_advantage", "capacity_exhausted", "ground") in {
        (each.service, each.code, each.detail) for each in last.excluded
    }
    (record,) = await desk.decisions("shopify-3")
    assert reexecute(shipped(), record.question) == record.answer


async def test_every_pool_a_parcel_falls_into_needs_room(desk: RouterDesk) -> None:
    await desk.cap("all-usps", 3, "usps")
    await desk.cap("ground", 2, "usps", "ground_advantage")
    await desk.cap("elsewhere", 0, "usps", "", "US-NJ")
    routes = await desk.take(*(received(f"shopify-{n}") for n in range(5)))
    names = [name for _, name in attempts(routes)]
    assert names[:3] == [CHEAPEST, CHEAPEST, SECOND]
    assert not any(name.startswith("usps") for name in names[3:])
    assert await desk.used() == {"all-usps": 3, "ground": 2}


async def test_a_repeated_order_takes_nothing_more(desk: RouterDesk) -> None:
    await desk.cap("ground", 5, "usps", "ground_advantage")
    await desk.take(received(), received())
    await desk.take(received())
    assert await desk.used() == {"ground": 1}


async def test_each_parcel_counts(desk: RouterDesk) -> None:
    await desk.cap("ground", 3, "usps", "ground_advantage")
    order = received()
    two = order.model_copy(update={"parcels": (order.parcels[0], order.parcels[0].model_copy(update={"number": 2}))})
    await desk.take(two)
    assert await desk.used() == {"ground": 2}


async def test_a_return_takes_nothing_of_the_warehouse(desk: RouterDesk) -> None:
    await desk.cap("ground", 0, "usps")
    assert attempts(await desk.take(received("shopify-1~R1", kind="return"))) == [(1, CHEAPEST)]


@pytest.mark.parametrize("last", ["voided", "refused", "cancelled", "changed"])
async def test_capacity_is_given_back_once(desk: RouterDesk, last: str) -> None:
    await desk.cap("ground", 1, "usps", "ground_advantage")
    await desk.take(received())
    fact = {
        "voided": voided(), "refused": refused(CHEAPEST), "cancelled": cancelled(),
        "changed": changed(contents={"hazmat": True}),
    }[last]  # fmt: skip
    await desk.take(fact)
    assert await desk.used() == {"ground": 0}
    await desk.take(fact)
    await desk.take(voided(version=9))
    assert await desk.used() == {"ground": 0}
    assert attempts(await desk.take(received("shopify-2"))) == [(1, CHEAPEST)]


async def test_the_void_of_an_older_attempt_gives_nothing_back(desk: RouterDesk) -> None:
    await desk.cap("ground", 1, "usps", "ground_advantage")
    await desk.take(received())
    await desk.take(changed(weight="3"))
    await desk.take(voided(route_version=1))
    assert await desk.used() == {"ground": 1}


async def test_a_change_may_keep_the_place_it_had(desk: RouterDesk) -> None:
    await desk.cap("ground", 1, "usps", "ground_advantage")
    await desk.take(received())
    assert attempts(await desk.take(changed(weight="3"))) == [(2, CHEAPEST)]
    assert await desk.used() == {"ground": 1}


async def test_an_order_without_capacity_waits_and_goes_on_when_some_is_given_back(desk: RouterDesk) -> None:
    await desk.publish({"id": "ground-only", "then": {"require": CHEAPEST}})
    await desk.cap("ground", 1, "usps", "ground_advantage")
    await desk.take(received())
    assert raised(await desk.take(received("shopify-2"))) == [(1, "open")]
    assert await desk.retry() == []
    await desk.take(voided())
    desk.clock.advance(timedelta(minutes=16))
    again = await desk.retry()
    desk.clock.advance(timedelta(minutes=-16))
    assert attempts(again) == [(1, CHEAPEST)]
    assert raised(again) == [(2, "resolved")]


async def test_the_next_day_has_capacity_of_its_own(desk: RouterDesk) -> None:
    await desk.cap("ground", 1, "usps", "ground_advantage")
    await desk.take(received())
    desk.clock.advance(timedelta(days=1))
    assert attempts(await desk.take(received("shopify-2"))) == [(1, CHEAPEST)]
    desk.clock.advance(timedelta(days=-1))
    assert await desk.used() == {"ground": 2}


class Crash(Exception):
    """The process dies before its transaction commits."""


async def test_no_number_of_replicas_overbooks_whatever_crashes(desk: RouterDesk) -> None:
    """Three replicas route, void and cancel at once; a quarter of their batches is rolled back and delivered again."""
    await desk.cap("usps-la", 60, "usps", "", "US-LA")
    await desk.cap("ground", 40, "usps", "ground_advantage")
    await desk.cap("fedex", 30, "fedex")

    async def replica(number: int) -> None:
        chance = Random(number)
        orders = [f"shopify-{number}-{n}" for n in range(70)]
        waiting = [orders[at : at + 7] for at in range(0, 70, 7)]
        while waiting:
            batch = waiting.pop(0)
            try:
                await _one_batch(desk, [received(name) for name in batch], chance.random() < 0.25)
            except Crash:
                waiting.append(batch)
                continue
            gone = chance.choice(batch)
            await desk.take(voided(shipment_id=gone) if chance.random() < 0.5 else cancelled(gone))

    await asyncio.gather(*(replica(number) for number in range(3)), _never_over(desk))
    used = await desk.used()
    assert all(0 < used[pool] <= cap for pool, cap in (("usps-la", 60), ("ground", 40), ("fedex", 30)))


async def _one_batch(desk: RouterDesk, orders: list[OrderReceived], dies: bool) -> None:
    async with desk.database.transaction() as tx:
        await desk.router.on_orders_received([Received(order, order.key, 3) for order in orders], tx)
        if dies:
            raise Crash


async def _never_over(desk: RouterDesk) -> None:
    for _ in range(30):
        async with desk.database.transaction() as tx:
            assert await tx.fetchval("SELECT count(*) FROM capacity_day WHERE used > cap OR used < 0") == 0
        await asyncio.sleep(0.02)
