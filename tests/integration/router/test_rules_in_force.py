"""Published rules on real PostgreSQL: from the next batch on, named in what they cause, and re-executed byte by byte."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from integration.router.router_desk import RouterDesk, attempts, opened_desk, raised
from unit.router.routed_orders import changed, received, refused

from linkstar_contracts.events import RouteChosen
from linkstar_router.domain.coverage import Coverage
from linkstar_router.domain.decision import reexecute, rules_version
from linkstar_router.domain.rules.catalogue import shipped_catalogue
from linkstar_router.domain.rules.document import parse_rules
from linkstar_router.domain.shipment import content_of
from linkstar_router.domain.snapshot import shipped
from linkstar_router.store.rulebook import Rulebook

pytestmark = pytest.mark.integration
CHEAPEST, SECOND = "usps/ground_advantage", "usps/priority_mail"
ITEMS: dict[str, Any] = {"items": [{"sku": "RING-7", "category": "jewellery", "quantity": 1}], "tags": ["vip"]}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[RouterDesk]:
    async with opened_desk(database_url) as opened:
        yield opened


def _rule(name: str, then: dict[str, Any], **when: Any) -> dict[str, Any]:
    return {"id": name, "when": {"country": "US", **when}, "then": then}


async def test_a_forbidden_service_is_excluded_by_the_rule_of_that_name(desk: RouterDesk) -> None:
    version = await desk.publish(_rule("no-ground", {"forbid": CHEAPEST}))
    (route,) = await desk.take(received())
    assert isinstance(route, RouteChosen)
    assert attempts([route]) == [(1, SECOND)]
    assert route.rules_version == version
    excluded = {(each.service, each.code, each.detail) for each in route.excluded}
    assert ("ground_advantage", "rule_forbids", "rule no-ground") in excluded


async def test_a_new_version_counts_from_the_next_batch_on(desk: RouterDesk) -> None:
    assert attempts(await desk.take(received())) == [(1, CHEAPEST)]
    await desk.publish(_rule("no-ground", {"forbid": CHEAPEST}))
    assert attempts(await desk.take(received("shopify-2"))) == [(1, SECOND)]
    version = await desk.publish()
    (route,) = await desk.take(received("shopify-3"))
    assert isinstance(route, RouteChosen)
    assert (attempts([route]), route.rules_version) == ([(1, CHEAPEST)], version)


async def test_rules_are_of_one_tenant(desk: RouterDesk) -> None:
    await desk.publish(_rule("no-ground", {"forbid": CHEAPEST}))
    outcomes = await desk.take(received(), received(tenant="other"))
    assert {outcome.tenant: attempts([outcome]) for outcome in outcomes if isinstance(outcome, RouteChosen)} == {
        "demo": [(1, SECOND)], "other": [(1, CHEAPEST)],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("then", "when", "chosen"),
    [
        ({"require": "fedex"}, {}, "fedex/home_delivery"),
        ({"prefer": ["ups", "fedex/2day"]}, {}, "fedex/2day"),
        ({"surcharge": {"services": CHEAPEST, "amount": "90.00 USD"}}, {}, SECOND),
        ({"require": SECOND}, {"sku": "RING-*"}, SECOND),
        ({"require": SECOND}, {"category": "jewellery", "tag": "vip"}, SECOND),
        ({"require": SECOND}, {"channel": "shopify", "warehouse": "US-LA"}, SECOND),
        ({"require": SECOND}, {"channel": "amazon"}, CHEAPEST),
        ({"require": SECOND}, {"postcode": "100", "value": {"at_least": "25.00 USD"}}, SECOND),
        ({"require": SECOND}, {"weight": {"over": "32 oz"}}, CHEAPEST),
    ],
)
async def test_rules_decide(desk: RouterDesk, then: dict[str, Any], when: dict[str, Any], chosen: str) -> None:
    await desk.publish(_rule("r", then, **when))
    found = attempts(await desk.take(received(**ITEMS)))
    assert found == [(1, chosen)] or (chosen == "fedex/2day" and found[0][1].startswith(("ups", "fedex/2day")))


async def test_a_change_keeps_channel_and_tags(desk: RouterDesk) -> None:
    await desk.publish(_rule("vips", {"require": SECOND}, channel="shopify", tag="vip"))
    await desk.take(received(**ITEMS))
    assert attempts(await desk.take(changed(channel="shopify", **ITEMS))) == [(2, SECOND)]


async def test_what_a_rule_asks_for_is_asked_of_the_carrier(desk: RouterDesk) -> None:
    await desk.publish(_rule("sign", {"ask_for": "signature"}))
    (route,) = await desk.take(received())
    assert isinstance(route, RouteChosen)
    assert route.options.signature
    assert "signature" in {each.code for each in route.excluded}
    content = (await desk.shipment()).content
    assert content is not None
    assert not content.options.signature


async def test_a_hold_waits_openly_until_other_rules_are_published(desk: RouterDesk) -> None:
    await desk.publish(_rule("ask", {"hold": "call the customer"}))
    held = await desk.take(received())
    assert raised(held) == [(1, "open")]
    assert getattr(held[0], "detail", "") == "Rule ask holds it: call the customer"
    assert await desk.retry() == []
    await desk.publish(_rule("ask", {"prefer": "usps"}))
    released = await desk.retry()
    assert attempts(released) == [(1, CHEAPEST)]
    assert raised(released) == [(2, "resolved")]


async def test_decisions_re_execute_under_the_rules_they_were_made_under(desk: RouterDesk) -> None:
    sets = [
        [_rule("light", {"forbid": CHEAPEST}, weight={"over": "20 lb"}), _rule("ups", {"prefer": "ups"}, sku="RING-*")],
        [_rule("dear", {"surcharge": {"services": "usps", "percent": 30}}), _rule("vip", {"ask_for": "signature"}, tag="*")],
        [],
    ]  # fmt: skip
    for number, rules in enumerate(sets):
        await desk.publish(*rules)
        await desk.take(*(received(f"shopify-{number}-{n}", weight=str(n + 1), **ITEMS) for n in range(40)))
        await desk.take(*(refused(CHEAPEST, shipment_id=f"shopify-{number}-{n}") for n in range(0, 40, 3)))
    book = Rulebook(shipped_catalogue())
    versions = set()
    async with desk.database.transaction() as tx:
        for number in range(3):
            for n in range(40):
                for record in await desk.decisions(f"shopify-{number}-{n}"):
                    versions.add(rules_version(record.question))
                    rules = await book.version(tx, "demo", rules_version(record.question))
                    assert reexecute(shipped(), record.question, rules) == record.answer
    assert len(versions) == 3


async def test_coverage_tells_what_each_rule_touches_and_what_a_shadow_would_change() -> None:
    rules = parse_rules({"rules": [
        _rule("heavy", {"prefer": "ups"}, weight={"over": "5 lb"}),
        {**_rule("no-usps", {"forbid": "usps"}, weight={"up_to": "2 lb"}), "state": "shadow"},
        {**_rule("stop", {"hold": "wait"}, weight={"up_to": "1 lb"}), "state": "shadow"},
        _rule("nobody", {"forbid": "usps"}, channel="walmart"),
        {**_rule("idea", {"forbid": "usps"}), "state": "draft"},
    ]}, shipped_catalogue()).rules  # fmt: skip
    seen = Coverage(rules, shipped(), 0)
    for weight in range(1, 11):
        order = received(weight=str(weight))
        seen.add(content_of(order), order.occurred_at)
    assert seen.told() == {
        "orders": 10, "untouched": 3,
        "rules": [
            {"id": "heavy", "state": "active", "touched": 5},
            {"id": "no-usps", "state": "shadow", "touched": 2, "would_change": 2, "would_hold": 0},
            {"id": "stop", "state": "shadow", "touched": 1, "would_change": 1, "would_hold": 1},
            {"id": "nobody", "state": "active", "touched": 0},
        ],
    }  # fmt: skip
