"""Shipments of every carrier as warehouses send them: home and abroad, back to the warehouse, in several parcels, to people
whose names are written in all kinds of letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Literal, NamedTuple

from linkstar_contracts.events import CostedRoute, RouteChosen
from linkstar_contracts.values import (
    ChargeLine,
    Consignee,
    Destination,
    Dimensions,
    Money,
    Parcel,
    SealedConsignee,
    Warehouse,
    Weight,
)
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.printing import make_labels
from linkstar_labeler.domain.label_layout import Label
from linkstar_labeler.domain.tracking_numbers import FORMATS

__all__ = ["HOME", "PrintedShipment", "ship"]

HOME = {
    "usps": "US", "ups": "US", "fedex": "US", "canpar": "CA", "canada-post": "CA", "royal-mail": "GB", "parcelforce": "GB",
    "evri": "GB", "dpd-uk": "GB", "dhl-de": "DE", "hermes-de": "DE", "dpd-de": "DE", "colissimo": "FR",
    "mondial-relay": "FR", "chronopost": "FR",
}  # fmt: skip
"""The country each carrier delivers in."""
MADE_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)

_PLACES = {
    "US": (
        ("350 Fifth Avenue", "New York", "NY", "10118-0110"), ("1 Ferry Building", "San Francisco", "CA", "94111"),
        ("600 E Grand Avenue", "Chicago", "IL", "60611-3419"), ("100 Aloha Tower Drive", "Honolulu", "HI", "96813"),
    ),
    "CA": (
        ("290 Bremner Boulevard", "Toronto", "ON", "M5V 3L9"), ("1055 Canada Place", "Vancouver", "BC", "V6C 0C3"),
        ("1085 Côte du Beaver Hall", "Montréal", "QC", "H3B 2Y5"),
    ),
    "GB": (
        ("10 Downing Street", "London", "", "SW1A 2AA"), ("1 Piccadilly", "Manchester", "", "M1 1AE"),
        ("2 Royal Mile", "Edinburgh", "", "EH1 1YZ"), ("8 Station Road", "Birmingham", "", "B33 8TH"),
    ),
    "DE": (
        ("Invalidenstraße 116", "Berlin", "", "10115"), ("Marienplatz 8", "München", "", "80331"),
        ("Rathausmarkt 1", "Hamburg", "", "20095"),
    ),
    "FR": (
        ("1 rue de Rivoli", "Paris", "", "75001"), ("5 place Bellecour", "Lyon", "", "69002"),
        ("2 La Canebière", "Marseille", "", "13001"),
    ),
    "IE": (("1 College Green", "Dublin", "", "D02 X285"),),
    "AT": (("Stephansplatz 3", "Wien", "", "1010"),),
    "BE": (("Grand-Place 1", "Bruxelles", "", "1000"),),
}  # fmt: skip
_ABROAD = {"US": "CA", "CA": "US", "GB": "IE", "DE": "AT", "FR": "BE"}
_WAREHOUSES = {
    "US": Warehouse(code="US-NJ", country="US", postcode="08817", timezone="America/New_York"),
    "CA": Warehouse(code="CA-TOR", country="CA", postcode="L5T 1A1", timezone="America/Toronto"),
    "GB": Warehouse(code="UK-BHX", country="GB", postcode="B37 7HB", timezone="Europe/London"),
    "DE": Warehouse(code="DE-HAJ", country="DE", postcode="30669", timezone="Europe/Berlin"),
    "FR": Warehouse(code="FR-LIL", country="FR", postcode="59000", timezone="Europe/Paris"),
}
_NAMES = (
    "Ada Example", "José Muñoz Peña", "王小明", "Иван Петров", "Łukasz Żółć", "김민준", "O'Neill & Sons ^XA~_",
    "Ελένη Παππά", "François Lefèvre", "山田 太郎", "Jürgen Groß 🎉",
)  # fmt: skip
_CURRENCIES = {"US": "USD", "CA": "CAD", "GB": "GBP"}


class PrintedShipment(NamedTuple):
    """A shipment, its labels, and the postcode they send it to."""

    route: RouteChosen
    consignee: Consignee
    numbers: Sequence[str]
    labels: Sequence[Label]

    @property
    def routing_postcode(self) -> str:
        """What symbols must tell sorters: the postcode of the consignee, or of the warehouse for a return; nothing for a
        parcel that goes abroad, where some carriers' symbols have no place for it.
        """
        if self.consignee.country != self.route.warehouse.country:
            return ""
        return self.route.warehouse.postcode if self.route.kind == "return" else self.consignee.postcode


def ship(carrier: str, count: int, seed: int) -> list[PrintedShipment]:
    """Return `count` shipments by this carrier, through all its services; the same arguments give the same shipments."""
    rng = Random(f"{seed}|{carrier}")
    services = list(CARRIERS[carrier].services)
    return [_ship(rng, carrier, services[number % len(services)], number) for number in range(count)]


def _ship(rng: Random, carrier: str, service: str, number: int) -> PrintedShipment:
    country = HOME[carrier]
    to = _ABROAD[country] if number % 10 == 9 else country
    street, city, region, postcode = rng.choice(_PLACES[to])
    consignee = Consignee(
        name=_NAMES[number % len(_NAMES)], street=street, city=city, region=region, postcode=postcode, country=to
    )
    route = _route(rng, carrier, service, number, consignee)
    serials = [rng.randrange(1, FORMATS[carrier].capacity) for _ in route.parcels]
    numbers = CARRIERS[carrier].number(service, serials)
    return PrintedShipment(
        route, consignee, numbers, make_labels(CARRIERS[carrier], route, consignee, numbers, MADE_AT)
    )


def _route(rng: Random, carrier: str, service: str, number: int, consignee: Consignee) -> RouteChosen:
    kind: Literal["order", "return"] = "return" if number % 7 == 6 else "order"
    order_id = f"{carrier}-{number:04d}"
    price = Money(amount_minor=rng.randint(300, 2500), currency=_CURRENCIES.get(HOME[carrier], "EUR"))
    chosen = CostedRoute(
        carrier=carrier, service=service, account="platform", total=price,
        lines=(ChargeLine(code="base", amount=price),), billable_weight=Weight(value=Decimal(1), unit="kg"),
        tariff="bench@2026-01-01",
    )  # fmt: skip
    return RouteChosen(
        tenant="seller-01", order_id=order_id, version=1, occurred_at=MADE_AT, order_version=1, decision_id="d1",
        shipment_id=order_id if kind == "order" else f"{order_id}~R1", kind=kind, route=chosen,
        warehouse=_WAREHOUSES[HOME[carrier]],
        destination=Destination(country=consignee.country, postcode=consignee.postcode[:5].strip()),
        consignee=SealedConsignee(key_id="k1", token="AAAA"),  # noqa: S106 - seals nothing
        parcels=tuple(_parcel(rng, place, price) for place in range(1, 3 if number % 5 == 4 else 2)),
    )  # fmt: skip


def _parcel(rng: Random, place: int, price: Money) -> Parcel:
    return Parcel(
        number=place, weight=Weight(value=Decimal(rng.randint(100, 20_000)), unit="g"), declared_value=price,
        dimensions=Dimensions(length=Decimal(30), width=Decimal(20), height=Decimal(10), unit="cm"),
    )  # fmt: skip
