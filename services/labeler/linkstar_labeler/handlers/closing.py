"""Closes a day: the labels of a warehouse and carrier that wait go on manifests, each on one. LinkStar's own are closed at
once; a carrier's is asked for after this transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from linkstar_labeler.domain.hand_overs import HandOver, collections_of, zone_of
from linkstar_labeler.domain.leases import Lease
from linkstar_labeler.domain.manifests import MOST_LABELS, DayManifest, MadeBy, ManifestKey, ManifestState
from linkstar_labeler.handlers.connectors import Connectors
from linkstar_labeler.store import AccountKey
from linkstar_labeler.store.hand_overs import hand_over_plan
from linkstar_labeler.store.manifests import add_manifest
from linkstar_labeler.store.unmanifested import WaitingLabel, draw_numbers, lock_series, unmanifested
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Transaction

__all__ = ["CloseOrder", "Closed", "Closer", "DayTooFar", "LeftWaiting", "paper_number"]

_DAYS_AWAY = timedelta(days=7)


class DayTooFar(ValueError):
    """The day is none on which parcels of now are handed over."""


class CloseOrder(NamedTuple):
    """Which day is to be closed, and by whom; without a day that of now. `late` takes labels made after the cut-off too."""

    tenant: str
    warehouse: str
    carrier: str
    day: date | None
    late: bool
    key_id: str


class LeftWaiting(NamedTuple):
    """Labels that are on no manifest yet, and why."""

    code: str
    account: str | None
    labels: int


class Closed(NamedTuple):
    """What a close led to."""

    manifests: list[ManifestKey]
    waiting: list[LeftWaiting]


class Closer:
    """Closes days. Locks go the tenant's series of manifests, then shipments by key."""

    def __init__(self, connectors: Connectors, clock: Clock) -> None:
        self._connectors, self._clock = connectors, clock

    async def close(self, tx: Transaction, order: CloseOrder) -> Closed:
        """Put every label that waits on a manifest, one for each account, and none where nothing waits."""
        issued = await lock_series(tx, order.tenant, "manifest")
        found = await unmanifested(tx, order.tenant, order.warehouse, order.carrier)
        done = Closed([], [])
        if not found:
            return done
        hand_over = await _hand_over(tx, order, found[-1].timezone)
        day = _day(order, hand_over, tx.now)
        until = tx.now if order.late else min(hand_over.cut_off_on(day), tx.now)
        if late := sum(waiting.made_at > until for waiting in found):
            done.waiting.append(LeftWaiting("after_cut_off", None, late))
        for account, waiting in _by_account(each for each in found if each.made_at <= until):
            made_by = await self._made_by(tx, account)
            if made_by is None:
                done.waiting.append(LeftWaiting("account_unusable", account and account.account, len(waiting)))
                continue
            for start in range(0, len(waiting), MOST_LABELS):
                issued += 1
                key = ManifestKey(order.tenant, paper_number("M", issued))
                manifest = self._manifest(key, order, waiting[0].country, day, made_by)
                labels = [each.label for each in waiting[start : start + MOST_LABELS]]
                await add_manifest(tx, manifest, account, hand_over.zone.key, order.key_id, labels)
                done.manifests.append(key)
        await draw_numbers(tx, order.tenant, "manifest", issued)
        return done

    def _manifest(self, key: ManifestKey, order: CloseOrder, country: str, day: date, made_by: MadeBy) -> DayManifest:
        asks = made_by is MadeBy.CARRIER
        state, lease = (
            (ManifestState.CLOSING, Lease(self._clock.wall())) if asks else (ManifestState.CLOSED, Lease(None))
        )
        return DayManifest(key, order.warehouse, country, order.carrier, day, made_by, state, lease)

    async def _made_by(self, tx: Transaction, account: AccountKey | None) -> MadeBy | None:
        """Return who makes the manifest of an account's labels; None while the account cannot be used."""
        if account is None:
            return MadeBy.LINKSTAR
        bound = await self._connectors.of(tx, account)
        if not bound.usable:
            return None
        return MadeBy.CARRIER if bound.connector.capabilities.manifests else MadeBy.LINKSTAR


def paper_number(letter: str, issued: int) -> str:
    """Return a number as paper bears it, in the order it was given: `M0000042`."""
    return f"{letter}{issued:07d}"


async def _hand_over(tx: Transaction, order: CloseOrder, timezone: str) -> HandOver:
    """Return the seller's own plan, else the carrier's usual days where the labels are made."""
    plan = await hand_over_plan(tx, order.tenant, order.warehouse, order.carrier)
    if plan:
        return plan.hand_over
    usual = collections_of(order.carrier)
    return HandOver(usual, zone_of(timezone), usual.cut_off)


def _day(order: CloseOrder, hand_over: HandOver, now: datetime) -> date:
    """Return the day that is closed: a week at most before the last collection or after the next one."""
    last, meant = hand_over.local_day(hand_over.last_cut_off(now)), hand_over.closing_day(now)
    day = order.day or meant
    if not last - _DAYS_AWAY <= day <= meant + _DAYS_AWAY:
        raise DayTooFar(f"Parcels of now leave between {last - _DAYS_AWAY} and {meant + _DAYS_AWAY}")
    return day


def _by_account(found: Iterable[WaitingLabel]) -> list[tuple[AccountKey | None, Sequence[WaitingLabel]]]:
    """Group by account, those of number ranges first, each in the order they were made."""
    ordered = sorted(found, key=lambda waiting: waiting.account or ())
    return [(account, list(group)) for account, group in groupby(ordered, key=lambda waiting: waiting.account)]
