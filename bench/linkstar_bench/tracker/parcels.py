"""Parcels under way: their labels, and their scans in waves, as records for Kafka.

In every wave each parcel is scanned once, in random order: no batch of the tracker finds two scans of one parcel to share a
reading and a writing among, as it would of parcels whose scans come in bursts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from linkstar_bench.orders import TENANTS
from linkstar_bench.wire import WireRecord
from linkstar_contracts.event import Event
from linkstar_contracts.events import CarrierScan, LabelCreated, LabelledParcel, Place, PurchaseGuarantee
from linkstar_contracts.topics import PARTITIONS
from linkstar_contracts.values import ChargeLine, Destination, Money, Promise, Warehouse, Weight
from linkstar_runtime.shards import shard_of
from linkstar_sandbox.carriers.codes import SCAN_TEXT, Meaning, scan_code
from linkstar_tracker.domain.scans import scan_id

__all__ = ["JOURNEY", "Parcel", "label_records", "parcels", "scan_records"]

JOURNEY = (Meaning.ACCEPTED, Meaning.HUB, Meaning.DEPOT, Meaning.OUT_FOR_DELIVERY, Meaning.DEPOT)
"""What parcels are scanned for, wave by wave; none arrives, so that all are live to the end."""
_BETWEEN = timedelta(hours=8)


class _Carrier(NamedTuple):
    service: str
    number: str
    warehouse: Warehouse
    zone: str
    places: Sequence[Place]


def _place(city: str, region: str, postcode: str, country: str) -> Place:
    return Place(city=city, region=region, postcode=postcode, country=country)


_NJ = Warehouse(code="US-NJ", country="US", postcode="08817", timezone="America/New_York")
_HAJ = Warehouse(code="DE-HAJ", country="DE", postcode="30855", timezone="Europe/Berlin")
_BHX = Warehouse(code="UK-BHX", country="GB", postcode="B46 1DF", timezone="Europe/London")
_IN_US = (
    _place("Jersey City", "NJ", "07097", "US"), _place("Chicago", "IL", "60607", "US"),
    _place("Dallas", "TX", "75260", "US"), _place("Atlanta", "GA", "30304", "US"),
)  # fmt: skip
_IN_DE = (
    _place("Hannover", "NI", "30855", "DE"),
    _place("Köln", "NW", "50997", "DE"),
    _place("Leipzig", "SN", "04435", "DE"),
)
_IN_GB = (_place("Rugby", "", "CV23 8BG", "GB"), _place("Leeds", "", "LS9 0PX", "GB"))
_CARRIERS = {
    "usps": _Carrier("ground_advantage", "94001{:017}", _NJ, "5", _IN_US),
    "ups": _Carrier("ground_saver", "1ZA4{:014}", _NJ, "4", _IN_US),
    "dpd-de": _Carrier("classic", "01{:012}", _HAJ, "", _IN_DE),
    "evri": _Carrier("standard", "H{:015}", _BHX, "", _IN_GB),
}


class Parcel(NamedTuple):
    """One parcel of one order."""

    tenant: str
    order_id: str
    carrier: str
    tracking_number: str

    @property
    def key(self) -> str:
        return f"{self.tenant}/{self.order_id}"


def parcels(count: int, seed: int, name: str) -> list[Parcel]:
    """Return `count` parcels; the same arguments give the same ones."""
    rng, carriers = Random(f"{seed}|{name}"), list(_CARRIERS)
    first = rng.randrange(10**9)
    return [_parcel(rng.choice(carriers), first + number, f"{name}-{number:07}") for number in range(count)]


def _parcel(carrier: str, number: int, order_id: str) -> Parcel:
    return Parcel(TENANTS[number % len(TENANTS)], order_id, carrier, _CARRIERS[carrier].number.format(number))


def label_records(chosen: Sequence[Parcel], now: datetime) -> Iterator[WireRecord]:
    """Yield the labels of these parcels, made two days ago."""
    return (_record(_label(parcel, now - timedelta(days=2)), "/linkstar/labeler") for parcel in chosen)


def scan_records(chosen: Sequence[Parcel], wave: int, seed: int, now: datetime) -> Iterator[WireRecord]:
    """Yield the scan that each parcel has in this wave of its journey, in random order."""
    rng, shuffled, meaning = Random(f"{seed}|{wave}"), list(chosen), JOURNEY[wave]
    rng.shuffle(shuffled)
    begins = now - _BETWEEN * (len(JOURNEY) - wave)
    for parcel in shuffled:
        at = begins + timedelta(seconds=rng.randrange(int(_BETWEEN.total_seconds()) - 60))
        yield _record(_scan(parcel, meaning, at, rng.choice(_CARRIERS[parcel.carrier].places)), "/bench/carrier")


def _record(event: Event, source: str) -> WireRecord:
    return shard_of(event.key, PARTITIONS), event.key.encode(), event.body(), event.headers(source)


def _label(parcel: Parcel, at: datetime) -> LabelCreated:
    carrier, price = _CARRIERS[parcel.carrier], Money(amount_minor=640, currency="USD")
    destination = carrier.places[-1]
    return LabelCreated(
        tenant=parcel.tenant, order_id=parcel.order_id, shipment_id=parcel.order_id, version=1, occurred_at=at,
        route_version=1, carrier=parcel.carrier, service=carrier.service, account="platform", total=price,
        parcels=(LabelledParcel(
            number=1, tracking_number=parcel.tracking_number, weight=Weight(value=Decimal(700), unit="g"),
            declared_value=price, label_sha256="0" * 64,
        ),), lines=(ChargeLine(code="base", amount=price),), posting_id=f"label|{parcel.order_id}|1",
        purchase_guarantee=PurchaseGuarantee.OFFLINE, warehouse=carrier.warehouse, zone=carrier.zone,
        destination=Destination(country=destination.country, postcode=destination.postcode),
        promise=Promise(p50_on=_day(at, 4), p90_on=_day(at, 6), sample_size=500, source="learned"),
    )  # fmt: skip


def _day(at: datetime, days: int) -> str:
    return (at + timedelta(days=days)).date().isoformat()


def _scan(parcel: Parcel, meaning: Meaning, at: datetime, place: Place) -> CarrierScan:
    code = scan_code(parcel.carrier, meaning)
    return CarrierScan(
        tenant=parcel.tenant, order_id=parcel.order_id, shipment_id=parcel.order_id, occurred_at=at,
        scan_id=scan_id(parcel.carrier, parcel.tracking_number, code, at, place), carrier=parcel.carrier,
        tracking_number=parcel.tracking_number, code=code, text=SCAN_TEXT[meaning], place=place,
        scanned_local=at.isoformat(), timezone=_CARRIERS[parcel.carrier].warehouse.timezone, source="kafka",
    )  # fmt: skip
