"""Asks carriers where parcels are: what is due is leased, asked for outside any transaction, and stored with its next date.

A process that dies while it asks has stored nothing, so its parcels are due again when their lease is over. What carriers
tell goes in by the door that webhooks use.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from linkstar_carriers.account import AccountIncomplete
from linkstar_carriers.oauth import REJECTED
from linkstar_carriers.outcomes import NotFound, NotSent, OutcomeUnknown, Refused
from linkstar_carriers.scans import ToldScan, TrackOutcome, TracksParcels
from linkstar_contracts.event import Event
from linkstar_runtime.handling import Transaction
from linkstar_runtime.metrics import POLL_BUDGET_USED, POLLS, CarrierEnd, OfCarrier
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.vault import VaultError
from linkstar_tracker import store
from linkstar_tracker.carriers import TrackingClients
from linkstar_tracker.domain.polling import Followed, Poll, Polling, retry_after
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.domain.timeline import fold
from linkstar_tracker.jobs.intake import Judged, judge, take
from linkstar_tracker.settings import Settings
from linkstar_tracker.store import DueParcel, TrackingAccount

__all__ = ["Poller"]

log = structlog.get_logger(__name__)
_ENROLLED_AT_ONCE = 1000
_BY_ITSELF = frozenset({"webhook", "kafka"})
_NOT_ASKED = frozenset({"carrier_unavailable", "account_limit"})
_PAUSE = timedelta(minutes=5)
Plan = tuple[tuple[str, str], Poll, datetime | None, int, str]


@dataclass(slots=True)
class _Ended:
    """What a round of questions led to: scans by tenant, new dates, parcels done with or not asked for, and why to pause."""

    judged: dict[str, Judged] = field(default_factory=lambda: defaultdict(Judged))
    plans: list[Plan] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    released: list[tuple[str, str]] = field(default_factory=list)
    pause: tuple[str, float] | None = None
    ends: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Question:
    """A parcel to be asked for, and what is known of it."""

    parcel: DueParcel
    shipment: Shipment


class Poller:
    """The loop of one carrier: a carrier that is slow keeps no other waiting."""

    def __init__(
        self, carrier: str, polling: Polling, rules: Rules, clients: TrackingClients, settings: Settings
    ) -> None:
        self._carrier, self._polling, self._rules, self._clients = carrier, polling, rules, clients
        self._settings = settings

    async def __call__(self, context: ServiceContext) -> None:
        """Ask for what is due at every account of the carrier, as far as its budget goes."""
        async with context.database.transaction() as tx:
            await store.enrol_next(tx, self._carrier, context.clock.wall(), _ENROLLED_AT_ONCE)
            accounts = await store.accounts_of_carrier(tx, self._carrier)
        await asyncio.gather(*(self._round(context, account) for account in accounts))
        wall = context.clock.wall()
        used = [account.used_now(wall) / account.budget.calls for account in accounts]
        POLL_BUDGET_USED.set(OfCarrier(self._carrier), max(used, default=0.0))

    async def _round(self, context: ServiceContext, account: TrackingAccount) -> None:
        client = await self._client(context, account)
        if client is None or client.standing.circuit == "open":
            return
        questions = await self._claim(context, account)
        if questions:
            ends = await asyncio.gather(*(client.track(each.parcel.tracking_number) for each in questions))
            await self._store(context, account, list(zip(questions, ends, strict=True)))

    async def _client(self, context: ServiceContext, account: TrackingAccount) -> TracksParcels | None:
        if account.left(context.clock.wall()) < 1:
            return None
        try:
            return self._clients.of(account, context.vault, context.clock)
        except (AccountIncomplete, VaultError) as error:
            await self._pause(context, account, error.code, _PAUSE.total_seconds())
            return None

    async def _claim(self, context: ServiceContext, account: TrackingAccount) -> list[_Question]:
        """Lease what is due in truth and take it off the budget; what has been heard of meanwhile is planned anew."""
        wall = context.clock.wall()
        async with context.database.transaction() as tx:
            locked = await store.lock_account(tx, account.key)
            if locked is None or (calls := int(locked.left(wall))) < 1:
                return []
            await store.heed_hints(tx, account.key, wall, self._settings.polling.at_once)
            due = await store.due_parcels(tx, account.key, wall, self._settings.polling.at_once)
            shipments = await store.read_shipments(tx, {(each.tenant, each.shipment_id) for each in due})
            asked, ended = self._sorted_out(due, shipments, tx.now)
            questions = asked[:calls]
            await _settle(tx, ended)
            if questions:
                await store.lease_polls(
                    tx, [each.parcel for each in questions], wall + self._settings.polling.lease
                )  # fmt: skip
                await store.spend(tx, locked, len(questions), wall)
            return questions

    def _sorted_out(
        self, due: Sequence[DueParcel], shipments: dict[store.ShipmentKey, Shipment], now: datetime
    ) -> tuple[list[_Question], _Ended]:
        asked, ended = [], _Ended()
        for parcel in due:
            shipment = shipments.get((parcel.tenant, parcel.shipment_id))
            plan = self._plan(parcel, shipment, parcel.asked_at) if shipment else None
            if shipment is not None and (parcel.hinted or (plan and parcel.planned and _is_due(parcel, plan, now))):
                asked.append(_Question(parcel, shipment))
            elif plan is None:
                ended.dropped.append(parcel.number)
            else:
                ended.plans.append((parcel.number, plan, parcel.asked_at, 0, parcel.last_end))
        return asked, ended

    def _plan(
        self, parcel: DueParcel, shipment: Shipment, asked_at: datetime | None, news: Sequence[Scan] = ()
    ) -> Poll | None:
        label = shipment.label
        number = parcel.stands_for or parcel.tracking_number
        if label is None or shipment.voided or label.parcel_of(number) is None:
            return None
        scans = [s for s in shipment.scans.values() if isinstance(s, Scan) and s.tracking_number == number]
        newest = max([*scans, *news], key=lambda each: each.scanned_at, default=None)
        told = newest is not None and newest.source in _BY_ITSELF
        timeline = fold([*scans, *news], self._rules.meanings)
        return self._polling.plan(Followed(parcel.carrier, shipment.lane, timeline, label.labelled_at, told), asked_at)

    async def _store(
        self, context: ServiceContext, account: TrackingAccount, answers: Sequence[tuple[_Question, TrackOutcome]]
    ) -> None:
        latest = context.clock.now() + self._settings.future_tolerance
        ended = _Ended()

        async def store_round(tx: Transaction) -> Sequence[Event]:
            nonlocal ended
            ended = _Ended()
            for question, end in answers:
                self._judge(ended, question, end, latest, tx.now)
            events: list[Event] = []
            for tenant, judged in ended.judged.items():
                events += (await take(tx, judged, tenant, self._settings.unmatched.keep)).events
            await _settle(tx, ended)
            return events

        await context.writer.run(store_round)
        for end in ended.ends:
            POLLS.inc(CarrierEnd(self._carrier, end))
        if ended.pause is not None:
            await self._pause(context, account, *ended.pause)

    def _judge(
        self, ended: _Ended, question: _Question, end: TrackOutcome, latest: datetime, now: datetime
    ) -> None:  # fmt: skip
        parcel = question.parcel
        match end:
            case NotSent(code) if code in _NOT_ASKED:
                ended.released.append(parcel.number)
            case NotSent("rate_limited" as code, _, after_s):
                ended.released.append(parcel.number)
                ended.ends.append(code)
                ended.pause = code, max(after_s, 1.0)
            case Refused(code) if code == REJECTED:
                ended.released.append(parcel.number)
                ended.ends.append(code)
                ended.pause = code, _PAUSE.total_seconds()
            case Refused(code) | NotSent(code) | OutcomeUnknown(code):
                failures = parcel.failures + 1
                ended.plans.append(
                    (parcel.number, Poll(now, now + retry_after(failures)), parcel.asked_at, failures, code)
                )
                ended.ends.append(code)
            case NotFound():
                self._answered(ended, question, (), "unknown_number", now)
            case _:
                judged = judge([_report(parcel, told) for told in end], latest, "poll")
                news = [scan for scan in judged.scans if scan.scan_id not in question.shipment.scans]
                mine = ended.judged[parcel.tenant]
                mine.scans += news
                mine.ahead += judged.ahead
                told = "news" if news else judged.rejected[0].code if judged.rejected else "nothing_new"
                self._answered(ended, question, news, told, now)

    def _answered(self, ended: _Ended, question: _Question, news: Sequence[Scan], told: str, now: datetime) -> None:
        ended.ends.append(told)
        plan = self._plan(question.parcel, question.shipment, now, news)
        if plan is None:
            ended.dropped.append(question.parcel.number)
        else:
            ended.plans.append((question.parcel.number, plan, now, 0, told))

    async def _pause(self, context: ServiceContext, account: TrackingAccount, code: str, seconds: float) -> None:
        """Let no process ask at this account for a while."""
        log.warning("carrier not asked", action="polling_paused", carrier=self._carrier, code=code, seconds=seconds)
        until = context.clock.wall() + timedelta(seconds=seconds)
        async with context.database.transaction() as tx:
            await store.block_account(tx, account.key, account.version, until, code)


def _is_due(parcel: DueParcel, plan: Poll, now: datetime) -> bool:
    """A question that failed is due by its retry; any other by what is known of the parcel by now."""
    return parcel.failures > 0 or plan.due_at <= now


async def _settle(tx: Transaction, ended: _Ended) -> None:
    if ended.plans:
        await store.plan_polls(tx, ended.plans)
    if ended.dropped:
        await store.drop_polls(tx, ended.dropped)
    if ended.released:
        await store.release_polls(tx, ended.released)


def _report(parcel: DueParcel, told: ToldScan) -> dict[str, object]:
    """Write what a carrier told as its webhook would: a time without an offset is the clock on the spot."""
    moment = "scanned_at" if datetime.fromisoformat(told.at).tzinfo else "scanned_local"
    place = {"city": told.city, "region": told.region, "postcode": told.postcode, "country": told.country.upper()}
    return {
        "carrier": parcel.carrier, "tracking_number": parcel.tracking_number, "code": told.code,
        "text": " ".join(told.text.split())[:200], "place": place, moment: told.at,
    }  # fmt: skip
