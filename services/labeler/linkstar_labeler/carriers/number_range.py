"""Carriers whose numbers we hold: a label is made inside the batch, with no call and therefore no unknown outcome."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from linkstar_contracts.events import PurchaseGuarantee, RouteChosen
from linkstar_contracts.values import GRAMS_PER_UNIT, Weight
from linkstar_labeler.domain.connector import Capabilities, Refused
from linkstar_labeler.domain.symbols import Symbol
from linkstar_labeler.domain.tracking_numbers import FORMATS

__all__ = ["NumberRangeCarrier", "Piece", "ServiceClass", "Symbols", "letters_and_digits", "postal_digits"]


@dataclass(frozen=True, slots=True)
class ServiceClass:
    """A service as the label shows it. `code` is the carrier's own class inside its numbers and symbols."""

    title: str
    code: str = ""


class Piece(NamedTuple):
    """What symbols need of one parcel's way: where to, which of how many, how heavy, made when."""

    postcode: str
    country: str
    region: str
    weight: Weight
    made_on: date
    place: int = 1
    pieces: int = 1

    @property
    def place_among_pieces(self) -> str:
        """`1/2` for the first of two parcels."""
        return f"{self.place}/{self.pieces}"

    @property
    def pounds(self) -> Decimal:
        """The weight in pounds, rounded up to hundredths."""
        return Decimal(ceil(self.weight.grams / _HUNDREDTH_POUND)).scaleb(-2)

    @property
    def day_of_year(self) -> str:
        """`001` to `366`."""
        return _day_of_year(self.made_on)


class Symbols(NamedTuple):
    """The symbols of one parcel's label."""

    tracking: Symbol
    data: Symbol | None = None
    routing: Symbol | None = None


_NO_DIGIT = re.compile("[^0-9]")
_NO_LETTER_OR_DIGIT = re.compile("[^0-9A-Z]")
_HUNDREDTH_POUND = GRAMS_PER_UNIT["lb"] / 100
SymbolMaker = Callable[[str, ServiceClass, Piece], Symbols]


@dataclass(frozen=True)
class NumberRangeCarrier:
    """One offline carrier: its services, its number format and what its symbols hold."""

    code: str
    title: str
    services: dict[str, ServiceClass]
    symbols_of: SymbolMaker

    @property
    def capabilities(self) -> Capabilities:
        """Offline guarantee: exactly one label, kept by the database."""
        return Capabilities(PurchaseGuarantee.OFFLINE, frozenset(self.services))

    def refusal(self, route: RouteChosen) -> Refused | None:
        """Return why this carrier cannot sell the route, or None."""
        if route.route.service in self.services:
            return None
        return Refused("service_not_offered", f"{self.title} has no service {route.route.service}")

    def number(self, service: str, serials: Sequence[int]) -> tuple[str, ...]:
        """Turn leased serials into tracking numbers, one per parcel."""
        make = FORMATS[self.code].make
        return tuple(make(self.services[service].code, serial) for serial in serials)

    def symbols(self, number: str, service: str, piece: Piece) -> Symbols:
        """Return what the label of parcel `number` must let a scanner read."""
        return self.symbols_of(number, self.services[service], piece)


@lru_cache(maxsize=64)
def _day_of_year(day: date) -> str:
    return f"{day.timetuple().tm_yday:03d}"


def letters_and_digits(text: str) -> str:
    """Return the capital letters and digits of a postcode, everything else removed."""
    return _NO_LETTER_OR_DIGIT.sub("", text.upper())


def postal_digits(text: str, length: int) -> str:
    """Return exactly `length` digits of a numeric postcode: others removed, cut, filled up with zeros on the right."""
    digits = text if text.isascii() and text.isdigit() else _NO_DIGIT.sub("", text)
    return digits[:length].ljust(length, "0")
