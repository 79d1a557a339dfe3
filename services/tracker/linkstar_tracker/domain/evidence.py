"""What a shipment's chain of evidence records: labels, voids and scans as they were told, and papers that were added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from typing import Any, NamedTuple

from linkstar_contracts.events import ActionAnswered, ActionRequested, LabelCreated, LabelVoided
from linkstar_contracts.evidence_chain import canonical, link, origin
from linkstar_tracker.domain.scans import Scan, place_text

__all__ = ["SCAN", "Recorded", "Trail", "action_fact", "answer_fact", "label_fact", "scan_fact", "told_at", "void_fact"]

SCAN = "scan"
_OF_A_LABEL = {
    "version", "occurred_at", "kind", "route_version", "carrier", "service", "account", "parcels", "total", "lines",
    "posting_id", "purchase_guarantee", "manifest_id", "zone", "promise", "options", "test",
}  # fmt: skip
_OF_A_VOID = {"version", "occurred_at", "route_version", "carrier", "service", "reason", "refund", "tracking_numbers"}
_OF_AN_ACTION = {
    "version", "occurred_at", "action_id", "kind", "carrier", "parcel", "tracking_number", "reason", "exception_id",
    "rule", "rules_version", "test",
}  # fmt: skip
_OF_AN_ANSWER = {"version", "occurred_at", "action_id", "kind", "state", "code", "confirmation"}


class Recorded(NamedTuple):
    """An entry just made, with its fact as canonical JSON."""

    number: int
    kind: str
    hash: bytes
    fact: bytes


@dataclass(slots=True)
class Trail:
    """Where a shipment's chain ends, and the papers kept since it was read. Without an entry there is no head."""

    count: int = 0
    head: bytes | None = None
    papers: tuple[Recorded, ...] = ()

    def add(self, tenant: str, shipment_id: str, kind: str, recorded_at: str, fact: bytes) -> bytes:
        """Record a fact, given as canonical JSON, at the chain's end, and return its entry's hash; its number is `count`."""
        previous = self.head or bytes.fromhex(origin(tenant, shipment_id))
        self.count += 1
        self.head = link(previous, self.count, kind, recorded_at, sha256(fact).digest())
        return self.head

    def keep(self, tenant: str, shipment_id: str, kind: str, now: datetime, fact: bytes) -> None:
        """Record a fact that is stored in its entry and nowhere else."""
        head = self.add(tenant, shipment_id, kind, told_at(now), fact)
        self.papers += (Recorded(self.count, kind, head, fact),)


def told_at(moment: datetime) -> str:
    """Return an instant as entries tell it: UTC, with microseconds."""
    return moment.astimezone(UTC).isoformat("T", "microseconds")


def scan_fact(scan: Scan) -> bytes:
    """Return a scan as it is kept: the bytes `canonical` would give, ten times sooner."""
    _, carrier, number, code, at, text, place, local, zone, source, retracts = scan
    return (
        f'{{"carrier":{_quoted(carrier)},"code":{_quoted(code)},"place":{place_text(place)},'
        f'"retracts":{_quoted(retracts) if retracts else "null"},"scan_id":"{scan.scan_id}",'
        f'"scanned_at":"{told_at(at)}","scanned_local":{_quoted(local)},"source":"{source}","text":{_quoted(text)},'
        f'"timezone":{_quoted(zone)},"tracking_number":{_quoted(number)}}}'
    ).encode()


def label_fact(event: LabelCreated) -> bytes:
    """Return what a label proves: parcels with weight, declared value and label hash, price, promise and options."""
    return canonical(_dumped(event, _OF_A_LABEL))


def void_fact(event: LabelVoided) -> bytes:
    """Return that a label was voided, and why."""
    return canonical(_dumped(event, _OF_A_VOID))


def action_fact(event: ActionRequested) -> bytes:
    """Return that something was asked for, and by which rule; where a parcel shall go is told to nobody."""
    places = {"new_address": event.consignee is not None, "pickup_point": bool(event.pickup_point)}
    return canonical(event.model_dump(mode="json", include=_OF_AN_ACTION) | places)


def answer_fact(event: ActionAnswered) -> bytes:
    """Return how an action was answered, without words, in which people may be named."""
    return canonical(event.model_dump(mode="json", include=_OF_AN_ANSWER))


def _dumped(event: LabelCreated | LabelVoided, fields: set[str]) -> dict[str, Any]:
    return event.model_dump(mode="json", include=fields)
