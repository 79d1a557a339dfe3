"""What the conformance suite needs of each carrier: an account at its simulator and shipments it can carry."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from linkstar_carriers.transport import Limits
from linkstar_contracts.values import Consignee, Dimensions, Money, Parcel, ServiceOptions, Weight
from linkstar_labeler.carriers.remote import CarrierAccount, connect
from linkstar_labeler.domain.connector import LabelRequest, Purchased, PurchasedLabel
from linkstar_runtime.clock import Clock
from linkstar_sandbox.carrier_apis.server import listen, serve

_serials = itertools.count(1)


@dataclass(frozen=True)
class Rig:
    """One carrier under test."""

    connector: str
    service: str
    currency: str
    sender: Consignee
    receiver: Consignee
    settings: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)
    """`{client}` stands for the account's own name, `{secret}` for its secret."""
    multi_parcel: bool = False
    unreadable: tuple[str, ...] = (
        "html",
        "truncated",
        "not_json",
        "field_lost",
        "compressed",
        "huge_label",
        "wrong_label",
    )
    names_currency: bool = True
    tokens: bool = True
    recovers: bool = True
    finds: bool = False
    said_no: dict[str, str] = field(default_factory=dict)
    """Magic street to the code of the refusal."""

    def __str__(self) -> str:
        return self.connector

    def account(self, base_url: str, client: str) -> CarrierAccount:
        filled = {
            name: text.format(client=client, secret=f"secret-{client}") for name, text in self.credentials.items()
        }
        number = client.removeprefix("client").zfill(6)
        return CarrierAccount(self.connector, f"{base_url}/{self.connector}", number, filled, self.settings)

    def request(self, *, parcels: int = 1, street: str = "", service: str = "", inbound: bool = False) -> LabelRequest:
        serial = next(_serials)
        receiver = self.receiver.model_copy(update={"street": street}) if street else self.receiver
        return LabelRequest(
            purchase_key=f"{serial:032x}", reference=f"LS{serial:08d}A1", service=service or self.service,
            sender=receiver if inbound else self.sender, receiver=self.sender if inbound else receiver,
            parcels=tuple(parcel(number, self.currency) for number in range(1, parcels + 1)),
            options=ServiceOptions(), ship_on=Clock().now().date(),
            expected=Money(amount_minor=900, currency=self.currency), inbound=inbound,
        )  # fmt: skip


def parcel(number: int, currency: str) -> Parcel:
    return Parcel(
        number=number,
        weight=Weight(value=Decimal("1.50"), unit="lb"),
        dimensions=Dimensions(length=Decimal(10), width=Decimal(8), height=Decimal(4), unit="in"),
        declared_value=Money(amount_minor=2500, currency=currency),
    )


US_SENDER = Consignee(
    name="Dock Seven", company="Star Depot", street="100 Warehouse Road", city="Newark", region="NJ", postcode="07105",
    country="US", phone="+1 973 555 0100", email="dock@example.com",
)  # fmt: skip
US_RECEIVER = Consignee(
    name="Ada Q Example", street="45 Larkspur Street", street2="Apt 9", city="Springfield", region="IL",
    postcode="62701-1234", country="US", phone="+1 217 555 0199", email="ada@example.org",
)  # fmt: skip
DE_SENDER = Consignee(
    name="Lager Sieben", company="Sternlager GmbH", street="Hafenstrasse 7", city="Hamburg", postcode="20457", country="DE",
    phone="+49 40 5550100", email="lager@example.com",
)  # fmt: skip
DE_RECEIVER = Consignee(
    name="Ada Beispiel", street="Lerchenweg 45", street2="Hinterhaus", city="Berlin", postcode="10115", country="DE",
    phone="+49 30 5550199", email="ada@example.org",
)  # fmt: skip
CA_SENDER = Consignee(
    name="Dock Seven", company="Star Depot", street="100 Warehouse Road", city="Mississauga", region="ON",
    postcode="L5T 1A1", country="CA", phone="+1 905 555 0100",
)  # fmt: skip
CA_RECEIVER = Consignee(
    name="Ada Q Example", street="45 Larkspur Street", street2="Apt 9", city="Toronto", region="ON", postcode="M5V 3L9",
    country="CA", phone="+1 416 555 0199", email="ada@example.org",
)  # fmt: skip
GB_SENDER = Consignee(
    name="Dock Seven", company="Star Depot Ltd", street="100 Warehouse Road", city="Leeds", postcode="LS9 8AG", country="GB",
    phone="+44 113 555 0100",
)  # fmt: skip
GB_RECEIVER = Consignee(
    name="Ada Q Example", street="45 Larkspur Street", street2="Flat 9", city="London", postcode="EC1A 1BB", country="GB",
    phone="+44 20 5550 0199", email="ada@example.org",
)  # fmt: skip
OAUTH = {"client_id": "{client}", "client_secret": "{secret}"}

KARRIO = importlib.util.find_spec("karrio") is not None
"""Whether the optional SDK is installed: without it there is no rig of the carriers it speaks to."""

BUILT_IN = (
    Rig(
        "usps", "ground_advantage", "USD", US_SENDER, US_RECEIVER,
        settings={"crid": "12345678", "mid": "123456"}, credentials=OAUTH, names_currency=False,
        said_no={"1 Undeliverable Way": "160308", "2 No Funds Street": "100007", "3 No Service Road": "160288"},
    ),
    Rig(
        "ups", "ground", "USD", US_SENDER, US_RECEIVER, credentials=OAUTH, multi_parcel=True,
        said_no={"1 Undeliverable Way": "120802", "2 No Funds Street": "120124", "3 No Service Road": "121210"},
    ),
    Rig(
        "fedex", "ground", "USD", US_SENDER, US_RECEIVER, settings={"smart_post_hub": "5015"}, credentials=OAUTH,
        multi_parcel=True, recovers=False, finds=True,
        said_no={
            "1 Undeliverable Way": "RECIPIENTS.ADDRESS.INVALID", "2 No Funds Street": "ACCOUNT.NOT.BILLABLE",
            "3 No Service Road": "SERVICETYPE.NOT.ALLOWED",
        },
    ),
    Rig(
        "dpd-de", "classic", "EUR", DE_SENDER, DE_RECEIVER, credentials={"login": "{client}", "password": "{secret}"},
        names_currency=False, recovers=False,
        said_no={"1 Undeliverable Way": "ROUTING_3", "2 No Funds Street": "CUSTOMER_7", "3 No Service Road": "SERVICE_1"},
    ),
    Rig(
        "hermes-de", "to_door", "EUR", DE_SENDER, DE_RECEIVER, names_currency=False,
        credentials={**OAUTH, "username": "{client}", "password": "{secret}"},
        said_no={"1 Undeliverable Way": "e051", "2 No Funds Street": "e012", "3 No Service Road": "e077"},
    ),
    Rig(
        "canpar", "ground", "CAD", CA_SENDER, CA_RECEIVER, multi_parcel=True, names_currency=False, tokens=False,
        credentials={"user_id": "{client}", "password": "{secret}"},
        said_no=dict.fromkeys(("1 Undeliverable Way", "2 No Funds Street", "3 No Service Road"), "carrier_refused"),
    ),
    Rig(
        "evri", "standard", "GBP", GB_SENDER, GB_RECEIVER, settings={"client_name": "Star Depot"}, names_currency=False,
        credentials={"username": "{client}", "password": "{secret}"}, tokens=False, recovers=False,
        said_no={"1 Undeliverable Way": "61100", "2 No Funds Street": "61300", "3 No Service Road": "61220"},
    ),
)  # fmt: skip

CANADA_POST = Rig(
    "canada-post", "expedited", "CAD", CA_SENDER, CA_RECEIVER, settings={"contract_id": "0012345678"}, tokens=False,
    credentials={"username": "{client}", "password": "{secret}"}, recovers=False, names_currency=False,
    said_no={"1 Undeliverable Way": "2511", "2 No Funds Street": "8064", "3 No Service Road": "9111"},
)  # fmt: skip
RIGS = (*BUILT_IN, CANADA_POST) if KARRIO else BUILT_IN


class Simulator:
    """The running simulators and their truth."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._http = httpx.Client(base_url=address, timeout=20)

    def fail(self, kind: str, operation: str, account: str, seconds: float = 0.05, times: int = 1) -> None:
        fault = {"kind": kind, "operation": operation, "account": account, "seconds": seconds, "times": times}
        self._http.post("/_sim/faults", json=[fault]).raise_for_status()

    def calm(self) -> None:
        self._http.delete("/_sim/faults").raise_for_status()

    def revoke_tokens(self) -> None:
        self._http.delete("/_sim/tokens").raise_for_status()

    def tokens(self, carrier: str) -> int:
        return int(self._http.get("/_sim/ledger").json()["tokens"].get(carrier, 0))

    def sales(self, account: str) -> list[dict[str, object]]:
        return [sale for sale in self._http.get("/_sim/ledger").json()["sales"] if sale["account"] == account]

    def close(self) -> None:
        self._http.close()


@contextmanager
def running_simulator(clock: Clock | None = None) -> Iterator[Simulator]:
    """Run the simulators in a thread with an event loop of its own, so that tests and carriers share none."""
    listener = listen("127.0.0.1", 0)
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(listener, clock or Clock(), stopping),))
    thread.start()
    simulator = Simulator(f"http://127.0.0.1:{listener.getsockname()[1]}")
    try:
        yield simulator
    finally:
        simulator.close()
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()
        listener.close()


@dataclass
class Bench:
    """One rig with a fresh account, its connector and the truth about it."""

    rig: Rig
    simulator: Simulator
    http: httpx.AsyncClient
    client: str = field(default_factory=lambda: f"client{next(_serials)}")

    def __post_init__(self) -> None:
        self.connector = self.connect()

    def connect(self, clock: Clock | None = None, **credentials: str) -> Any:
        account = self.rig.account(self.simulator.address, self.client)
        account = replace(account, credentials={**account.credentials, **credentials})
        return connect(account, self.http, clock or Clock(), Limits(reply_bytes=1_000_000, per_s=1000, burst=1000))

    def fail(self, kind: str, operation: str = "buy", seconds: float = 0.05, times: int = 1) -> None:
        self.simulator.fail(kind, operation, self.client, seconds, times)

    @property
    def sales(self) -> list[dict[str, object]]:
        return self.simulator.sales(self.client)

    @property
    def charged(self) -> list[dict[str, object]]:
        """What the carrier will bill."""
        return [sale for sale in self.sales if not sale["voided"]]


async def bought(bench: Bench, request: LabelRequest) -> tuple[Purchased, PurchasedLabel]:
    outcome = await bench.connector.buy(request)
    assert isinstance(outcome, Purchased), outcome
    numbers = tuple(parcel.tracking_number for parcel in outcome.parcels)
    return outcome, as_label(request, outcome.carrier_id, numbers)


def as_label(request: LabelRequest, carrier_id: str, numbers: tuple[str | None, ...]) -> PurchasedLabel:
    return PurchasedLabel(request.reference, carrier_id, tuple(number or "" for number in numbers), request.service)


def today() -> date:
    return Clock().now().date()
