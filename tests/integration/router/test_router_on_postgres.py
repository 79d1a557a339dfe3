"""The router's handlers on real PostgreSQL: arrival order, repetition, refusals, holding and going on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import permutations

import pytest
from integration.router.router_desk import RouterDesk, attempts, opened_desk, raised
from unit.router.routed_orders import ORDERED, cancelled, changed, received, refused

from linkstar_contracts.events import RouteChosen
from linkstar_router.domain.decision import reexecute
from linkstar_router.domain.snapshot import shipped
from linkstar_runtime.handling import Reject

pytestmark = pytest.mark.integration
CHEAPEST, SECOND = "usps/ground_advantage", "usps/priority_mail"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[RouterDesk]:
    async with opened_desk(database_url) as opened:
        yield opened


async def test_an_order_gets_its_cheapest_service_with_itemised_lines(desk: RouterDesk) -> None:
    (route,) = await desk.take(received())
    assert isinstance(route, RouteChosen)
    assert (route.version, route.order_version, route.route.tariff) == (
        1,
        1,
        "usps-ground-advantage-commercial@2026-07-12",
    )
    assert sum(line.amount.amount_minor for line in route.route.lines) == route.route.total.amount_minor == 1342
    assert [alternative.service for alternative in route.alternatives] == ["priority_mail", "home_delivery", "ground"]
    assert {(entry.service, entry.code) for entry in route.excluded} == {
        ("ground", "coverage"), ("ground_economy", "level"), ("ground_saver", "level"),
    }  # fmt: skip
    assert route.consignee.token == "c2VhbGVk"
    assert route.route.promise is not None
    assert (route.route.promise.p50_on, route.route.promise.p90_on) == ("2026-11-30", "2026-11-30")


async def test_a_repeated_order_changes_nothing(desk: RouterDesk) -> None:
    assert attempts(await desk.take(received(), received())) == [(1, CHEAPEST)]
    before = await desk.shipment()
    assert await desk.take(received()) == []
    assert await desk.shipment() == before
    assert len(await desk.decisions()) == 1


async def test_tenants_do_not_share_shipments(desk: RouterDesk) -> None:
    outcomes = await desk.take(received(), received(tenant="other"))
    assert {outcome.tenant for outcome in outcomes if isinstance(outcome, RouteChosen)} == {"demo", "other"}


@pytest.mark.parametrize("arrival", list(permutations(range(4))), ids=str)
async def test_every_arrival_order_ends_cancelled_once_the_cancel_is_there(
    desk: RouterDesk, arrival: tuple[int, ...]
) -> None:
    facts = (received(), changed(), cancelled(), refused(CHEAPEST))
    told: list[object] = []
    for index in arrival:
        told += await desk.take(facts[index])
        told += await desk.take(facts[index])
    assert (await desk.shipment()).state == "cancelled"
    assert (await desk.shipment()).order_version == 3
    versions = [version for version, _ in attempts(told)]
    assert versions == list(range(1, len(versions) + 1))
    for fact in facts:
        assert await desk.take(fact) == []


@pytest.mark.parametrize("arrival", list(permutations(range(3))), ids=str)
async def test_every_arrival_order_ends_on_the_newest_content(desk: RouterDesk, arrival: tuple[int, ...]) -> None:
    facts = (received(), changed(weight="5"), refused(CHEAPEST))
    told: list[object] = []
    for index in arrival:
        told += await desk.take(facts[index])
    last = [event for event in told if isinstance(event, RouteChosen)][-1]
    assert last.order_version == 2
    assert str(last.parcels[0].weight.value) == "5"
    versions = [version for version, _ in attempts(told)]
    assert versions == list(range(1, len(versions) + 1))
    shipment = await desk.shipment()
    assert (shipment.state, shipment.order_version, shipment.attempt) == ("routed", 2, len(versions))
    assert await desk.take(facts[0]) == []
    assert await desk.take(facts[1]) == []


async def test_an_older_change_does_not_undo_a_newer_one(desk: RouterDesk) -> None:
    await desk.take(received())
    assert attempts(await desk.take(changed(version=4, weight="9"), changed(version=2))) == [(2, CHEAPEST)]
    assert await desk.take(changed(version=3)) == []
    content = (await desk.shipment()).content
    assert content is not None
    assert content.order_version == 4


async def test_a_cancelled_order_that_never_came_leaves_a_tombstone(desk: RouterDesk) -> None:
    assert await desk.take(cancelled()) == []
    assert await desk.take(received()) == []
    assert await desk.decisions() == []


async def test_a_refused_service_is_left_out_until_the_order_changes(desk: RouterDesk) -> None:
    await desk.take(received())
    (second,) = await desk.take(refused(CHEAPEST))
    assert isinstance(second, RouteChosen)
    assert attempts([second]) == [(2, SECOND)]
    assert ("ground_advantage", "rejected_by_carrier") in {(entry.service, entry.code) for entry in second.excluded}
    assert await desk.take(refused(CHEAPEST)) == []
    third = await desk.take(refused(SECOND, route_version=2, version=2))
    assert attempts(third) == [(3, "fedex/home_delivery")]
    assert attempts(await desk.take(changed())) == [(4, CHEAPEST)]


async def test_an_order_nothing_can_take_is_held_openly_and_goes_on_after_a_change(desk: RouterDesk) -> None:
    held = await desk.take(received(contents={"hazmat": True}))
    assert raised(held) == [(1, "open")]
    assert raised(await desk.take(changed(contents={"hazmat": True}))) == []
    healed = await desk.take(changed(version=3))
    assert attempts(healed) == [(1, CHEAPEST)]
    assert raised(healed) == [(2, "resolved")]
    assert raised(await desk.take(changed(version=4, contents={"hazmat": True}))) == [(3, "open")]
    assert raised(await desk.take(cancelled(version=5))) == [(4, "resolved")]
    assert [record.attempt for record in await desk.decisions()] == [None, 1, None, None]


async def test_a_shipment_across_the_border_is_held(desk: RouterDesk) -> None:
    (held,) = await desk.take(received(country="CA", postcode="V6B"))
    assert "cross_border_without_customs" in getattr(held, "detail", "")


async def test_services_barred_for_a_time_come_back(desk: RouterDesk) -> None:
    back = ORDERED + timedelta(hours=6)
    await desk.take(received(postcode="99501"))
    await desk.take(refused(CHEAPEST, retry_at=back))
    assert raised(await desk.take(refused(SECOND, route_version=2, version=2))) == [(1, "open")]
    assert await desk.retry() == []
    desk.clock.advance(timedelta(hours=7))
    assert await desk.retry(shards=(4,)) == []
    again = await desk.retry()
    desk.clock.advance(timedelta(hours=-7))
    assert attempts(again) == [(3, CHEAPEST)]
    assert raised(again) == [(2, "resolved")]
    assert await desk.retry() == []


async def test_a_return_travels_the_lane_backwards_to_a_business_address(desk: RouterDesk) -> None:
    (route,) = await desk.take(received("shopify-1~R1", kind="return"))
    assert isinstance(route, RouteChosen)
    assert route.kind == "return"
    codes = {(entry.carrier, entry.service): entry.code for entry in route.excluded}
    assert codes == {
        ("fedex", "home_delivery"): "coverage", ("fedex", "ground_economy"): "coverage", ("ups", "ground_saver"): "coverage",
    }  # fmt: skip


async def test_a_warehouse_without_a_time_zone_is_a_dead_letter(desk: RouterDesk) -> None:
    outcomes = await desk.take(received(timezone="Europe/Atlantis"), received("shopify-2"))
    assert attempts(outcomes) == [(1, CHEAPEST)]
    (reject,) = [outcome for outcome in outcomes if isinstance(outcome, Reject)]
    assert reject.code == "route.timezone_unknown"


async def test_stored_decisions_re_execute_to_the_same_bytes(desk: RouterDesk) -> None:
    lanes = ("10001", "90210", "99501", "96910", "60601")
    await desk.take(*(received(f"shopify-{n}", weight=str(n + 1), postcode=lanes[n % 5]) for n in range(60)))
    await desk.take(*(refused(CHEAPEST, shipment_id=f"shopify-{n}") for n in range(0, 60, 7)))
    records = [record for n in range(60) for record in await desk.decisions(f"shopify-{n}")]
    assert len(records) > 60
    assert all(record.snapshot == shipped().version for record in records)
    assert all(reexecute(shipped(), record.question) == record.answer for record in records)
