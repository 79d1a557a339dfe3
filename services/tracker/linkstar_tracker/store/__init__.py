"""Every SQL statement of the tracker. Rows are read and written a batch at a time, keys always in sorted order."""

from __future__ import annotations

from linkstar_tracker.store.codes import count_unmapped, unmapped_codes
from linkstar_tracker.store.evidence import keep_papers, read_evidence
from linkstar_tracker.store.numbers import (
    NumberOwner,
    UnmatchedScan,
    claim_numbers,
    expire_unmatched,
    keep_unmatched,
    owners_of,
    quarantine_scans,
    quarantined_scans,
    shipments_of_number,
    take_matched,
    take_unmatched,
    unmatched_scans,
)
from linkstar_tracker.store.policies import (
    StoredPolicy,
    all_policies,
    policy_of,
    policy_state,
    put_policy,
    review_next,
)
from linkstar_tracker.store.rows import State
from linkstar_tracker.store.shipments import (
    ShipmentKey,
    add_scans,
    due_shipments,
    lock_shipments,
    make_shipments,
    open_shipments,
    read_shipment,
    save_shipments,
)
from linkstar_tracker.store.silences import count_silences, drop_silences, first_week, learned_silences
from linkstar_tracker.store.webhooks import (
    Delivery,
    Endpoint,
    add_endpoint,
    drop_endpoint,
    endpoints_of,
    expire_webhooks,
    keep_delivery,
    keep_hints,
    poll_hints,
    read_body,
    read_deliveries,
    read_endpoint,
    rotate_secret,
)

__all__ = [
    "Delivery", "Endpoint", "NumberOwner", "ShipmentKey", "State", "StoredPolicy", "UnmatchedScan", "add_endpoint",
    "add_scans", "all_policies", "claim_numbers", "count_silences", "count_unmapped", "drop_endpoint",
    "drop_silences", "due_shipments", "endpoints_of", "expire_unmatched", "expire_webhooks", "first_week",
    "keep_delivery", "keep_hints", "keep_papers", "keep_unmatched", "learned_silences", "lock_shipments",
    "make_shipments",
    "open_shipments", "owners_of", "policy_of", "policy_state", "poll_hints", "put_policy", "quarantine_scans",
    "quarantined_scans", "read_body", "read_deliveries", "read_endpoint", "read_evidence", "read_shipment", "review_next",
    "rotate_secret", "save_shipments", "shipments_of_number", "take_matched", "take_unmatched", "unmapped_codes",
    "unmatched_scans",
]  # fmt: skip
