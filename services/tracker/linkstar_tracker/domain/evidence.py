"""What a shipment's chain of evidence records: labels, voids and scans as they were told, and papers that were added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from typing import NamedTuple

from linkstar_contracts.events import ActionAnswered, ActionRequested, LabelCreated, LabelledParcel, LabelVoided
from linkstar_contracts.evidence_chain import canonical, link, origin
from linkstar_contracts.values import ChargeLine, Money, Promise, ServiceOptions
from linkstar_tracker.domain.scans import Scan, place_text

__all__ = ["SCAN", "Recorded", "Trail", "action_fact", "answer_fact", "label_fact", "scan_fact", "told_at", "void_fact"]

SCAN = "scan"
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
    fact_hash: bytes


@dataclass(slots=True)
class Trail:
    """Where a shipment's chain ends, and the papers kept since it was read. Without an entry there is no head."""

    count: int = 0
    head: bytes | None = None
    papers: tuple[Recorded, ...] = ()

    def add(self, tenant: str, shipment_id: str, kind: str, recorded_at: str, fact: bytes) -> bytes:
        """Record a fact, given as canonical JSON, at the chain's end, and return its entry's hash; its number is `count`."""
        return self._add(tenant, shipment_id, kind, recorded_at, sha256(fact).digest())

    def _add(self, tenant: str, shipment_id: str, kind: str, recorded_at: str, fact_hash: bytes) -> bytes:
        previous = self.head or bytes.fromhex(origin(tenant, shipment_id))
        self.count += 1
        self.head = link(previous, self.count, kind, recorded_at, fact_hash)
        return self.head

    def keep(self, tenant: str, shipment_id: str, kind: str, now: datetime, fact: bytes) -> None:
        """Record a fact that is stored in its entry and nowhere else."""
        fact_hash = sha256(fact).digest()
        head = self._add(tenant, shipment_id, kind, told_at(now), fact_hash)
        self.papers += (Recorded(self.count, kind, head, fact, fact_hash),)


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
    """Return what a label proves: parcels with weight, declared value and label hash, price, promise and options. These are
    the bytes `canonical` would give of those fields, in less than half the time.
    """
    lines = ",".join([_line(each) for each in event.lines])
    parcels = ",".join([_parcel(each) for each in event.parcels])
    return (
        f'{{"account":{_quoted(event.account)},"carrier":{_quoted(event.carrier)},"kind":"{event.kind}",'
        f'"lines":[{lines}],"manifest_id":{"null" if event.manifest_id is None else _quoted(event.manifest_id)},'
        f'"occurred_at":{_instant(event.occurred_at)},"options":{_options(event.options)},"parcels":[{parcels}],'
        f'"posting_id":{_quoted(event.posting_id)},"promise":{_promise(event.promise) if event.promise else "null"},'
        f'"purchase_guarantee":"{event.purchase_guarantee.value}","route_version":{event.route_version},'
        f'"service":{_quoted(event.service)},"test":{_BOOL[event.test]},"total":{_money(event.total)},'
        f'"version":{event.version},"zone":{_quoted(event.zone)}}}'
    ).encode()


_BOOL = ("false", "true")


def _money(money: Money) -> str:
    return f'{{"amount_minor":{money.amount_minor},"currency":"{money.currency}"}}'


def _line(line: ChargeLine) -> str:
    return (
        f'{{"amount":{_money(line.amount)},"code":{_quoted(line.code)},"detail":{_quoted(line.detail)},'
        f'"synthetic":{_BOOL[line.synthetic]}}}'
    )


def _parcel(parcel: LabelledParcel) -> str:
    weight = parcel.weight
    return (
        f'{{"declared_value":{_money(parcel.declared_value)},"label_sha256":"{parcel.label_sha256}",'
        f'"number":{parcel.number},"tracking_number":{_quoted(parcel.tracking_number)},'
        f'"weight":{{"unit":"{weight.unit}","value":"{weight.value:f}"}}}}'
    )


def _promise(promise: Promise) -> str:
    return (
        f'{{"p50_on":"{promise.p50_on}","p90_on":"{promise.p90_on}","sample_size":{promise.sample_size},'
        f'"source":{_quoted(promise.source)}}}'
    )


def _options(options: ServiceOptions) -> str:
    return (
        f'{{"appointment":{_BOOL[options.appointment]},"deliver_by":{_instant(options.deliver_by)},'
        f'"insurance":{_BOOL[options.insurance]},"level":"{options.level}","ship_by":{_instant(options.ship_by)},'
        f'"signature":{_BOOL[options.signature]}}}'
    )


def _instant(moment: datetime | None) -> str:
    """Return an instant as contracts write it."""
    return f'"{moment.isoformat()}"'.replace("+00:00", "Z") if moment else "null"


def void_fact(event: LabelVoided) -> bytes:
    """Return that a label was voided, and why."""
    return canonical(event.model_dump(mode="json", include=_OF_A_VOID))


def action_fact(event: ActionRequested) -> bytes:
    """Return that something was asked for, and by which rule; where a parcel shall go is told to nobody."""
    places = {"new_address": event.consignee is not None, "pickup_point": bool(event.pickup_point)}
    return canonical(event.model_dump(mode="json", include=_OF_AN_ACTION) | places)


def answer_fact(event: ActionAnswered) -> bytes:
    """Return how an action was answered, without words, in which people may be named."""
    return canonical(event.model_dump(mode="json", include=_OF_AN_ANSWER))
