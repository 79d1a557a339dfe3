"""Imported packs on real PostgreSQL: they price from the next batch on, and decisions re-execute from their version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from integration.router.router_desk import RouterDesk, attempts, opened_desk
from unit.router.routed_orders import ORDERED, received

from linkstar_contracts.events import RouteChosen
from linkstar_router.domain.decision import packs_named, reexecute
from linkstar_router.domain.snapshot import shipped
from linkstar_router.store.packbook import PLATFORM, Packbook

pytestmark = pytest.mark.integration
LISTED, UPS, FEDEX = "usps/ground_advantage", "ups/ground", "fedex/home_delivery"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[RouterDesk]:
    async with opened_desk(database_url) as opened:
        yield opened


def agreed(service: str = UPS, basis_points: int = 9000, valid_from: str = "2026-07-01", valid_to: str = "") -> str:
    carrier, _, name = service.partition("/")
    return (
        f"agreement: {carrier}-2026\ncarrier: {carrier}\naccount: A1B2C3\nsource: contract 17\nas_of: 2026-06-01\n"
        f"valid_from: {valid_from}\n{f'valid_to: {valid_to}' if valid_to else ''}\n"
        f"services:\n  {name}:\n    basis_points: {basis_points}\n    lines: [base_rate, fuel_surcharge]\n"
    )


async def chosen(desk: RouterDesk, order: str, tenant: str = "demo") -> RouteChosen:
    (route,) = await desk.take(received(order, tenant=tenant))
    assert isinstance(route, RouteChosen)
    return route


async def test_a_contract_takes_the_place_of_the_list_and_is_named(desk: RouterDesk) -> None:
    before = await chosen(desk, "shopify-0")
    await desk.import_pack("acme", agreed())
    route = (await chosen(desk, "shopify-1")).route
    assert (before.route.carrier, route.carrier, route.service, route.account) == ("usps", "ups", "ground", "A1B2C3")
    assert route.tariff == "acme.1:ups-2026@2026-07-01"
    assert {line.code for line in route.lines} >= {"base_rate", "contract_discount"}
    assert sum(line.amount.amount_minor for line in route.lines) == route.total.amount_minor
    (record,) = await desk.decisions("shopify-1")
    assert packs_named(record.question) == ("acme.1",)
    assert record.snapshot.startswith(f"{shipped().version}+")


async def test_a_contract_is_of_one_seller_the_recommended_lines_of_all(desk: RouterDesk) -> None:
    await desk.import_pack("acme", agreed())
    assert (await chosen(desk, "shopify-1", "other")).route.carrier == "usps"
    await desk.import_pack("lines", agreed(FEDEX, 8000), agreed(UPS, 8500), tenant=PLATFORM)
    theirs, ours = await chosen(desk, "shopify-2", "other"), await chosen(desk, "shopify-2")
    assert theirs.route.tariff == "platform/lines.1:ups-2026@2026-07-01"
    assert ours.route.tariff == "acme.1:ups-2026@2026-07-01"
    assert {alternative.service for alternative in ours.alternatives} >= {"home_delivery"}
    assert ours.route.total.amount_minor < theirs.route.total.amount_minor


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "carrier"),
    [("2026-11-23", "2026-11-23", "ups"), ("2026-11-24", "", "usps"), ("2026-07-01", "2026-11-22", "usps")],
)
async def test_a_contract_prices_between_its_days_only(
    desk: RouterDesk, valid_from: str, valid_to: str, carrier: str
) -> None:
    await desk.import_pack("acme", agreed(valid_from=valid_from, valid_to=valid_to))
    assert (await chosen(desk, "shopify-1")).route.carrier == carrier


async def test_decisions_re_execute_from_the_versions_they_were_made_from(desk: RouterDesk) -> None:
    await chosen(desk, "shopify-0")
    await desk.import_pack("acme", agreed())
    await chosen(desk, "shopify-1")
    await desk.import_pack("lines", agreed(FEDEX, 9500), tenant=PLATFORM)
    await chosen(desk, "shopify-2")
    assert await desk.import_pack("acme", agreed(basis_points=9700)) == 2
    await chosen(desk, "shopify-3")
    await desk.withdraw("acme")
    assert attempts([await chosen(desk, "shopify-4")]) == [(1, FEDEX)]
    await desk.withdraw("lines", PLATFORM)
    assert attempts([await chosen(desk, "shopify-5")]) == [(1, LISTED)]
    book, seen = Packbook(shipped()), []
    async with desk.database.transaction() as tx:
        for number in range(6):
            (record,) = await desk.decisions(f"shopify-{number}")
            seen.append(packs_named(record.question))
            snapshot = await book.made_of(tx, "demo", seen[-1])
            assert snapshot.version == record.snapshot
            assert reexecute(snapshot, record.question) == record.answer
    both = ("platform/lines.1", "acme.1"), ("platform/lines.1", "acme.2")
    assert seen == [(), ("acme.1",), *both, ("platform/lines.1",), ()]


async def test_packs_are_compiled_once(desk: RouterDesk) -> None:
    await desk.import_pack("acme", agreed())
    assert (await chosen(desk, "shopify-1")).route.carrier == "ups"
    async with desk.database.transaction() as tx:
        await tx.execute("UPDATE tariff_pack SET texts = '{}'")
    assert (await chosen(desk, "shopify-2")).route.carrier == "ups"


async def test_of_two_packs_about_a_service_the_one_imported_last_holds_alone(desk: RouterDesk) -> None:
    await desk.import_pack("zeta", agreed(basis_points=9500))
    desk.clock.advance(timedelta(minutes=1))
    await desk.import_pack("alpha", agreed(basis_points=9000))
    route = (await chosen(desk, "shopify-1")).route
    assert route.tariff == "alpha.1:ups-2026@2026-07-01"
    assert [line.detail for line in route.lines if line.code == "contract_discount"] == ["90.00 %"]
    assert desk.clock.now() > ORDERED


async def test_a_pack_that_a_newer_release_cannot_read_prices_nothing_and_stops_nothing(desk: RouterDesk) -> None:
    await desk.import_pack("old", agreed("moon/ground"))
    await desk.import_pack("acme", agreed())
    route = await chosen(desk, "shopify-1")
    assert route.route.tariff == "acme.1:ups-2026@2026-07-01"
    (record,) = await desk.decisions("shopify-1")
    assert packs_named(record.question) == ("acme.1",)
