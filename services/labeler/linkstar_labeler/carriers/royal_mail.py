"""Royal Mail and Parcelforce: Code 128 of the S10 number and a Data Matrix: 2D Mailmark for Royal Mail, class and postcode
for Parcelforce.
"""

from __future__ import annotations

import re

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Piece,
    ServiceClass,
    Symbols,
    letters_and_digits,
)
from linkstar_labeler.domain.symbols import Symbol, code_128, data_matrix

__all__ = ["PARCELFORCE", "ROYAL_MAIL"]

_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-Z]{2}")


def _mailmark(number: str, service: ServiceClass, piece: Piece) -> Symbols:
    """Type 9 (32 cells): country, format, version, class, supply chain (of our range), item, where to, S10 number. `9Z` is
    the delivery point of a postcode whose points are not known; a postcode of another shape leaves the place empty.
    """
    postcode = letters_and_digits(piece.postcode)
    target = f"{postcode}9Z" if _POSTCODE.fullmatch(postcode) else ""
    mark = f"JGB 01{service.code}2026000{number[2:10]}{target:9}0{'':13}{number}"
    return Symbols(_bars(number), data_matrix(mark, side=32))


def _classed(number: str, service: ServiceClass, piece: Piece) -> Symbols:
    data = f"{number}|{service.code}|{piece.country}|{letters_and_digits(piece.postcode)[:7]}"
    return Symbols(_bars(number), data_matrix(data))


def _bars(number: str) -> Symbol:
    return code_128(number, caption=f"{number[:2]} {number[2:6]} {number[6:10]} {number[10]} {number[11:]}")


ROYAL_MAIL = NumberRangeCarrier(
    "royal-mail", "Royal Mail",
    {
        "tracked_24": ServiceClass("TRACKED 24", "1"), "tracked_48": ServiceClass("TRACKED 48", "2"),
        "special_delivery_1pm": ServiceClass("SPECIAL DELIVERY", "1"),
    },
    _mailmark,
)  # fmt: skip
PARCELFORCE = NumberRangeCarrier(
    "parcelforce", "Parcelforce",
    {
        "express9": ServiceClass("EXPRESS9", "SE9"), "express10": ServiceClass("EXPRESS10", "S10"),
        "expressAM": ServiceClass("EXPRESSAM", "SAM"), "express24": ServiceClass("EXPRESS24", "SND"),
        "express48": ServiceClass("EXPRESS48", "SUP"),
    },
    _classed,
)  # fmt: skip
