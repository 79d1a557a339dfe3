"""Postings that were asked for from outside: made once, or kept until the wallet covers them."""

from __future__ import annotations

from collections.abc import Iterable

from linkstar_labeler import store
from linkstar_labeler.domain.ledger import Entry, admit
from linkstar_runtime.handling import Transaction

__all__ = ["post_or_wait"]


async def post_or_wait(tx: Transaction, asked: Iterable[tuple[int, Entry]]) -> None:
    """Post each entry once; those not covered wait with their shard. The wallets' locks keep others out meanwhile."""
    unique = {(entry.tenant, entry.posting_id): (shard, entry) for shard, entry in asked}
    if not unique:
        return
    accounts = [entry.wallet for _, entry in unique.values()]
    await store.open_wallets(tx, accounts)
    funds = await store.available_funds(tx, accounts)
    seen = await store.posted_ids(tx, [entry for _, entry in unique.values()])
    fresh = [named for key, named in unique.items() if key not in seen]
    covered = admit([(entry.wallet, -entry.wallet_change) for _, entry in fresh], funds)
    await store.post(tx, [entry for (_, entry), fits in zip(fresh, covered, strict=True) if fits])
    waiting = [named for named, fits in zip(fresh, covered, strict=True) if not fits]
    if waiting:
        await store.add_waiting(tx, waiting)
