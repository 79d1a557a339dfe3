"""`linkstar decisions`: shown with their reasons, and re-executed to the byte, a shipment or a whole day of the demo's."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from integration.cli.routed_stack import linkstar, routed_stack, shown_commands
from integration.router.router_desk import RouterDesk
from unit.router.routed_orders import received, refused

from linkstar_contracts.events import OrderReceived, OrderSubmitted
from linkstar_contracts.values import SealedConsignee, Warehouse
from linkstar_ingest.domain.acceptance import Acceptance, accept
from linkstar_router.domain.decision import reexecute
from linkstar_router.domain.snapshot import shipped
from linkstar_sandbox.load.templates import COUNTRIES, render_templates
from linkstar_sandbox.order_files import WAREHOUSES

pytestmark = pytest.mark.integration
DAY = datetime(2026, 11, 23, tzinfo=UTC)
HOUSES = {house["code"]: Warehouse(**house) for house in WAREHOUSES}


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[RouterDesk]:
    async with routed_stack(database_url, tmp_path) as opened:
        yield opened


async def test_a_decision_shows_costs_and_reasons(desk: RouterDesk) -> None:
    await desk.take(received())
    await desk.take(refused("usps/ground_advantage"))
    shown = await linkstar("decisions", "show", "shopify-1")
    assert shown.exit_code == 0
    newest, oldest = shown.stdout.index("decision 2 (attempt 2)"), shown.stdout.index("decision 1 (attempt 1)")
    assert newest < oldest
    assert "rejected_by_carrier" in shown.stdout[newest:oldest]
    assert "base_rate 12.87, demand_surcharge 0.55" in shown.stdout[oldest:]


async def test_a_shipment_replays_to_the_byte(desk: RouterDesk) -> None:
    await desk.take(received())
    await desk.take(refused("usps/ground_advantage"))
    replayed = await linkstar("decisions", "replay", "shopify-1")
    assert replayed.exit_code == 0
    assert replayed.stdout.splitlines()[-1].startswith("2 decisions: 2 the same to the byte, 0 differ")


async def test_the_page_shows_commands_that_work(desk: RouterDesk) -> None:
    await desk.take(received())
    for command in shown_commands("decisions.md"):
        done = await linkstar(*shlex.split(command))
        assert done.exit_code == 0, done.output


async def test_an_answer_that_was_tampered_with_is_named(desk: RouterDesk) -> None:
    await desk.take(received())
    async with desk.database.transaction() as tx:
        await tx.execute("UPDATE decision SET answer = convert_to('{}', 'UTF8')")
    replayed = await linkstar("decisions", "replay", "--all")
    assert replayed.exit_code == 1
    assert "shopify-1 #1: DIFFERS" in replayed.stdout


async def test_data_this_router_does_not_have_is_not_guessed_at(desk: RouterDesk) -> None:
    await desk.take(received())
    async with desk.database.transaction() as tx:
        await tx.execute("UPDATE decision SET snapshot = 'r0-older'")
    replayed = await linkstar("decisions", "replay", "shopify-1")
    assert replayed.exit_code == 1
    assert "made from r0-older, which this router does not have" in replayed.stdout


@pytest.mark.parametrize("words", [(), ("shopify-1", "--all"), ("--day", "monday")], ids=["none", "two", "no-day"])
async def test_what_to_replay_must_be_clear(desk: RouterDesk, words: tuple[str, ...]) -> None:
    refusal = await linkstar("decisions", "replay", *words)
    assert refusal.exit_code == 1
    assert refusal.stderr.split(":")[0] in {"nothing-selected", "day-invalid"}


def _demo_orders(count: int) -> list[OrderReceived]:
    """Orders as the demo's sellers would place them on one day, in all countries."""
    templates = render_templates(7, DAY, "demo", COUNTRIES, count // len(COUNTRIES))
    return [_arrived(OrderSubmitted.model_validate_json(t.stamp(f"day-{n}").value)) for n, t in enumerate(templates)]


def _arrived(order: OrderSubmitted) -> OrderReceived:
    """The order as ingest would have passed it on."""
    accepted = accept(order, HOUSES)
    assert isinstance(accepted, Acceptance)
    content = accepted.content(SealedConsignee(key_id="k1", token="c2VhbGVk"))
    event = content.received(order.tenant, order.order_id, order.occurred_at)
    assert isinstance(event, OrderReceived)
    return event


async def test_a_whole_day_of_the_demo_replays_to_the_byte(desk: RouterDesk) -> None:
    orders = _demo_orders(600)
    for begin in range(0, len(orders), 60):
        await desk.take(*orders[begin : begin + 60])
        desk.clock.advance(timedelta(minutes=20))
    fresh = shipped.__wrapped__()
    records = [record for order in orders for record in await desk.decisions(order.order_id)]
    assert [reexecute(fresh, record.question) == record.answer for record in records] == [True] * 600
    replayed = await linkstar("decisions", "replay", "--day", "2026-11-23")
    assert replayed.stdout.splitlines()[-1].startswith("600 decisions: 600 the same to the byte")
    assert (await linkstar("decisions", "replay", "--day", "2026-11-24")).stdout.startswith("0 decisions")
