"""An order as its seller knows it, before any file format: who, where, what, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from linkstar_sandbox.order_files.catalogue import CURRENCY_OF, PRODUCTS, Place, Product, places, price_minor
from linkstar_sandbox.order_files.people import Person, invent_person

__all__ = ["Draft", "Line", "invent_draft"]


@dataclass(frozen=True, slots=True)
class Line:
    """One article of an order. Fields are text, as in a file, so that flaws can be written into them."""

    sku: str
    description: str
    quantity: str
    price: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One order. `reference` is the number the sales channel gave it."""

    reference: str
    person: Person
    place: Place
    country: str
    currency: str
    lines: tuple[Line, ...]
    placed_at: str
    ship_by: str
    level: str
    weight: str
    size: tuple[str, str, str]


def invent_draft(rng: Random, reference: str, country: str, now: datetime) -> Draft:
    """Return an order of the last two days before `now` for a customer in `country`."""
    count = rng.choices((1, 2, 3), (70, 22, 8))[0]
    chosen = rng.sample(PRODUCTS, count)
    placed = (now - timedelta(minutes=rng.randint(5, 2 * 24 * 60))).replace(second=0, microsecond=0)
    currency = CURRENCY_OF[country]
    return Draft(
        reference=reference, person=invent_person(rng, country), place=rng.choice(places()[country]), country=country,
        currency=currency, lines=tuple(_line(rng, product, currency) for product in chosen),
        placed_at=placed.isoformat(), ship_by=(placed + timedelta(days=3)).isoformat(),
        level=rng.choices(("standard", "economy", "expedited"), (78, 12, 10))[0],
        weight=f"{rng.randint(2, 58) / 10:.1f}",
        size=(str(rng.randint(20, 45)), str(rng.randint(15, 30)), str(rng.randint(4, 18))),
    )  # fmt: skip


def _line(rng: Random, product: Product, currency: str) -> Line:
    price = price_minor(product, currency)
    quantity = rng.choices((1, 2, 3), (82, 13, 5))[0]
    return Line(product.sku, product.description, str(quantity), f"{price // 100}.{price % 100:02}")
