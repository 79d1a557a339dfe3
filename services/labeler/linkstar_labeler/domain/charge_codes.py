"""One vocabulary for charges, so that what a price expected and what a carrier billed can be compared code by code.

The names are those of Amazon Shipping v2 `RateItemID`; `OTHER` is ours, for what has no name there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

__all__ = ["CODES", "code_of_line", "expected_by_code", "share", "ups_code"]

CODES = (
    "BASE_RATE", "FUEL_SURCHARGE", "DELIVERY_AREA_SURCHARGE", "RESIDENTIAL_SURCHARGE", "OVERSIZE_SURCHARGE",
    "HIGH_CUBE_SURCHARGE", "LENGTH_SURCHARGE", "WIDTH_SURCHARGE", "DEMAND_SURCHARGE", "NONSTANDARD_FEE",
    "CONGESTION_CHARGE", "INSURANCE", "SIGNATURE_CONFIRMATION", "ADULT_SIGNATURE_CONFIRMATION", "SUNDAY_HOLIDAY_DELIVERY",
    "IMPORT_DUTY_CHARGE", "VAT", "REBATE", "TRANSACTION_FEE", "OTHER",
)  # fmt: skip

_OURS = frozenset({"platform_fee", "insurance"})
"""Lines of a price that no carrier bills."""
_BEGINNINGS = (
    ("base", "BASE_RATE"), ("contract_discount", "BASE_RATE"), ("volume_discount", "BASE_RATE"),
    ("pooling_discount", "BASE_RATE"), ("fuel", "FUEL_SURCHARGE"), ("residential", "RESIDENTIAL_SURCHARGE"),
    ("demand", "DEMAND_SURCHARGE"), ("temporary_peak", "DEMAND_SURCHARGE"), ("das", "DELIVERY_AREA_SURCHARGE"),
    ("remote", "DELIVERY_AREA_SURCHARGE"), ("offshore", "DELIVERY_AREA_SURCHARGE"), ("island", "DELIVERY_AREA_SURCHARGE"),
    ("oversize", "OVERSIZE_SURCHARGE"), ("large_package", "OVERSIZE_SURCHARGE"), ("nonstandard_length", "LENGTH_SURCHARGE"),
    ("nonstandard_volume", "HIGH_CUBE_SURCHARGE"), ("nonstandard", "NONSTANDARD_FEE"),
    ("additional_handling", "NONSTANDARD_FEE"), ("dimension", "NONSTANDARD_FEE"), ("declared_value", "INSURANCE"),
    ("signature_adult", "ADULT_SIGNATURE_CONFIRMATION"), ("signature", "SIGNATURE_CONFIRMATION"),
    ("saturday", "SUNDAY_HOLIDAY_DELIVERY"), ("sunday", "SUNDAY_HOLIDAY_DELIVERY"), ("vat", "VAT"),
)  # fmt: skip
"""How our own lines begin. Discounts belong to the base rate: carriers bill net."""

_UPS_CATEGORIES = {
    "FRT": "BASE_RATE", "FSC": "FUEL_SURCHARGE", "TAX": "VAT", "GOV": "IMPORT_DUTY_CHARGE", "BRK": "IMPORT_DUTY_CHARGE",
}  # fmt: skip
_UPS_CHARGES = {
    "100": "NONSTANDARD_FEE", "190": "DELIVERY_AREA_SURCHARGE", "270": "RESIDENTIAL_SURCHARGE", "375": "FUEL_SURCHARGE",
    "376": "DELIVERY_AREA_SURCHARGE", "377": "OVERSIZE_SURCHARGE", "430": "DEMAND_SURCHARGE", "431": "DEMAND_SURCHARGE",
    "432": "DEMAND_SURCHARGE",
}  # fmt: skip
_UPS_WORDS = (
    ("residential", "RESIDENTIAL_SURCHARGE"), ("delivery area", "DELIVERY_AREA_SURCHARGE"),
    ("extended area", "DELIVERY_AREA_SURCHARGE"), ("remote area", "DELIVERY_AREA_SURCHARGE"),
    ("additional handling", "NONSTANDARD_FEE"), ("large package", "OVERSIZE_SURCHARGE"), ("demand", "DEMAND_SURCHARGE"),
    ("peak", "DEMAND_SURCHARGE"), ("surge", "DEMAND_SURCHARGE"), ("adult signature", "ADULT_SIGNATURE_CONFIRMATION"),
    ("signature", "SIGNATURE_CONFIRMATION"), ("declared value", "INSURANCE"), ("fuel", "FUEL_SURCHARGE"),
)  # fmt: skip


def code_of_line(line_code: str) -> str | None:
    """Return the code of a line of our prices, most of which bear it already; None for what no carrier bills."""
    if line_code in _OURS:
        return None
    if line_code.upper() in CODES:
        return line_code.upper()
    return next((code for beginning, code in _BEGINNINGS if line_code.startswith(beginning)), "OTHER")


def expected_by_code(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sum the lines of a price, in minor units, by the code under which the carrier will bill them."""
    expected: Counter[str] = Counter()
    for line_code, amount in lines:
        code = code_of_line(line_code)
        if code is not None:
            expected[code] += amount
    return dict(expected)


def share(amount: int, parcel: int, parcels: int) -> int:
    """Return what parcel 1, 2, … of a shipment bears of an amount; the shares of all sum to it."""
    whole, rest = divmod(amount, parcels)
    return whole + (parcel <= rest)


def ups_code(category: str, charge: str, description: str) -> str:
    """Return the code of a charge in UPS's billing data, by category, then charge code, then its words."""
    words = description.lower()
    return (
        _UPS_CATEGORIES.get(category)
        or _UPS_CHARGES.get(charge)
        or next((code for word, code in _UPS_WORDS if word in words), "OTHER")
    )
