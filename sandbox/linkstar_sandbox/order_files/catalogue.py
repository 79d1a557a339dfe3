"""What the demo's sellers have: warehouses, products, and real places their invented customers live in."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

__all__ = ["CURRENCY_OF", "PRODUCTS", "WAREHOUSES", "Place", "Product", "places", "price_minor"]

CURRENCY_OF = {"US": "USD", "CA": "CAD", "GB": "GBP", "DE": "EUR", "FR": "EUR"}
_PER_USD = {"USD": Decimal(1), "CAD": Decimal("1.36"), "GBP": Decimal("0.79"), "EUR": Decimal("0.92")}
"""Price-list factors of the invented catalogue, no exchange rates."""

WAREHOUSES: tuple[Mapping[str, str], ...] = (
    {"code": "US-LA", "country": "US", "postcode": "90058", "timezone": "America/Los_Angeles"},
    {"code": "US-NJ", "country": "US", "postcode": "08817", "timezone": "America/New_York"},
    {"code": "CA-TOR", "country": "CA", "postcode": "L5T 2N7", "timezone": "America/Toronto"},
    {"code": "UK-BHX", "country": "GB", "postcode": "B24 9QR", "timezone": "Europe/London"},
    {"code": "DE-HAJ", "country": "DE", "postcode": "30179", "timezone": "Europe/Berlin"},
    {"code": "FR-LIL", "country": "FR", "postcode": "59810", "timezone": "Europe/Paris"},
)


@dataclass(frozen=True, slots=True)
class Place:
    """A real postcode with its town and region."""

    country: str
    postcode: str
    city: str
    region: str


@dataclass(frozen=True, slots=True)
class Product:
    """An article with packed weight and size, as entered."""

    sku: str
    description: str
    weight: str
    weight_unit: str
    length: str
    width: str
    height: str
    size_unit: str
    usd: Decimal
    battery: str
    liquid: bool
    hazmat: bool

    def registration(self) -> dict[str, Any]:
        """Return the body entry for `PUT /v1/products`."""
        return {
            "sku": self.sku, "description": self.description,
            "weight": {"value": self.weight, "unit": self.weight_unit},
            "dimensions": {
                "length": self.length, "width": self.width, "height": self.height, "unit": self.size_unit,
            },
            "value": {"amount_minor": price_minor(self, "USD"), "currency": "USD"},
            "battery": self.battery, "liquid": self.liquid, "hazmat": self.hazmat,
        }  # fmt: skip


def price_minor(product: Product, currency: str) -> int:
    """Return the catalogue price in minor units, ending on 90 cents."""
    whole = (product.usd * _PER_USD[currency]).to_integral_value()
    return int(whole) * 100 - 10


def _rows(name: str) -> list[dict[str, str]]:
    text = files("linkstar_sandbox").joinpath("data", name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _products() -> tuple[Product, ...]:
    return tuple(
        Product(
            **{key: row[key] for key in row if key not in ("usd", "liquid", "hazmat")},
            usd=Decimal(row["usd"]), liquid=row["liquid"] == "yes", hazmat=row["hazmat"] == "yes",
        )
        for row in _rows("products.csv")
    )  # fmt: skip


PRODUCTS: tuple[Product, ...] = _products()


@lru_cache(maxsize=1)
def places() -> Mapping[str, Sequence[Place]]:
    """Return the places by country."""
    found: dict[str, list[Place]] = {}
    for row in _rows("places.csv"):
        found.setdefault(row["country"], []).append(Place(**row))
    return found
