"""Writing a shipment down for a carrier: addresses within its limits, weights and sides in its units, never less than is
true.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from linkstar_contracts.values import GRAMS_PER_UNIT, MILLIMETRES_PER_UNIT, Consignee, Dimensions, Weight
from linkstar_labeler.carriers.remote.outcomes import NotSellable

__all__ = ["digits", "in_unit", "json_number", "local_phone", "sides_in", "street_lines", "truncated", "weight_in"]


def weight_in(weight: Weight, unit: str, places: int) -> Decimal:
    """Return the weight in the carrier's unit, rounded up to `places` decimals."""
    return in_unit(weight.grams, GRAMS_PER_UNIT[unit], places)


def sides_in(dimensions: Dimensions, unit: str, places: int) -> tuple[Decimal, Decimal, Decimal]:
    """Return the sides in the carrier's unit, longest first, rounded up."""
    longest, middle, shortest = dimensions.sides_mm
    factor = MILLIMETRES_PER_UNIT[unit]
    return in_unit(longest, factor, places), in_unit(middle, factor, places), in_unit(shortest, factor, places)


def in_unit(amount: Decimal, factor: Decimal, places: int) -> Decimal:
    """Return `amount / factor`, rounded up to `places` decimals."""
    return (amount / factor).quantize(Decimal(1).scaleb(-places), ROUND_CEILING)


def json_number(value: Decimal) -> int | float:
    """Return a weight or side as JSON writes it; never used for money."""
    return int(value) if value == value.to_integral_value() else float(value)


def street_lines(address: Consignee, most: int, lines: int) -> list[str]:
    """Return street and supplement in at most `lines` lines of `most` characters, broken between words only.

    Nothing is ever cut off: an address that does not fit is not sellable.
    """
    rows: list[str] = []
    for part in (address.street, address.street2):
        row = ""
        for word in part.split():
            if row and len(row) + 1 + len(word) > most:
                rows.append(row)
                row = word
            else:
                row = f"{row} {word}".strip()
        rows += [row] if row else []
    if len(rows) > lines or any(len(row) > most for row in rows):
        raise NotSellable("address_too_long", f"the street does not fit in {lines} lines of {most} characters")
    return rows


def truncated(text: str, most: int) -> str:
    """Return a name or note, cut where the carrier's field ends."""
    return " ".join(text.split())[:most].rstrip()


def digits(text: str) -> str:
    """Return the ASCII digits of a text."""
    return "".join(character for character in text if character.isascii() and character.isdigit())


def local_phone(text: str, most: int = 15, least: int = 6) -> str:
    """Return the digits of a telephone number, or nothing when they cannot be one."""
    found = digits(text)
    return found if least <= len(found) <= most else ""
