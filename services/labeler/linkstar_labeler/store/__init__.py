"""Every SQL statement of labeler. Locks are taken in one order everywhere: shipments, wallets, blocks, ranges, each sorted.

Statements that lock stand apart from those that read beside the lock, so that nobody reads what was before the wait.
"""

from __future__ import annotations

from linkstar_labeler.store.accounts import (
    PLATFORM,
    AccountKey,
    StoredAccount,
    bind_account,
    bound_accounts,
    read_account,
    tenant_accounts,
)
from linkstar_labeler.store.exceptions import known_exceptions, save_exceptions
from linkstar_labeler.store.labels import DatedLabel, StoredLabel, find_labels, save_labels, save_releases
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
from linkstar_labeler.store.orphans import OrphanLabel, due_orphans, end_orphan, found_orphan
from linkstar_labeler.store.prints import PrintCount, note_prints, prints_of
from linkstar_labeler.store.purchases import (
    TakenPurchase,
    activate_label,
    due_purchases,
    label_documents,
    lock_purchase,
    lock_purchases,
    note_attempt,
    note_suspected,
    purchased_route,
    save_documents,
    save_purchase,
    start_purchases,
    withdraw_label,
)
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
    "PLATFORM",
    "AccountKey",
    "DatedLabel",
    "Limits",
    "OrphanLabel",
    "PrintCount",
    "StoredAccount",
    "StoredLabel",
    "TakenPurchase",
    "Wallet",
    "activate_label",
    "add_agreement",
    "add_waiting",
    "agreements_in",
    "available_funds",
    "bind_account",
    "blocks",
    "bound_accounts",
    "drop_waiting",
    "due_orphans",
    "due_purchases",
    "end_orphan",
    "find_labels",
    "found_orphan",
    "held_counts",
    "held_shipments",
    "known_exceptions",
    "label_documents",
    "ledger_page",
    "limit_changes",
    "lock_purchase",
    "lock_purchases",
    "lock_shipments",
    "note_acceptance",
    "note_attempt",
    "note_prints",
    "note_suspected",
    "open_wallets",
    "post",
    "post_once",
    "posted_ids",
    "prints_of",
    "purchased_route",
    "ranges",
    "read_account",
    "save_documents",
    "save_exceptions",
    "save_labels",
    "save_leases",
    "save_purchase",
    "save_releases",
    "save_shipments",
    "set_limits",
    "start_purchases",
    "start_shipments",
    "tenant_accounts",
    "top_up",
    "totals",
    "volume_of",
    "waiting_postings",
    "wallets",
    "with_open_exceptions",
    "withdraw_label",
]
