"""The router over HTTP: quotes, batches with faults in them, decisions with their replay, price lists with their gaps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import httpx
import pytest
from integration.router.router_desk import RouterDesk, opened_desk
from unit.router.routed_orders import ORDERED, received, refused

from linkstar_router.api import routes_from
from linkstar_router.api.quotes import Quoter
from linkstar_router.domain.snapshot import shipped
from linkstar_router.domain.terms import Terms
from linkstar_runtime.api_keys import Authorizer, create_key
from linkstar_runtime.clock import ManualClock
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.service import ServiceContext

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[RouterDesk]:
    async with opened_desk(database_url) as opened:
        yield opened


@pytest.fixture
async def client(database_url: str, desk: RouterDesk) -> AsyncIterator[httpx.AsyncClient]:
    connection = await asyncpg.connect(database_url)
    key = await create_key(connection, "demo", ["quotes:read", "decisions:read"])
    await connection.close()
    authorize = Authorizer(desk.database, desk.clock)
    context = cast("ServiceContext", SimpleNamespace(clock=desk.clock, database=desk.database, authorize=authorize))
    app = create_app("router", routes_from(shipped(), 600), context, cast("Health", SimpleNamespace()))
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://router", headers=headers) as http:
        yield http


def _shipment(**more: Any) -> dict[str, Any]:
    body: dict[str, Any] = received().model_dump(
        mode="json", include={"warehouse", "destination", "parcels", "options"}
    )
    return body | more


async def test_a_quote_lists_every_service_with_lines_or_a_reason(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/quotes", json=_shipment())
    assert answer.status_code == 200
    quote = answer.json()
    best = quote["routes"][0]
    assert (best["carrier"], best["service"], best["total"]) == (
        "usps", "ground_advantage", {"amount_minor": 1342, "currency": "USD"},
    )  # fmt: skip
    assert [(line["code"], line["amount"]["amount_minor"]) for line in best["lines"]] == [
        ("base_rate", 1287), ("demand_surcharge", 55),
    ]  # fmt: skip
    assert best["lines"][0]["detail"] == "zone 8, us/usps_ground_advantage_commercial_2026-07-12.csv row 54"
    assert (best["zone_source"], best["tariff"]) == ("distance_estimate", "usps-ground-advantage-commercial@2026-07-12")
    assert sorted(entry["code"] for entry in quote["excluded"]) == ["coverage", "level", "level"]
    assert len(quote["routes"]) + len(quote["excluded"]) == 11


async def test_who_can_wait_is_offered_economy_services(client: httpx.AsyncClient) -> None:
    asked = _shipment()
    asked["options"] = {"level": "economy"}
    quote = (await client.post("/v1/quotes", json=asked)).json()
    economy = {route["service"]: route for route in quote["routes"] if route["service"].startswith("ground_")}
    assert economy.keys() == {"ground_advantage", "ground_saver", "ground_economy"}
    assert all(
        "synthetic" in line["detail"] for line in economy["ground_saver"]["lines"] if line["code"] == "base_rate"
    )


async def test_synthetic_prices_say_so_in_every_line(client: httpx.AsyncClient) -> None:
    toronto = {"code": "CA-TOR", "country": "CA", "postcode": "L5T 2N7", "timezone": "America/Toronto"}
    quote = (
        await client.post(
            "/v1/quotes", json=_shipment(warehouse=toronto, destination={"country": "CA", "postcode": "V6B"})
        )
    ).json()
    assert {route["carrier"] for route in quote["routes"]} == {"canpar", "canada-post"}
    assert all(line["synthetic"] for route in quote["routes"] for line in route["lines"])
    assert [notice["code"] for notice in quote["notices"]] == ["dim_weight", "synthetic_price", "cover_not_compared"]


async def test_notices_warn_of_remote_areas_and_volume(client: httpx.AsyncClient) -> None:
    midlands = {"code": "UK-BHX", "country": "GB", "postcode": "B24 9QR", "timezone": "Europe/London"}
    remote = await client.post(
        "/v1/quotes", json=_shipment(warehouse=midlands, destination={"country": "GB", "postcode": "IV27"})
    )
    assert "remote_area" in {notice["code"] for notice in remote.json()["notices"]}
    bulky = _shipment()
    bulky["parcels"][0]["dimensions"] = {"length": "30", "width": "20", "height": "10", "unit": "in"}
    quote = (await client.post("/v1/quotes", json=bulky)).json()
    notices = {notice["code"]: notice["services"] for notice in quote["notices"]}
    assert "ups/ground" in notices["dim_weight"]
    assert "usps/ground_advantage" in notices["oversize"]


async def test_a_quote_is_made_under_the_rules_in_force(client: httpx.AsyncClient, desk: RouterDesk) -> None:
    version = await desk.publish({"id": "no-ground", "when": {"sku": "RING-*"}, "then": {"forbid": "usps"}})
    quote = (await client.post("/v1/quotes", json=_shipment(skus=["RING-7"]))).json()
    assert (quote["rules"], quote["rules_applied"]) == (version, ["no-ground"])
    excluded = {(each["service"], each["code"], each["detail"]) for each in quote["excluded"]}
    assert ("ground_advantage", "rule_forbids", "rule no-ground") in excluded
    other = (await client.post("/v1/quotes", json=_shipment(skus=["BOOK"]))).json()
    assert "rules_applied" not in other
    assert other["routes"][0]["service"] == "ground_advantage"
    assert other["quote_id"] != quote["quote_id"]


async def test_a_quote_names_full_pools_and_takes_no_place(client: httpx.AsyncClient, desk: RouterDesk) -> None:
    await desk.cap("ground", 1, "usps", "ground_advantage")
    first = [(await client.post("/v1/quotes", json=_shipment())).json() for _ in range(3)]
    assert {quote["routes"][0]["service"] for quote in first} == {"ground_advantage"}
    assert await desk.used() == {}
    await desk.take(received())
    desk.clock.advance(timedelta(seconds=2))
    quote = (await client.post("/v1/quotes", json=_shipment())).json()
    assert quote["routes"][0]["service"] == "priority_mail"
    excluded = {(each["service"], each["code"], each["detail"]) for each in quote["excluded"]}
    assert ("ground_advantage", "capacity_exhausted", "ground") in excluded
    back = (await client.post("/v1/quotes", json=_shipment(kind="return"))).json()
    assert "ground_advantage" in {route["service"] for route in back["routes"]}


async def test_every_price_shows_its_list_its_level_and_its_sum(client: httpx.AsyncClient) -> None:
    for route in (await client.post("/v1/quotes", json=_shipment())).json()["routes"]:
        assert route["evidence"].keys() >= {"source", "as_of", "synthetic", "confidence", "valid_from"}
        assert sum(line["amount"]["amount_minor"] for line in route["lines"]) == route["total"]["amount_minor"]
        assert route["level"] in {"economy", "standard", "expedited", "next_day"}
        assert route["ship_on"] <= route["promise"]["p50_on"] <= route["promise"]["p90_on"]


async def test_goods_beyond_the_cover_are_warned_of_and_facts_told(client: httpx.AsyncClient) -> None:
    dear = _shipment()
    dear["parcels"][0]["declared_value"]["amount_minor"] = 10_001
    quote = (await client.post("/v1/quotes", json=dear)).json()
    [warning] = [notice for notice in quote["notices"] if notice["code"] == "cover_exceeded"]
    assert "100.01 USD" in warning["detail"]
    for route in quote["routes"]:
        assert route["facts"]["tracked"] == "end_to_end"
        covered = route["facts"]["cover"]["amount_minor"] > 10_000
        assert covered == (f"{route['carrier']}/{route['service']}" not in warning["services"])


async def test_a_repeat_with_the_times_of_the_answer_is_the_same_to_the_byte(
    client: httpx.AsyncClient, desk: RouterDesk
) -> None:
    first = await client.post("/v1/quotes", json=_shipment())
    desk.clock.advance(timedelta(days=3))
    at = first.json()["quoted_at"]
    again = await client.post("/v1/quotes", json=_shipment(quoted_at=at))
    assert again.content == first.content
    later = await client.post("/v1/quotes", json=_shipment())
    assert later.json()["quote_id"] != first.json()["quote_id"]


async def test_a_parcel_over_the_border_is_told_the_reason(client: httpx.AsyncClient) -> None:
    quote = (await client.post("/v1/quotes", json=_shipment(destination={"country": "CA", "postcode": "V6B"}))).json()
    assert quote["routes"] == []
    assert {entry["code"] for entry in quote["excluded"]} == {"cross_border_without_customs"}
    assert [notice["code"] for notice in quote["notices"]] == ["customs"]


async def test_a_warehouse_nobody_serves_is_told_the_reason(client: httpx.AsyncClient) -> None:
    sydney = {"code": "AU-SYD", "country": "AU", "postcode": "2000", "timezone": "Australia/Sydney"}
    body = _shipment(warehouse=sydney, destination={"country": "AU", "postcode": "3000"})
    quote = (await client.post("/v1/quotes", json=body)).json()
    assert (quote["routes"], quote["excluded"]) == ([], [])
    assert [notice["code"] for notice in quote["notices"]] == ["no_service"]


async def test_the_season_is_told(client: httpx.AsyncClient) -> None:
    notices = (await client.post("/v1/quotes", json=_shipment())).json()["notices"]
    assert {notice["code"]: notice["services"] for notice in notices}["peak"] == ["usps/ground_advantage"]


async def test_a_return_travels_the_lane_backwards(client: httpx.AsyncClient) -> None:
    back = (await client.post("/v1/quotes", json=_shipment(kind="return"))).json()
    assert "fedex/home_delivery" in {f"{entry['carrier']}/{entry['service']}" for entry in back["excluded"]}


async def test_an_impossible_parcel_gets_reasons_and_no_price(client: httpx.AsyncClient) -> None:
    heavy = _shipment()
    heavy["parcels"][0]["weight"] = {"value": "900", "unit": "kg"}
    quote = (await client.post("/v1/quotes", json=heavy)).json()
    assert quote["routes"] == []
    assert {entry["code"] for entry in quote["excluded"]} == {"weight", "coverage", "level"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"parcels": []}, "parcels"),
        ({"parcel": {}}, "parcel"),
        ({"destination": {"country": "usa", "postcode": "1"}}, "destination.country"),
        ({"ordered_at": "2026-01-01T00:00:00"}, "ordered_at"),
        ({"warehouse": {"code": "X", "country": "US", "postcode": "1", "timezone": "Mars/Base"}}, "warehouse.timezone"),
    ],
)
async def test_bad_input_names_its_field(client: httpx.AsyncClient, change: dict[str, Any], field: str) -> None:
    answer = await client.post("/v1/quotes", json=_shipment(**change))
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json()["fix"]


@pytest.mark.parametrize(
    ("values", "code"),
    [([(100, "USD"), (100, "EUR")], "currency_mixed"), ([(100, "USD"), (-1, "USD")], "value_negative")],
)
async def test_values_that_make_no_sense_are_refused(
    client: httpx.AsyncClient, values: list[tuple[int, str]], code: str
) -> None:
    [parcel] = _shipment()["parcels"]
    parcels = [parcel | {"declared_value": {"amount_minor": amount, "currency": unit}} for amount, unit in values]
    answer = await client.post("/v1/quotes", json=_shipment(parcels=parcels))
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_parcel_without_its_value_is_one_fault(client: httpx.AsyncClient) -> None:
    [parcel] = _shipment()["parcels"]
    del parcel["declared_value"]
    errors = (await client.post("/v1/quotes", json=_shipment(parcels=[parcel]))).json()["errors"]
    assert [error["field"] for error in errors] == ["parcels[0].declared_value"]


async def test_a_warehouse_by_name_is_told_to_be_an_object(client: httpx.AsyncClient) -> None:
    [error] = (await client.post("/v1/quotes", json=_shipment(warehouse="US-NJ"))).json()["errors"]
    assert (error["field"], error["code"]) == ("warehouse", "object_type")
    assert error["fix"].startswith("Send an object in braces")


async def test_one_bad_item_does_not_block_a_batch(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/quotes", json={"quotes": [_shipment(), {"nonsense": 1}, _shipment()]})
    results = answer.json()["results"]
    assert [(result["index"], result["status"]) for result in results] == [
        (0, "quoted"),
        (1, "rejected"),
        (2, "quoted"),
    ]
    assert results[1]["problem"]["code"] == "validation_failed"


class _Ticking(ManualClock):
    """A clock on which every look takes a millisecond."""

    def monotonic(self) -> float:
        self.advance(timedelta(milliseconds=1))
        return super().monotonic()


async def test_a_long_batch_lets_others_run_in_between() -> None:
    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turns = 0
    other = asyncio.create_task(others())
    answer = await Quoter(Terms(shipped()), 600, _Ticking(ORDERED)).many([_shipment()] * 30, ORDERED)
    other.cancel()
    assert len(json.loads(answer)["results"]) == 30
    assert turns >= 10


@pytest.mark.parametrize("quotes", [[], [{}] * 501, "all"], ids=["empty", "too-long", "no-list"])
async def test_a_batch_has_1_to_500_items(client: httpx.AsyncClient, quotes: object) -> None:
    answer = await client.post("/v1/quotes", json={"quotes": quotes})
    assert (answer.status_code, answer.json()["code"]) == (422, "batch_size")


async def test_decisions_are_told_newest_first_and_replay_to_the_same_bytes(
    client: httpx.AsyncClient, desk: RouterDesk
) -> None:
    await desk.take(received("shopify-1~R1", kind="return"))
    await desk.take(refused("usps/ground_advantage", shipment_id="shopify-1~R1"))
    answer = await client.get("/v1/decisions/shopify-1~R1", params={"replay": True})
    decisions = answer.json()["decisions"]
    assert [(entry["sequence"], entry["attempt"], entry["replay"]) for entry in decisions] == [
        (2, 2, "same"),
        (1, 1, "same"),
    ]
    assert decisions[0]["question"]["barred"] == ["usps/ground_advantage"]
    assert decisions[0]["answer"]["candidates"][0]["service"] == "usps/priority_mail"


async def test_decisions_of_a_period_come_in_pages(client: httpx.AsyncClient, desk: RouterDesk) -> None:
    await desk.take(*(received(f"shopify-{number}") for number in range(5)))
    query: dict[str, Any] = {"since": ORDERED.isoformat(), "limit": 2, "replay": True}
    seen = []
    while query.get("cursor") is not None or not seen:
        page = (await client.get("/v1/decisions", params=query)).json()
        seen += [(entry["shipment_id"], entry["replay"]) for entry in page["decisions"]]
        query["cursor"] = page["next"]
    assert seen == [(f"shopify-{number}", "same") for number in range(5)]
    later = {"since": (ORDERED + timedelta(seconds=1)).isoformat()}
    assert (await client.get("/v1/decisions", params=later)).json() == {"decisions": [], "next": None}


@pytest.mark.parametrize("query", [{"cursor": "nonsense"}, {"since": "monday"}, {"limit": 500}], ids=str)
async def test_a_period_that_makes_no_sense_is_refused(client: httpx.AsyncClient, query: dict[str, Any]) -> None:
    answer = await client.get("/v1/decisions", params=query)
    assert (answer.status_code, bool(answer.json()["fix"])) == (422, True)


async def test_nobody_sees_another_tenants_decisions(client: httpx.AsyncClient, desk: RouterDesk) -> None:
    await desk.take(received("shopify-9", tenant="other"))
    answer = await client.get("/v1/decisions/shopify-9")
    assert (answer.status_code, answer.json()["code"]) == (404, "decision_unknown")


async def test_price_lists_name_source_date_confidence_and_gaps(client: httpx.AsyncClient) -> None:
    found = (await client.get("/v1/tariffs")).json()
    assert all(pack["source"] and pack["as_of"] and pack["confidence"] for pack in found["packs"])
    assert {pack["carrier"] for pack in found["packs"] if pack["synthetic"]} == {
        "canada-post", "canpar", "dpd-de", "dpd-uk", "evri", "fedex", "ups",
    }  # fmt: skip
    dates = [pack["valid_from"] for pack in found["packs"] if pack["id"] == "usps-ground-advantage-commercial"]
    assert dates == ["2025-10-05", "2026-07-12"]
    assert any("delivery area" in gap for gap in found["gaps"]["ups"])


async def test_a_key_without_the_scope_is_turned_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/tariffs", headers={"authorization": "Bearer nonsense"})
    assert answer.status_code == 401
