"""Every SQL statement of labeler. Locks are taken in one order everywhere: shipments, wallets, blocks, ranges, each sorted.

Statements that lock stand apart from those that read beside the lock, so that nobody reads what was before the wait.
"""

from __future__ import annotations

from linkstar_labeler.store.exceptions import known_exceptions, save_exceptions
from linkstar_labeler.store.labels import StoredLabel, find_label, save_labels, save_releases
from linkstar_labeler.store.money import (
    Limits,
    Wallet,
    available_funds,
    ledger_page,
    limit_changes,
    open_wallets,
    post,
    post_once,
    set_limits,
    top_up,
    totals,
    wallets,
)
from linkstar_labeler.store.numbers import blocks, ranges, save_leases
from linkstar_labeler.store.rebates import add_agreement, agreements_in, volume_of
from linkstar_labeler.store.settlements import add_waiting, drop_waiting, posted_ids, waiting_postings
from linkstar_labeler.store.shipments import (
    held_counts,
    held_shipments,
    lock_shipments,
    note_acceptance,
    save_shipments,
    start_shipments,
    with_open_exceptions,
)

__all__ = [
    "Limits",
    "StoredLabel",
    "Wallet",
    "add_agreement",
    "add_waiting",
    "agreements_in",
    "available_funds",
    "blocks",
    "drop_waiting",
    "find_label",
    "held_counts",
    "held_shipments",
    "known_exceptions",
    "ledger_page",
    "limit_changes",
    "lock_shipments",
    "note_acceptance",
    "open_wallets",
    "post",
    "post_once",
    "posted_ids",
    "ranges",
    "save_exceptions",
    "save_labels",
    "save_leases",
    "save_releases",
    "save_shipments",
    "set_limits",
    "start_shipments",
    "top_up",
    "totals",
    "volume_of",
    "waiting_postings",
    "wallets",
    "with_open_exceptions",
]
