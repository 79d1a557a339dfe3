"""Canpar and Canada Post: Code 128 of the number and a Data Matrix with number and postal code."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Piece,
    ServiceClass,
    Symbols,
    letters_and_digits,
)
from linkstar_labeler.domain.symbols import code_128, data_matrix

__all__ = ["CANADA_POST", "CANPAR"]


def _symbols(number: str, _service: ServiceClass, piece: Piece) -> Symbols:
    return Symbols(code_128(number), data_matrix(f"{number}|CA|{letters_and_digits(piece.postcode)[:6]}"))


CANPAR = NumberRangeCarrier("canpar", "Canpar", {"ground": ServiceClass("GROUND")}, _symbols)
CANADA_POST = NumberRangeCarrier(
    "canada-post", "Canada Post",
    {
        "expedited": ServiceClass("EXPEDITED PARCEL"), "regular": ServiceClass("REGULAR PARCEL"),
        "xpresspost": ServiceClass("XPRESSPOST"),
    },
    _symbols,
)  # fmt: skip
