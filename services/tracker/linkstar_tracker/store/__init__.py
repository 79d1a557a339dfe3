"""Every SQL statement of the tracker. Rows are read and written a batch at a time, keys always in sorted order."""

from __future__ import annotations

from linkstar_tracker.store.codes import count_unmapped, unmapped_codes
from linkstar_tracker.store.numbers import (
    NumberOwner,
    UnmatchedScan,
    claim_numbers,
    expire_unmatched,
    keep_unmatched,
    owners_of,
    shipments_of_number,
    take_matched,
    take_unmatched,
    unmatched_scans,
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

__all__ = [
    "NumberOwner", "ShipmentKey", "State", "UnmatchedScan", "add_scans", "claim_numbers", "count_silences",
    "count_unmapped", "drop_silences", "due_shipments", "expire_unmatched", "first_week", "keep_unmatched",
    "learned_silences", "lock_shipments", "make_shipments", "open_shipments",
    "owners_of", "read_shipment", "save_shipments", "shipments_of_number", "take_matched", "take_unmatched",
    "unmapped_codes", "unmatched_scans",
]  # fmt: skip
