"""Entries of the chains of evidence that stand in no scan's row, and chains as a whole."""

# ruff: noqa: S608 - the only parts put together are constant column lists

from __future__ import annotations

from collections.abc import Iterable

from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.evidence import SCAN, scan_fact
from linkstar_tracker.domain.evidence_case import KeptChain, KeptEntry
from linkstar_tracker.domain.shipment import Shipment
from linkstar_tracker.store.rows import SCAN_COLUMNS, scan_of

__all__ = ["keep_papers", "read_evidence"]


async def keep_papers(tx: Transaction, shipments: Iterable[Shipment]) -> None:
    """Store what the trails of locked shipments keep, and scans do not."""
    flat = [
        (s.tenant, s.shipment_id, p.number, p.kind, p.hash, p.fact_hash, p.fact.decode(), tx.now)
        for s in shipments
        for p in s.trail.papers
    ]
    if flat:
        named = "tenant, shipment_id, entry, kind, entry_hash, fact_sha256, fact, recorded_at"
        await tx.copy("evidence", named, sorted(flat))


async def read_evidence(tx: Transaction, tenant: str, shipment_id: str) -> KeptChain | None:
    """Return a shipment's chain as it is stored, in the order of its entries; nothing is believed or left out."""
    known = await tx.fetchrow(
        "SELECT order_id, head, entries FROM tracker WHERE tenant = $1 AND shipment_id = $2", tenant, shipment_id
    )
    if known is None:
        return None
    papers = await tx.fetch(
        "SELECT entry, kind, entry_hash, recorded_at, fact_sha256, fact FROM evidence "
        "WHERE tenant = $1 AND shipment_id = $2 AND entry <= $3",
        tenant, shipment_id, known["entries"],
    )  # fmt: skip
    scans = await tx.fetch(
        f"SELECT {SCAN_COLUMNS}, entry, entry_hash, received_at FROM scan "
        "WHERE tenant = $1 AND shipment_id = $2 AND COALESCE(entry, 0) <= $3 ORDER BY scanned_at, scan_id",
        tenant, shipment_id, known["entries"],
    )  # fmt: skip
    entries = [
        KeptEntry(row["entry"], row["kind"], row["entry_hash"].hex(), row["recorded_at"], row["fact_sha256"].hex(),
                    row["fact"].encode() if row["fact"] else None)
        for row in papers
    ] + [
        KeptEntry(row["entry"] or 0, SCAN, (row["entry_hash"] or b"").hex(), row["received_at"], None,
                    scan_fact(scan_of(row)))
        for row in scans
    ]  # fmt: skip
    head = known["head"].hex() if known["head"] else ""
    return KeptChain(known["order_id"], head, known["entries"], sorted(entries, key=lambda each: each.number))
