"""A carrier whose answers a test writes down, and labeler's purchases on a real database with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import Any

from integration.labeler.label_desk import LabelDesk, OpenVault
from unit.labeler.label_samples import consignee

from linkstar_contracts.event import Event
from linkstar_contracts.label_events import PurchaseGuarantee
from linkstar_contracts.values import Consignee, Money
from linkstar_labeler import store
from linkstar_labeler.domain.connector import (
    BillableLabel,
    Capabilities,
    Document,
    LabelRequest,
    Manifest,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PickupRequest,
    Purchased,
    PurchasedLabel,
    PurchasedParcel,
    PurchaseOutcome,
    RecoverOutcome,
    Refused,
    Voided,
    VoidOutcome,
)
from linkstar_labeler.domain.interventions import Intervention, InterventionOutcome, Taken
from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_labeler.handlers import BoundConnector, Buyer, StoredPurchases
from linkstar_labeler.store import PLATFORM, AccountKey, StoredAccount
from linkstar_runtime.handling import Outcome, Transaction

__all__ = ["ACCOUNT", "PurchaseDesk", "ScriptedCarrier", "sold"]

ACCOUNT = AccountKey(PLATFORM, "usps", "platform")
PATIENCE = Patience(lease_s=90, settle_s=60, backoff_s=5, attempts=3)


def sold(carrier_id: str = "L1", parcels: int = 1, charged: int = 480) -> Purchased:
    """A label as a carrier sells it."""
    printed = tuple(
        PurchasedParcel(f"TRACK{carrier_id}X{number}", Document("application/pdf", b"%PDF-1.4"))
        for number in range(parcels)
    )
    return Purchased(carrier_id, printed, Money(amount_minor=charged, currency="USD"))


class ScriptedCarrier:
    """Answers what `buys`, `finds` and `voids` hold, in order; the last answer repeats. `during` runs inside each call."""

    def __init__(self, *buys: PurchaseOutcome, recovers: bool = False) -> None:
        self.carrier = "usps"
        self.capabilities = Capabilities(
            PurchaseGuarantee.RECONCILED, frozenset({"ground_advantage"}), recovers=recovers, lists_labels=True,
            interventions=frozenset({"intercept", "redirect"}),
        )  # fmt: skip
        self.buys: list[PurchaseOutcome] = list(buys)
        self.finds: list[RecoverOutcome] = [NotFound()]
        self.voids: list[VoidOutcome] = [Voided()]
        self.taken: list[InterventionOutcome] = [Taken("T-1")]
        self.wanted: list[Intervention] = []
        self.listed: list[BillableLabel] = []
        self.calls: list[str] = []
        self.requests: list[LabelRequest] = []
        self.during: Callable[[], Awaitable[object]] | None = None

    async def buy(self, request: LabelRequest) -> PurchaseOutcome:
        self.requests.append(request)
        return await self._answer("buy", self.buys)

    async def recover(self, request: LabelRequest) -> RecoverOutcome:
        return await self._answer("recover", self.finds)

    async def void(self, label: PurchasedLabel) -> VoidOutcome:
        return await self._answer(f"void {label.carrier_id}", self.voids)

    async def intervene(self, wanted: Intervention) -> InterventionOutcome:
        self.wanted.append(wanted)
        return await self._answer(f"intervene {wanted.kind}", self.taken)

    async def billable(self, day: date) -> Sequence[BillableLabel] | NotSent | OutcomeUnknown:
        self.calls.append(f"list {day}")
        return self.listed

    async def manifest(
        self, reference: str, origin: Consignee, labels: Sequence[PurchasedLabel], day: date
    ) -> Manifest | Refused | NotSent | OutcomeUnknown:
        raise NotImplementedError

    async def book_pickup(self, request: PickupRequest) -> str | Refused | NotSent | OutcomeUnknown:
        raise NotImplementedError

    async def verify(self) -> Refused | NotSent | OutcomeUnknown | None:
        return None

    async def _answer(self, call: str, answers: list[Any]) -> Any:
        self.calls.append(call)
        if self.during:
            during, self.during = self.during, None
            await during()
        await asyncio.sleep(0)
        return answers.pop(0) if len(answers) > 1 else answers[0]


class _Connectors:
    def __init__(self, carrier: ScriptedCarrier) -> None:
        self.bound = BoundConnector(carrier, {"*": consignee()})

    async def of(self, tx: Transaction, account: AccountKey) -> BoundConnector:
        return self.bound


class _Commands:
    """Runs a transaction and keeps the events it returns."""

    def __init__(self, desk: LabelDesk) -> None:
        self._desk = desk
        self.events: list[Event] = []

    async def run(self, work: Callable[[Transaction], Awaitable[Sequence[Outcome]]]) -> Sequence[Event]:
        async with self._desk.database.transaction() as tx:
            events = [event for event in await work(tx) if isinstance(event, Event)]
        self.events += events
        return events


class PurchaseDesk:
    """A label desk with a carrier reached over the network."""

    def __init__(self, desk: LabelDesk, carrier: ScriptedCarrier) -> None:
        self.desk, self.carrier = desk, carrier
        self.commands = _Commands(desk)
        self.connectors = _Connectors(carrier)
        self.book = StoredPurchases(desk.database, self.commands, OpenVault(), self.connectors, desk.clock, PATIENCE)
        self.buyer = Buyer(self.book, desk.clock, at_once=4)

    async def bind(self, account: AccountKey = ACCOUNT, *, test: bool = False) -> None:
        async with self.desk.database.transaction() as tx:
            await store.bind_account(tx, StoredAccount(account, "scripted", "http://x", b"", {}, test, False, 1))

    async def work(self, after_s: float = 0.0) -> list[Event]:
        """Do what is due after this long and return the events it led to."""
        self.desk.clock.advance(timedelta(seconds=after_s))
        before = len(self.commands.events)
        await self.buyer.run()
        return self.commands.events[before:]

    async def standing(self) -> tuple[str, int, int]:
        """State of the newest purchase, balance, and what is held."""
        state = await self.desk.admin.fetchval("SELECT state FROM labeler.purchase ORDER BY route_version DESC LIMIT 1")
        held = await self.desk.admin.fetchval(
            "SELECT coalesce(sum(amount_minor), 0)::bigint FROM labeler.ledger_leg WHERE account = 'wallet_held'"
        )
        return state, await self.desk.balance(), held
