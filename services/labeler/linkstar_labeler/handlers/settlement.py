"""Carries out what the shipments of a batch came to, in one transaction: voids and refunds, purchases and captures,
numbers, holds, exceptions and events. Locks go wallets, blocks, ranges; the shipments are locked by the caller.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from linkstar_contracts.event import Event
from linkstar_contracts.events import ExceptionRaised, RouteChosen
from linkstar_contracts.values import Consignee
from linkstar_labeler import store
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.domain.charges import release
from linkstar_labeler.domain.connector import Refused
from linkstar_labeler.domain.exceptions import open_late, settle_hold
from linkstar_labeler.domain.ledger import Account, Entry, admit
from linkstar_labeler.domain.number_blocks import hand_out, lease, shortages
from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.domain.shipments import Shipment
from linkstar_labeler.handlers.account_limits import within_limits
from linkstar_labeler.handlers.purchase import (
    Purchase,
    RangePurchase,
    RemotePurchase,
    rejection,
    void_entries,
    voiding,
)
from linkstar_labeler.store import PLATFORM, SIMULATOR, AccountKey
from linkstar_labeler.store.shipments import ShipmentKey
from linkstar_runtime.clock import Clock
from linkstar_runtime.failpoints import afail
from linkstar_runtime.handling import Retry, Transaction
from linkstar_runtime.vault import Vault, VaultError

__all__ = ["Settler"]

_PRINTS_AT_ONCE = 20
"""Labels printed before the event loop gets a turn: about 3 ms."""


class Settler:
    """Settles locked shipments. `block_size` serials at least are leased to a shard at once; `clock` tells real time;
    `simulated` are the services by carrier that test orders are bought for at simulators.
    """

    def __init__(
        self, vault: Vault, block_size: int, clock: Clock, simulated: Mapping[str, frozenset[str]] | None = None
    ) -> None:
        self._simulated = simulated or {}
        self._vault = vault
        self._block_size = block_size
        self._clock = clock

    async def settle(self, tx: Transaction, shipments: Sequence[Shipment]) -> list[Event]:
        """Carry out release, purchase and lateness of each shipment, in the given order; return the events."""
        if not shipments:
            return []
        remote = await _accounts(tx, shipments, self._simulated)
        refused = {s.key: refusal for s in shipments if s.key not in remote and (refusal := _refusal(s))}
        purchases = await self._open(tx, [s for s in shipments if s.key not in refused], remote)
        entries = await self._give_back(tx, [s for s in shipments if s.release])
        await _admit(tx, purchases, entries)
        await _limit(tx, [p for p in purchases if isinstance(p, RemotePurchase) and p.charge_minor and not p.hold_code])
        await self._number(tx, [p for p in purchases if isinstance(p, RangePurchase) and not p.hold_code])
        admitted = [p for p in purchases if not p.hold_code]
        bought = {p.shipment.key: p for p in admitted if isinstance(p, RangePurchase)}
        entries += [entry for p in admitted for entry in p.entries()]
        events: list[Event] = []
        for shipment in shipments:
            events += _label_events(shipment, bought.get(shipment.key), refused.get(shipment.key), tx)
        await _save(tx, shipments, purchases, entries)
        await self._start(tx, [p for p in admitted if isinstance(p, RemotePurchase)])
        await _note_limited(tx, [p for p in purchases if isinstance(p, RemotePurchase)])
        return [*events, *await _exceptions(tx, shipments, purchases)]

    async def _give_back(self, tx: Transaction, released: Sequence[Shipment]) -> list[Entry]:
        """Return the refunds due at once. A label bought over the network is refunded when the carrier agrees to the
        void; one that is being bought is released as soon as it surely was not sold.
        """
        releases = [(s, s.release) for s in released if s.release and not s.release.label.held]
        if not releases:
            return []
        keys = [PurchaseKey(*s.key, each.label.route.version) for s, each in releases]
        remote = await store.lock_purchases(tx, keys)
        entries: list[Entry] = []
        for key, (_, each) in zip(keys, releases, strict=True):
            if key not in remote:
                entries += void_entries(each)
                continue
            purchase = remote[key].purchase
            if purchase.withdraw(self._clock.wall()).money:
                entries += release(each.label.route)
        await store.save_purchases(tx, [each.purchase for each in remote.values()])
        return entries

    async def _start(self, tx: Transaction, purchases: Sequence[RemotePurchase]) -> None:
        if purchases:
            await store.start_purchases(tx, [(p.key, p.account_key) for p in purchases], self._clock.wall())
            await afail("label.t1.before_commit")

    async def _open(
        self, tx: Transaction, shipments: Iterable[Shipment], remote: Mapping[ShipmentKey, AccountKey]
    ) -> list[Purchase]:
        """Open the consignees of what is wanted; an erased one is a hold. Without a master key every batch waits."""
        wanted = [(s, s.wanted) for s in shipments if s.wanted]
        sealed = [(s.tenant, s.order_id, route.consignee) for s, route in wanted]
        try:
            consignees = await self._vault.open_many(tx, sealed)
        except VaultError as error:
            if error.code == "no_master_key":
                raise Retry(str(error)) from error
            raise
        return [
            _purchase(s, route, consignee, remote.get(s.key))
            for (s, route), consignee in zip(wanted, consignees, strict=True)
        ]

    async def _number(self, tx: Transaction, purchases: Sequence[RangePurchase]) -> None:
        """Give each purchase its tracking numbers from its shard's block and print it, or hold it."""
        if not purchases:
            return
        needs = [((p.carrier.code, p.shipment.shard), len(p.route.parcels)) for p in purchases]
        held = await store.blocks(tx, (key for key, _ in needs))
        lacking = shortages(needs, held)
        ranges = await store.ranges(tx, (carrier for carrier, _ in lacking)) if lacking else {}
        leased = lease(lacking, ranges, self._block_size)
        for place, (purchase, serials) in enumerate(zip(purchases, hand_out(needs, held, leased), strict=True), 1):
            if place % _PRINTS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if serials:
                purchase.print(serials, tx.now)
            else:
                purchase.hold_code = "numbers_exhausted"
        await store.save_leases(tx, held | leased, ranges)


async def _accounts(
    tx: Transaction, shipments: Iterable[Shipment], simulated: Mapping[str, frozenset[str]]
) -> dict[ShipmentKey, AccountKey]:
    """Return the account of each wanted route that is to be bought over the network: the tenant's own, or the platform's
    line of that name. A test order is bought with test accounts only, else at a simulator, and no other order with them.
    """
    wanted = [(s.key, s.wanted) for s in shipments if s.wanted]
    if not wanted:
        return {}
    asked = {(owner, r.route.carrier, r.route.account) for _, r in wanted for owner in (r.tenant, PLATFORM)}
    bound = await store.bound_accounts(tx, asked)
    found = {key: _at_simulator(r) for key, r in wanted if r.test and _simulates(simulated, r)} if simulated else {}
    if not bound:
        return found
    for key, route in wanted:
        for owner in (PLATFORM, route.tenant):
            account = AccountKey(owner, route.route.carrier, route.route.account)
            if bound.get(account) is route.test:
                found[key] = account
    return found


def _simulates(simulated: Mapping[str, frozenset[str]], route: RouteChosen) -> bool:
    return route.route.service in simulated.get(route.route.carrier, ())


def _at_simulator(route: RouteChosen) -> AccountKey:
    return AccountKey(route.tenant, route.route.carrier, SIMULATOR)


def _purchase(
    shipment: Shipment, route: RouteChosen, consignee: Consignee | None, account: AccountKey | None
) -> Purchase:
    hold_code = None if consignee else "consignee_erased"
    if account:
        return RemotePurchase(shipment, route, consignee, hold_code, account)
    return RangePurchase(shipment, route, consignee, hold_code, CARRIERS[route.route.carrier])


def _refusal(shipment: Shipment) -> Refused | None:
    """Return why the wanted route cannot be bought from its carrier at all."""
    route = shipment.wanted
    if route is None:
        return None
    carrier = CARRIERS.get(route.route.carrier)
    return carrier.refusal(route) if carrier else Refused("carrier_not_served", "No account with this carrier")


async def _admit(tx: Transaction, purchases: Sequence[Purchase], refunds: Sequence[Entry]) -> None:
    """Hold what its wallet does not cover; refunds of the same transaction count first."""
    candidates = [p for p in purchases if not p.hold_code]
    paying: set[Account] = {p.account for p in candidates if p.charge_minor} | {entry.wallet for entry in refunds}
    if not paying:
        return
    funds = Counter(await store.available_funds(tx, paying))
    for entry in refunds:
        funds[entry.wallet] += entry.wallet_change
    admitted = admit([(p.account, p.charge_minor) for p in candidates], funds)
    for purchase, covered in zip(candidates, admitted, strict=True):
        purchase.hold_code = None if covered else "insufficient_balance"


async def _limit(tx: Transaction, purchases: Sequence[RemotePurchase]) -> None:
    """Hold what the account it would be bought with may not spend any more this month."""
    limits = await store.lock_account_limits(tx, {p.account_key for p in purchases}) if purchases else {}
    charges = [((p.account_key, p.account[1]), p.charge_minor) for p in purchases]
    for purchase, within in zip(purchases, await within_limits(tx, limits, charges), strict=True):
        purchase.hold_code = None if within else "account_limit"


async def _note_limited(tx: Transaction, purchases: Sequence[RemotePurchase]) -> None:
    if limited := [(p.key, p.account_key) for p in purchases if p.hold_code == "account_limit"]:
        await store.note_held_by_limits(tx, limited)


def _label_events(
    shipment: Shipment, bought: RangePurchase | None, refused: Refused | None, tx: Transaction
) -> Iterable[Event]:
    """Return the label events of one shipment in version order."""
    if shipment.release and shipment.release.label.bought:
        yield voiding(shipment, shipment.release, tx.now)
    if shipment.wanted and refused:
        yield rejection(shipment, shipment.wanted, refused, tx.now)
    if bought:
        yield bought.created(tx.now)


async def _save(
    tx: Transaction, shipments: Sequence[Shipment], purchases: Sequence[Purchase], entries: Sequence[Entry]
) -> None:
    released = [(s, s.release) for s in shipments if s.release]
    if released:
        await store.save_releases(tx, released)
    if purchases:
        await store.save_labels(tx, [purchase.stored() for purchase in purchases])
    await store.post(tx, entries)
    await store.save_shipments(tx, shipments)


async def _exceptions(
    tx: Transaction, shipments: Sequence[Shipment], purchases: Sequence[Purchase]
) -> list[ExceptionRaised]:
    """Open and resolve what holds and late stops ask for."""
    holds = {p.shipment.key: p.hold_code for p in purchases}
    concerned = [s for s in shipments if holds.get(s.key) or _was_held(s) or s.late_reason]
    if not concerned:
        return []
    known = await store.known_exceptions(tx, [s.key for s in concerned])
    events: list[ExceptionRaised] = []
    for shipment in concerned:
        before = known.get(shipment.key, [])
        if shipment.late_reason:
            events += open_late(shipment, before, tx.now)
        events += settle_hold(shipment, holds.get(shipment.key), before, tx.now)
    if events:
        await store.save_exceptions(tx, events)
    return events


def _was_held(shipment: Shipment) -> bool:
    before = shipment.release.label if shipment.release else shipment.label
    return before is not None and before.held
