"""Every SQL statement of labeler. Locks are taken in one order everywhere: shipments, wallets, blocks, ranges, each sorted.

Statements that lock stand apart from those that read beside the lock, so that nobody reads what was before the wait.
"""

from __future__ import annotations

from linkstar_labeler.store.exceptions import known_exceptions, save_exceptions
from linkstar_labeler.store.labels import StoredLabel, find_label, save_labels, save_releases
from linkstar_labeler.store.money import available_funds, ledger_page, open_wallets, post, top_up, totals, wallets
from linkstar_labeler.store.numbers import blocks, ranges, save_leases
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
    "StoredLabel",
    "add_waiting",
    "available_funds",
    "blocks",
    "drop_waiting",
    "find_label",
    "held_counts",
    "held_shipments",
    "known_exceptions",
    "ledger_page",
    "lock_shipments",
    "note_acceptance",
    "open_wallets",
    "post",
    "posted_ids",
    "ranges",
    "save_exceptions",
    "save_labels",
    "save_leases",
    "save_releases",
    "save_shipments",
    "start_shipments",
    "top_up",
    "totals",
    "waiting_postings",
    "wallets",
    "with_open_exceptions",
]
