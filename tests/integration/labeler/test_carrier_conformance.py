"""What every connector must do, shown on the carrier's simulator over real HTTP: three outcomes and never a fourth, an
unknown purchase that is resolved, and a carrier's ledger that agrees with ours.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from datetime import timedelta

import pytest
from integration.labeler.carrier_rigs import CANADA_POST, RIGS, Bench, as_label, bought, today

from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Money
from linkstar_labeler.carriers.remote import CONNECTORS
from linkstar_labeler.domain.connector import (
    Manifest,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PickupRequest,
    Purchased,
    Refused,
    VoidDeclined,
    Voided,
    VoidPending,
)
from linkstar_runtime.clock import Clock


def test_every_connector_has_a_rig() -> None:
    assert {rig.connector for rig in (*RIGS, CANADA_POST)} == set(CONNECTORS)


async def test_claims_no_more_than_is_proven(bench: Bench) -> None:
    assert bench.connector.capabilities.recovers is bench.rig.recovers
    assert bench.connector.capabilities.guarantee is PurchaseGuarantee.RECONCILED


async def test_sells_every_service_it_names(bench: Bench) -> None:
    for service in sorted(bench.connector.capabilities.services):
        outcome, _ = await bought(bench, bench.rig.request(service=service))
        assert outcome.parcels[0].tracking_number
        assert outcome.parcels[0].document
        assert len(outcome.parcels[0].document.content) > 30
    assert len(bench.charged) == len(bench.connector.capabilities.services)


async def test_price_is_what_the_carrier_charges(bench: Bench) -> None:
    request = bench.rig.request()
    outcome, _ = await bought(bench, request)
    (sale,) = bench.charged
    assert sale["carrier_id"] == outcome.carrier_id
    assert sale["tracking_numbers"] == [parcel.tracking_number for parcel in outcome.parcels]
    if outcome.charged is not None:
        assert outcome.charged == Money(amount_minor=int(str(sale["charged_minor"])), currency=str(sale["currency"]))


async def test_price_that_changed_is_told(bench: Bench) -> None:
    usual, _ = await bought(bench, bench.rig.request())
    bench.fail("price_change")
    dearer, _ = await bought(bench, bench.rig.request())
    if usual.charged and dearer.charged:
        assert dearer.charged.amount_minor > usual.charged.amount_minor
        assert dearer.charged.amount_minor == bench.charged[-1]["charged_minor"]


async def test_several_parcels_or_a_coded_refusal(bench: Bench) -> None:
    outcome = await bench.connector.buy(bench.rig.request(parcels=3))
    if not bench.rig.multi_parcel:
        assert isinstance(outcome, Refused)
        assert outcome.code == "multi_parcel"
        assert bench.sales == []
        return
    assert isinstance(outcome, Purchased), outcome
    numbers = [parcel.tracking_number for parcel in outcome.parcels]
    assert len(set(numbers)) == 3
    assert [sale["tracking_numbers"] for sale in bench.charged] == [numbers]
    assert len({parcel.document.content for parcel in outcome.parcels if parcel.document}) == 3


async def test_same_key_never_charges_twice(bench: Bench) -> None:
    if not bench.connector.capabilities.key_lives_s:
        pytest.skip("the carrier has no idempotency key")
    request = bench.rig.request()
    first, _ = await bought(bench, request)
    again, _ = await bought(bench, request)
    assert again == first
    assert len(bench.charged) == 1


async def test_recovers_what_was_bought_and_only_that(bench: Bench) -> None:
    if not bench.connector.capabilities.recovers:
        pytest.skip("the carrier finds nothing by reference")
    request = bench.rig.request()
    assert isinstance(await bench.connector.recover(request), NotFound)
    first, _ = await bought(bench, request)
    found = await bench.connector.recover(request)
    assert isinstance(found, Purchased), found
    assert found.carrier_id == first.carrier_id
    assert found.parcels[0].tracking_number == first.parcels[0].tracking_number
    assert isinstance(await bench.connector.recover(bench.rig.request()), NotFound)


async def test_refusals_are_coded_cost_nothing_and_name_nobody(bench: Bench) -> None:
    assert bench.rig.said_no
    for street, code in bench.rig.said_no.items():
        outcome = await bench.connector.buy(bench.rig.request(street=street))
        assert isinstance(outcome, Refused), outcome
        assert outcome.code == code
        assert street.casefold() not in outcome.detail.casefold()
        assert bench.rig.receiver.name not in outcome.detail
    unknown = await bench.connector.buy(bench.rig.request(service="carrier_pigeon"))
    assert isinstance(unknown, Refused)
    assert unknown.code == "service_not_offered"
    assert bench.sales == []


async def test_voids_once_and_says_so_twice(bench: Bench) -> None:
    _, label = await bought(bench, bench.rig.request())
    assert isinstance(await bench.connector.void(label), Voided)
    if not bench.connector.capabilities.voids:
        assert len(bench.sales) == 1
        return
    assert bench.charged == []
    assert isinstance(await bench.connector.void(label), Voided)
    stranger = as_label(bench.rig.request(), "9400100000000000000000", ("9400100000000000000000",))
    assert isinstance(await bench.connector.void(stranger), VoidDeclined)


async def test_void_without_an_answer_is_unknown_and_may_be_asked_again(bench: Bench) -> None:
    if not bench.connector.capabilities.voids:
        pytest.skip("the carrier voids nothing")
    _, label = await bought(bench, bench.rig.request())
    bench.fail("timeout_after", "void")
    assert isinstance(await bench.connector.void(label), OutcomeUnknown)
    assert isinstance(await bench.connector.void(label), Voided | VoidPending)
    assert bench.charged == []


async def test_list_of_the_day_is_the_carriers_ledger(bench: Bench) -> None:
    if not bench.connector.capabilities.lists_labels:
        pytest.skip("the carrier lists nothing")
    long = dataclasses.replace(bench.rig.request(), reference="LS" + "7" * 27 + "A")
    labels = [await bought(bench, request) for request in (bench.rig.request(), bench.rig.request(), long)]
    if bench.connector.capabilities.voids:
        await bench.connector.void(labels[0][1])
    listed = await bench.connector.billable(today())
    assert not isinstance(listed, NotSent | OutcomeUnknown), listed
    ours = {(label.reference, label.carrier_id, (label.tracking_number,), label.voided) for label in listed}
    fields = ("reference", "carrier_id", "tracking_numbers", "voided")
    theirs = {tuple(tuple(v) if isinstance(v := sale[name], list) else v for name in fields) for sale in bench.sales}
    assert ours == theirs
    priced = {label.carrier_id: label.charged.amount_minor for label in listed if label.charged}
    assert priced.items() <= {str(sale["carrier_id"]): sale["charged_minor"] for sale in bench.sales}.items()
    assert await bench.connector.billable(today() - timedelta(days=3)) == []


async def test_manifest_takes_what_it_can_and_names_the_rest(bench: Bench) -> None:
    if not bench.connector.capabilities.manifests:
        pytest.skip("the carrier has no manifest")
    labels = [(await bought(bench, bench.rig.request()))[1] for _ in range(3)]
    await bench.connector.void(labels[2])
    closed = await bench.connector.manifest("M1", bench.rig.sender, labels, today())
    assert isinstance(closed, Manifest), closed
    assert [number for number, _reason in closed.rejected] == list(labels[2].tracking_numbers)
    assert [bool(sale["manifest"]) for sale in bench.sales] == [True, True, False]
    again = await bench.connector.manifest("M1", bench.rig.sender, labels[:2], today())
    assert isinstance(again, Manifest), again
    assert again.manifest_id == closed.manifest_id
    assert isinstance(await bench.connector.void(labels[0]), VoidDeclined)


async def test_books_a_pickup(bench: Bench) -> None:
    if not bench.connector.capabilities.pickups:
        pytest.skip("the carrier is not asked for pickups")
    now = Clock().now()
    request = PickupRequest("P1", bench.rig.sender, now, now, parcels=12, weight_g=8_000)
    confirmation = await bench.connector.book_pickup(request)
    assert isinstance(confirmation, str)
    assert confirmation


async def test_return_label_travels_to_the_warehouse(bench: Bench) -> None:
    outcome = await bench.connector.buy(bench.rig.request(inbound=True))
    if bench.connector.capabilities.returns:
        assert isinstance(outcome, Purchased), outcome
        assert len(bench.charged) == 1
    else:
        assert isinstance(outcome, Refused)
        assert outcome.code == "returns_not_offered"


async def test_credentials_are_proven_or_refused(bench: Bench) -> None:
    assert await bench.connector.verify() is None
    wrong = bench.connect(**dict.fromkeys(list(bench.rig.credentials)[-1:], "wrong"))
    for outcome in (await wrong.verify(), await wrong.buy(bench.rig.request())):
        assert isinstance(outcome, Refused), outcome
        assert outcome.code == "credentials_rejected"
    assert bench.sales == []


async def test_one_token_for_all_and_one_more_when_it_is_refused(bench: Bench) -> None:
    if not bench.rig.tokens:
        pytest.skip("the carrier has no access tokens")
    before = bench.simulator.tokens(bench.rig.connector)
    first = await asyncio.gather(*(bench.connector.buy(bench.rig.request()) for _ in range(6)))
    assert bench.simulator.tokens(bench.rig.connector) == before + 1
    bench.simulator.revoke_tokens()
    second = await asyncio.gather(*(bench.connector.buy(bench.rig.request()) for _ in range(6)))
    assert bench.simulator.tokens(bench.rig.connector) == before + 2
    assert all(isinstance(outcome, Purchased) for outcome in first + second)
    assert len(bench.charged) == 12


async def test_backs_off_when_told_to(bench: Bench) -> None:
    request = bench.rig.request()
    bench.fail("rate_limited", seconds=60)
    outcome = await bench.connector.buy(request)
    assert isinstance(outcome, NotSent)
    assert (outcome.code, outcome.after_s) == ("rate_limited", 60.0)
    early = await bench.connector.buy(request)
    assert isinstance(early, NotSent)
    assert early.code == "account_limit"
    assert early.after_s > 50
    standing = bench.connector.standing
    assert standing.circuit == "closed"
    assert standing.budget.blocked_for_s > 50
    assert standing.budget.per_s == 500
    assert bench.sales == []


async def test_secrets_and_people_stay_inside(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    outcome = await bench.connector.buy(bench.rig.request())
    said = caplog.text + repr(outcome) + repr(bench.rig.account("https://example.org", bench.client))
    for secret in (f"secret-{bench.client}", "Bearer ", bench.rig.receiver.name, bench.rig.receiver.street):
        assert secret not in said
