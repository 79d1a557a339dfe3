"""Answers that are lost or nonsense, from every connector: a purchase is unknown, is resolved, and is charged once whatever
happens; transports that get this wrong are caught.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from integration.labeler.carrier_rigs import RIGS, Bench, Simulator, bought, today

from linkstar_carriers.replies import Node
from linkstar_carriers.transport import Call, Reply, Transport
from linkstar_labeler.carriers.remote import open_http
from linkstar_labeler.domain.connector import (
    LabelRequest,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Purchased,
    Refused,
)

LOST_ANSWERS = ("timeout_after", "error_after", "cut_after")
NO_WORK = ("timeout_before", "error_before", "cut_before")


async def resolved(bench: Bench, request: LabelRequest) -> str | None:
    """Resolve an unknown purchase the way its class allows; returns what the carrier calls the label."""
    connector = bench.connector
    if connector.capabilities.recovers:
        found = await connector.recover(request)
        if isinstance(found, Purchased):
            return found.carrier_id
        assert isinstance(found, NotFound), found
        return None
    if connector.capabilities.lists_labels:
        listed = await connector.billable(today())
        assert not isinstance(listed, NotSent | OutcomeUnknown), listed
        return next((label.carrier_id for label in listed if label.reference == request.reference), None)
    pytest.skip("class C without a list: resolved from the carrier's invoice")


@pytest.mark.parametrize("kind", LOST_ANSWERS)
async def test_lost_answer_is_unknown_and_resolved(bench: Bench, kind: str) -> None:
    request = bench.rig.request()
    bench.fail(kind)
    outcome = await bench.connector.buy(request)
    assert isinstance(outcome, OutcomeUnknown), outcome
    assert outcome.code in {"reply_cut", "connection_lost", "http_500"}
    (sale,) = bench.charged
    assert await resolved(bench, request) == sale["carrier_id"]
    assert len(bench.charged) == 1


@pytest.mark.parametrize("kind", NO_WORK)
async def test_unknown_without_work_is_resolved_to_nothing(bench: Bench, kind: str) -> None:
    request = bench.rig.request()
    bench.fail(kind)
    assert isinstance(await bench.connector.buy(request), OutcomeUnknown)
    assert await resolved(bench, request) is None
    assert bench.sales == []
    await bought(bench, request)
    assert len(bench.charged) == 1


async def test_nonsense_is_coded_and_the_purchase_is_not_lost(bench: Bench) -> None:
    kinds = (*bench.rig.unreadable, *(("wrong_currency",) if bench.rig.names_currency else ()))
    codes = {}
    for count, kind in enumerate(kinds, 1):
        bench.connector = bench.connect()
        request = bench.rig.request()
        bench.fail(kind)
        outcome = await bench.connector.buy(request)
        assert isinstance(outcome, OutcomeUnknown), (kind, outcome)
        codes[kind] = outcome.code
        assert len(bench.charged) == count
        if bench.connector.capabilities.recovers or bench.connector.capabilities.lists_labels:
            assert await resolved(bench, request) == bench.charged[-1]["carrier_id"], kind
    expected = {
        "html": "html_reply", "truncated": "malformed_reply", "not_json": "malformed_reply",
        "field_lost": codes["field_lost"],
        "compressed": "unexpected_encoding", "huge_label": "reply_too_large", "wrong_label": "wrong_label_format",
        "wrong_currency": "wrong_currency",
    }  # fmt: skip
    assert codes == {kind: expected[kind] for kind in codes}
    assert codes["field_lost"] in {"field_missing", "parcel_missing", "malformed_reply"}


# -- would it notice? -------------------------------------------------------------------------------------------------


async def repeating(self: Transport, call: Call) -> Reply | NotSent | OutcomeUnknown:
    """A transport that tries again when nobody answered."""
    end = await SEND(self, call)
    return await SEND(self, call) if isinstance(end, OutcomeUnknown) else end


async def hopeful(self: Transport, call: Call) -> Reply | NotSent | OutcomeUnknown:
    """A transport that takes silence for a call that was never sent."""
    end = await SEND(self, call)
    return NotSent(end.code, end.detail) if isinstance(end, OutcomeUnknown) else end


async def forgetful(self: Transport, call: Call) -> Reply | NotSent | OutcomeUnknown:
    """A transport that says nothing of what it could not read."""
    end = await SEND(self, call)
    return Reply(400, Node({})) if isinstance(end, OutcomeUnknown) else end


SEND = Transport.send


@pytest.mark.parametrize("mutant", [repeating, hopeful, forgetful], ids=lambda mutant: mutant.__name__)
async def test_broken_transports_are_caught(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, mutant: Any) -> None:
    """UPS has no key, so whoever asks twice pays twice."""
    ups = next(rig for rig in RIGS if rig.connector == "ups")
    monkeypatch.setattr(Transport, "send", mutant)
    async with open_http() as http:
        with pytest.raises(AssertionError):
            await test_lost_answer_is_unknown_and_resolved(Bench(ups, simulator, http), "timeout_after")
        with pytest.raises(AssertionError):
            await test_every_purchase_ends_with_one_paid_label_whatever_happens(Bench(ups, simulator, http))


# -- many purchases, many faults --------------------------------------------------------------------------------------

TROUBLE = (
    "timeout_before", "timeout_after", "error_before", "error_after", "cut_before", "cut_after", "unavailable", "html",
    "truncated", "not_json", "field_lost", "compressed", "wrong_label", "signed_out",
)  # fmt: skip


@pytest.mark.parametrize("bench", [rig for rig in RIGS if rig.recovers], ids=str, indirect=True)
async def test_every_purchase_ends_with_one_paid_label_whatever_happens(bench: Bench) -> None:
    """A third of all calls fails, in every way: each purchase still ends, and is charged exactly once."""
    random = Random(20261123)
    requests = [bench.rig.request() for _ in range(15)]
    for request in requests:
        bench.connector = bench.connect()
        for operation in ("buy", "recover", "labels", "list", "authorize", "token"):
            if random.random() < 0.35:
                bench.fail(random.choice(TROUBLE), operation, seconds=0.0)
        assert await purchase(bench, request) in {str(sale["carrier_id"]) for sale in bench.charged}
        bench.simulator.calm()
    assert len(bench.charged) == len(requests) == len(bench.sales)


async def purchase(bench: Bench, request: LabelRequest) -> str:
    """Buy the way the labeler does: what is unknown is looked up, and bought again only when surely nothing is there."""
    for _attempt in range(20):
        outcome = await bench.connector.buy(request)
        while isinstance(outcome, OutcomeUnknown):
            found = await bench.connector.recover(request)
            outcome = found if not isinstance(found, NotFound | NotSent) else outcome
            if isinstance(found, NotFound):
                break
        if isinstance(outcome, Purchased):
            return outcome.carrier_id
        assert not isinstance(outcome, Refused), outcome
    raise AssertionError("the purchase does not end")
