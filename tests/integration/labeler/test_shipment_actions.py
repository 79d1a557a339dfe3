"""Actions on parcels under way: the carrier is asked once where its connector can, else its own way is the answer, once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from integration.labeler.carrier_rigs import RIGS, US_RECEIVER, US_SENDER, Bench, Simulator, bought
from integration.labeler.label_desk import SHARD, OpenVault, opened_desk, route
from integration.labeler.scripted_carrier import PATIENCE, PurchaseDesk, ScriptedCarrier, sold
from unit.labeler.label_samples import AT, SEALED

from linkstar_contracts.events import ActionAnswered, ActionKind, ActionRequested, ActionState
from linkstar_contracts.values import SealedConsignee
from linkstar_labeler.carriers.remote import open_http
from linkstar_labeler.domain.carrier_ways import way_of
from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown, Refused
from linkstar_labeler.domain.interventions import Intervention, Taken
from linkstar_labeler.handlers.interventions import Interventions
from linkstar_labeler.handlers.shipment_actions import ShipmentActions
from linkstar_runtime.handling import Received

pytestmark = pytest.mark.integration

KINDS = [kind for kind in ActionKind if kind not in (ActionKind.RESHIP, ActionKind.UNKNOWN)]
NUMBER = "TRACKL1X0"


class _Killed(BaseException):
    """What ends a process in the middle of a call."""


@pytest.fixture
async def purchases(database_url: str) -> AsyncIterator[PurchaseDesk]:
    """A label `order-1` bought with a bound account, under the number NUMBER."""
    async with opened_desk(database_url) as desk:
        await desk.top_up(1000)
        carrier = PurchaseDesk(desk, ScriptedCarrier(sold()))
        await carrier.bind()
        await desk.routes(route())
        await carrier.work()
        carrier.carrier.calls.clear()
        yield carrier


def request(
    kind: ActionKind, tenant: str = "acme", number: str = NUMBER, consignee: SealedConsignee | None = None
) -> ActionRequested:
    return ActionRequested(
        tenant=tenant, order_id="order-1", shipment_id="order-1", occurred_at=AT, action_id=f"{kind.value}.order-1",
        kind=kind, carrier="usps", service="ground_advantage", parcel=1, tracking_number=number, consignee=consignee,
    )  # fmt: skip


async def answers(at: PurchaseDesk, *requests: ActionRequested) -> Sequence[ActionAnswered]:
    actions = ShipmentActions(at.connectors, at.desk.clock.wall)
    async with at.desk.database.transaction() as tx:
        told = await actions.on_shipment_actions([Received(each, each.key, SHARD) for each in requests], tx)
    return [each for each in told if isinstance(each, ActionAnswered)]


async def asked(at: PurchaseDesk, after_s: float = 0) -> list[tuple[ActionKind, ActionState, str]]:
    """Let due calls be made after this long; return the answers they led to."""
    at.desk.clock.advance(timedelta(seconds=after_s))
    before = len(at.commands.events)
    desk = at.desk
    await Interventions(desk.database, at.commands, OpenVault(), at.connectors, desk.clock, PATIENCE).run()
    told = [each for each in at.commands.events[before:] if isinstance(each, ActionAnswered)]
    return [(each.kind, each.state, each.code) for each in told]


async def test_what_the_carrier_has_no_call_for_is_answered_once_with_its_own_way(purchases: PurchaseDesk) -> None:
    requests = [request(kind, number="ELSEWHERE1") for kind in KINDS]
    told = await answers(purchases, *requests, *requests)
    assert [(each.kind, each.version, each.state) for each in told] == [
        (kind, 1, ActionState.UNSUPPORTED) for kind in KINDS
    ]  # fmt: skip
    assert await answers(purchases, *requests) == []
    [other] = await answers(purchases, request(ActionKind.TRACE, tenant="other"))
    assert (other.detail, other.detail_zh) == way_of("usps", "trace")[:2]
    assert await answers(purchases, request(ActionKind.RESHIP)) == []
    assert await asked(purchases) == []


async def test_the_carrier_is_asked_once_and_its_answer_told(purchases: PurchaseDesk) -> None:
    for _ in range(2):
        assert await answers(purchases, request(ActionKind.INTERCEPT)) == []
    assert await asked(purchases) == [(ActionKind.INTERCEPT, ActionState.ACCEPTED, "taken")]
    assert await answers(purchases, request(ActionKind.INTERCEPT)) == []
    assert await asked(purchases, 100_000) == []
    assert purchases.carrier.calls == ["intervene intercept"]
    [wanted] = purchases.carrier.wanted
    assert (wanted.tracking_number, len(wanted.reference), wanted.receiver) == (NUMBER, 14, None)


async def test_an_unknown_outcome_is_never_asked_for_again(purchases: PurchaseDesk) -> None:
    purchases.carrier.taken = [OutcomeUnknown("timeout", "no answer")]
    await answers(purchases, request(ActionKind.INTERCEPT))
    assert await asked(purchases) == [(ActionKind.INTERCEPT, ActionState.UNCONFIRMED, "timeout")]
    assert (await asked(purchases, 100_000), purchases.carrier.calls) == ([], ["intervene intercept"])


async def test_who_asked_and_did_not_come_back_leaves_it_unconfirmed(purchases: PurchaseDesk) -> None:
    async def killed() -> None:
        raise _Killed

    purchases.carrier.during = killed
    await answers(purchases, request(ActionKind.INTERCEPT))
    with pytest.raises(_Killed):
        await asked(purchases)
    assert await asked(purchases) == []
    assert await asked(purchases, PATIENCE.lease_s + 1) == [
        (ActionKind.INTERCEPT, ActionState.UNCONFIRMED, "lease_over")
    ]  # fmt: skip
    assert purchases.carrier.calls == ["intervene intercept"]


async def test_what_was_not_sent_is_sent_later_and_given_up_at_last(purchases: PurchaseDesk) -> None:
    purchases.carrier.taken = [NotSent("no_connection", "away"), NotSent("no_connection", "away")]
    await answers(purchases, request(ActionKind.INTERCEPT))
    assert await asked(purchases) == []
    assert await asked(purchases) == []
    assert await asked(purchases, 60) == []
    assert await asked(purchases, PATIENCE.give_up_s + 600) == [
        (ActionKind.INTERCEPT, ActionState.REFUSED, "carrier_unavailable")
    ]  # fmt: skip


async def test_a_redirect_opens_its_address_for_the_call_only(purchases: PurchaseDesk) -> None:
    await answers(purchases, request(ActionKind.REDIRECT, consignee=SEALED))
    assert await asked(purchases) == [(ActionKind.REDIRECT, ActionState.ACCEPTED, "taken")]
    assert purchases.carrier.wanted[0].receiver is not None


async def test_what_goes_to_a_place_of_the_carriers_is_not_asked_for_as_if_it_went_anywhere(
    purchases: PurchaseDesk,
) -> None:
    there = request(ActionKind.REDIRECT).model_copy(update={"pickup_point": "P-1"})
    [told] = await answers(purchases, there)
    assert (told.state, purchases.carrier.calls) == (ActionState.UNSUPPORTED, [])


async def test_an_erased_address_is_not_asked_for(purchases: PurchaseDesk) -> None:
    erased = SEALED.model_copy(update={"key_id": "erased"})
    await answers(purchases, request(ActionKind.REDIRECT, consignee=erased))
    assert await asked(purchases) == [(ActionKind.REDIRECT, ActionState.REFUSED, "consignee_erased")]
    assert purchases.carrier.calls == []


UPS = next(rig for rig in RIGS if rig.connector == "ups")


async def test_ups_takes_each_request_once_and_refuses_what_it_does_not_know(simulator: Simulator) -> None:
    async with open_http() as http:
        bench = Bench(UPS, simulator, http)
        _, label = await bought(bench, UPS.request())
        for kind, receiver in (("intercept", None), ("hold", None), ("redirect", US_RECEIVER)):
            wanted = Intervention(kind, label.tracking_numbers[0], "0123456789abcd", US_SENDER, receiver)
            assert await bench.connector.intervene(wanted) == Taken("0123456789abcd")
            again = await bench.connector.intervene(wanted)
            assert isinstance(again, Refused)
            assert again.code == "7103"
        unknown = await bench.connector.intervene(Intervention("hold", "1Z" + "0" * 16, "ab12", US_SENDER))
        assert isinstance(unknown, Refused)
        assert unknown.code == "0006"


@pytest.mark.parametrize("kind", ["cut_after", "error_after", "html", "truncated"])
async def test_ups_without_an_answer_is_unknown(simulator: Simulator, kind: str) -> None:
    async with open_http() as http:
        bench = Bench(UPS, simulator, http)
        _, label = await bought(bench, UPS.request())
        bench.fail(kind, "intervene")
        outcome = await bench.connector.intervene(Intervention("hold", label.tracking_numbers[0], "ab12", US_SENDER))
        assert isinstance(outcome, OutcomeUnknown)
