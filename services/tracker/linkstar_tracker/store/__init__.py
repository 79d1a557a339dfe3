"""Every SQL statement of the tracker. Rows are read and written a batch at a time, keys always in sorted order."""

from __future__ import annotations

from linkstar_tracker.store.cases import (
    CaseKey,
    SealedPaper,
    add_paper,
    case_of,
    close_cases,
    due_cases,
    forget_papers,
    keep_signing_key,
    known_paper,
    lock_trails,
    open_cases,
    papers_of,
    read_cases,
    save_trails,
    signing_keys,
    store_case_key,
)
from linkstar_tracker.store.changes import Changes, save_alarms, save_shipments
from linkstar_tracker.store.codes import unmapped_codes
from linkstar_tracker.store.evidence import keep_papers, read_evidence
from linkstar_tracker.store.incidents import (
    StoredCourse,
    incidents_at,
    incidents_of,
    incidents_state,
    lane_courses,
    recent_incidents,
    save_courses,
    save_incidents,
    standing_parcels,
)
from linkstar_tracker.store.number_changes import follow_changes, follow_missed, keep_changes
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
from linkstar_tracker.store.polling import (
    DueParcel,
    drop_polls,
    due_parcels,
    enrol_next,
    enrol_numbers,
    heed_hints,
    lease_polls,
    plan_polls,
    release_polls,
)
from linkstar_tracker.store.quality import count_outcomes, drop_outcomes, lane_ages, lane_counts, lane_gaps
from linkstar_tracker.store.rows import State
from linkstar_tracker.store.scan_files import (
    RowFault,
    ScanFile,
    add_scan_file,
    advance_scan_file,
    expire_scan_files,
    lease_scan_file,
    read_scan_faults,
    scan_file,
)
from linkstar_tracker.store.shipments import (
    ShipmentKey,
    due_shipments,
    lock_shipments,
    make_shipments,
    open_shipments,
    read_shipment,
    read_shipments,
)
from linkstar_tracker.store.silences import count_silences, drop_silences, first_week, learned_silences
from linkstar_tracker.store.tallies import count_alerts, count_parcels, watched_since
from linkstar_tracker.store.tracking_accounts import (
    TrackingAccount,
    TrackingAccountKey,
    accounts_of_carrier,
    bind_tracking,
    block_account,
    lock_account,
    spend,
    tracking_accounts,
    unbind_tracking,
)
from linkstar_tracker.store.webhooks import (
    Delivery,
    Endpoint,
    add_endpoint,
    delivery_insertion,
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
    "CaseKey", "Changes", "Delivery", "DueParcel", "Endpoint", "NumberOwner", "RowFault", "ScanFile", "SealedPaper",
    "ShipmentKey", "State", "StoredCourse", "StoredPolicy", "TrackingAccount", "TrackingAccountKey", "UnmatchedScan",
    "accounts_of_carrier", "add_endpoint", "add_paper", "add_scan_file", "advance_scan_file", "all_policies",
    "bind_tracking", "block_account", "case_of", "claim_numbers", "close_cases", "count_alerts", "count_outcomes",
    "count_parcels", "count_silences", "delivery_insertion", "drop_endpoint", "drop_outcomes", "drop_polls",
    "drop_silences", "due_cases", "due_parcels", "due_shipments", "endpoints_of", "enrol_next", "enrol_numbers",
    "expire_scan_files", "expire_unmatched", "expire_webhooks", "first_week", "follow_changes", "follow_missed",
    "forget_papers", "heed_hints", "incidents_at", "incidents_of", "incidents_state", "keep_changes", "keep_delivery",
    "keep_hints", "keep_papers", "keep_signing_key", "keep_unmatched", "known_paper", "lane_ages", "lane_counts",
    "lane_courses", "lane_gaps", "learned_silences", "lease_polls", "lease_scan_file", "lock_account", "lock_shipments",
    "lock_trails", "make_shipments", "open_cases", "open_shipments", "owners_of", "papers_of", "plan_polls",
    "policy_of", "policy_state", "poll_hints", "put_policy", "quarantine_scans", "quarantined_scans", "read_body",
    "read_cases", "read_deliveries", "read_endpoint", "read_evidence", "read_scan_faults", "read_shipment",
    "read_shipments", "recent_incidents", "release_polls", "review_next", "rotate_secret", "save_alarms",
    "save_courses", "save_incidents", "save_shipments", "save_trails", "scan_file", "shipments_of_number",
    "signing_keys", "spend", "standing_parcels", "store_case_key", "take_matched", "take_unmatched",
    "tracking_accounts", "unbind_tracking", "unmapped_codes", "unmatched_scans", "watched_since",
]  # fmt: skip
