"""Where parcels are, as carriers' simulators tell it over HTTP to accounts that can buy nothing."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import pytest
from integration.labeler.carrier_rigs import RIGS, Simulator, running_simulator

from linkstar_carriers.account import AccountIncomplete, CarrierAccount
from linkstar_carriers.outcomes import NotFound, NotSent, OutcomeUnknown, Refused
from linkstar_carriers.scans import TracksParcels
from linkstar_carriers.tracking import TRACKED, connect
from linkstar_carriers.transport import Limits, open_http
from linkstar_labeler.carriers.remote import connect as connect_labels
from linkstar_runtime.clock import Clock
from linkstar_sandbox.carrier_apis.magic import TRACKING
from linkstar_sandbox.carriers.codes import Meaning, scan_code

LAST = {
    "accepted": Meaning.ACCEPTED, "in_transit": Meaning.HUB, "out_for_delivery": Meaning.OUT_FOR_DELIVERY,
    "delivered": Meaning.DELIVERED, "attempt_failed": Meaning.ATTEMPT_FAILED, "returned": Meaning.RETURNED,
}  # fmt: skip
_serials = itertools.count(1)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


class Asker:
    """An account of its own at one carrier, whose application may only track."""

    def __init__(self, simulator: Simulator, carrier: str, http: object) -> None:
        self.simulator, self.carrier, self.http = simulator, carrier, http
        self.client = f"asker{next(_serials)}"
        self.may = self.connect()

    def connect(self, secret: str = "") -> TracksParcels:
        tracks = f"track-{self.client}"
        account = CarrierAccount(
            self.carrier, f"{self.simulator.address}/{self.carrier}", "",
            {"client_id": tracks, "client_secret": secret or f"secret-{tracks}"}, test=True,
        )  # fmt: skip
        return connect(account, self.http, Clock(), limits=Limits(reply_bytes=200_000, per_s=1000, burst=1000))  # type: ignore[arg-type]


@pytest.fixture(params=TRACKED)
async def asker(request: pytest.FixtureRequest, simulator: Simulator) -> AsyncIterator[Asker]:
    async with open_http() as http:
        yield Asker(simulator, request.param, http)


async def test_scans_come_in_the_carriers_words_oldest_first(asker: Asker) -> None:
    for ending, state in TRACKING.items():
        scans = await asker.may.track(f"98765432101{ending}")
        if state == "unknown":
            assert isinstance(scans, NotFound)
            continue
        assert isinstance(scans, tuple), scans
        times = [datetime.fromisoformat(scan.at) for scan in scans]
        assert times == sorted(times)
        assert all(scan.text and (scan.postcode, scan.country) == ("07105", "US") for scan in scans)
        if state in LAST:
            assert scans[-1].code == scan_code(asker.carrier, LAST[state])
    assert isinstance(await asker.may.track("../../../nothing/../99"), NotFound | Refused)


@pytest.mark.parametrize(
    "kind", ["timeout_after", "error_after", "html", "truncated", "field_lost", "rate_limited", "not_json"]
)
async def test_question_without_an_answer_may_be_asked_again(asker: Asker, kind: str) -> None:
    asker.simulator.fail(kind, "track", asker.client)
    failed = await asker.may.track("9876543210105")
    assert isinstance(failed, NotSent | OutcomeUnknown), failed
    assert isinstance(await asker.connect().track("9876543210105"), tuple)


async def test_account_is_proven_by_a_question_and_wrong_credentials_are_refused(asker: Asker) -> None:
    assert await asker.may.verify() is None
    refused = await asker.connect(secret="wrong").verify()
    assert isinstance(refused, Refused)
    assert refused.code == "credentials_rejected"


async def test_credentials_that_ask_can_buy_nothing(asker: Asker) -> None:
    [rig] = [each for each in RIGS if each.connector == asker.carrier]
    tracks = f"track-{asker.client}"
    account = CarrierAccount(
        asker.carrier, f"{asker.simulator.address}/{asker.carrier}", "000001",
        {"client_id": tracks, "client_secret": f"secret-{tracks}"}, rig.settings,
    )  # fmt: skip
    outcome = await connect_labels(account, asker.http, Clock()).buy(rig.request())  # type: ignore[arg-type]
    assert isinstance(outcome, Refused | NotSent), outcome
    assert asker.simulator.sales(asker.client) == []


async def test_no_test_asks_a_live_host() -> None:
    async with open_http() as http:
        account = CarrierAccount(
            "usps", "https://apis.usps.com", "", {"client_id": "a", "client_secret": "b"}, test=True
        )
        with pytest.raises(AccountIncomplete, match="no test order may reach it"):
            connect(account, http, Clock(), simulators=False)
