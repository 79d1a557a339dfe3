"""What the tracker does by time and in loops outside the batch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

from linkstar_contracts.event import Event
from linkstar_contracts.evidence_papers import ERASURE
from linkstar_runtime.handling import Transaction
from linkstar_runtime.service import ServiceContext, TimerHandler
from linkstar_tracker import store
from linkstar_tracker.domain.foresight import Foresight, foresee
from linkstar_tracker.domain.papers import erasure_fact
from linkstar_tracker.jobs.intake import CHANGES_KEPT
from linkstar_tracker.settings import SilenceSettings

__all__ = ["close_cases", "closing", "renewing", "reviewing", "tidy_unmatched"]

_AT_ONCE = 500
_BESIDE = timedelta(days=1)
_READING = timedelta(seconds=10)
"""Real time in which a timer that is due has run, in a process that gets through its work."""


async def tidy_unmatched(context: ServiceContext) -> None:
    """Pass on waiting scans whose number is known by now, and drop those whose time is over, as calls of carriers are.

    A scan, or a change of number, stored in the very moment in which its label is registered is seen by neither side; this
    finds it.
    """
    await context.writer.run(_pass_on)
    async with context.database.transaction() as tx:
        await store.follow_missed(tx, tx.now + CHANGES_KEPT - _BESIDE, _AT_ONCE)
        await store.expire_unmatched(tx, _AT_ONCE)
        await store.expire_webhooks(tx, _AT_ONCE)


def reviewing(every_s: float) -> Callable[[ServiceContext], Awaitable[None]]:
    """Return the worker that has open shipments looked at under their seller's new policy, a portion at a time.

    It begins when every process has read the policy, as each does every `every_s` seconds: a scan that was judged by the old
    one puts a look off again.
    """
    until_read = timedelta(seconds=every_s) + _READING

    async def review(context: ServiceContext) -> None:
        async with context.database.transaction() as tx:
            await store.review_next(tx, _AT_ONCE, tx.now - until_read * context.clock.speed)

    return review


async def _pass_on(tx: Transaction) -> Sequence[Event]:
    matched = await store.take_matched(tx, _AT_ONCE)
    return [owner.event(scan) for scan, owner in matched]


def renewing(foresight: Foresight, settings: SilenceSettings) -> TimerHandler:
    """Return the timer that keeps a process's foresight up to date with what all of them have counted."""

    async def renew(shards: Sequence[int], tx: Transaction) -> Sequence[Event]:
        since = await store.first_week(tx)
        if since is not None and (tx.now.date() - since).days >= settings.least_days:
            counts = await store.learned_silences(tx)
            patience, trust, most = settings.patience, settings.trust, settings.alerts_per_1000
            foresight.renew(await asyncio.to_thread(foresee, counts, patience, trust, most))
        await store.drop_silences(tx, shards)
        await store.drop_outcomes(tx, shards)
        return ()

    return renew


async def close_cases(
    tx: Transaction, keys: Collection[store.CaseKey], by: str, kept_until: datetime | None = None
) -> list[int]:  # fmt: skip
    """Close cases, only those past a time if one is given: keys and papers are destroyed, and the chains say so. Return the
    cases' numbers.
    """
    shipments = await store.lock_trails(tx, keys)
    closed = await store.close_cases(tx, shipments, by, kept_until)
    erased = await store.forget_papers(tx, closed) if closed else {}
    for key, entries in erased.items():
        shipments[key].trail.keep(*key, ERASURE, tx.now, erasure_fact(closed[key], entries, by))
    if erased:
        await store.keep_papers(tx, [shipments[key] for key in erased])
        await store.save_trails(tx, [shipments[key] for key in erased])
    return list(closed.values())


def closing(at_once: int) -> TimerHandler:
    """Return the timer that closes cases whose time is over, a portion at a time."""

    async def close(shards: Sequence[int], tx: Transaction) -> Sequence[Event]:
        if due := await store.due_cases(tx, shards, at_once):
            await close_cases(tx, due, "claim_window", tx.now)
        return ()

    return close
