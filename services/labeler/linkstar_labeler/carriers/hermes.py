"""Evri and Hermes Germany: Code 128 of the number and a Data Matrix with the postcode."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Piece,
    ServiceClass,
    Symbols,
    letters_and_digits,
)
from linkstar_labeler.domain.symbols import code_128, data_matrix

__all__ = ["EVRI", "HERMES_DE"]


def _symbols(number: str, _service: ServiceClass, piece: Piece) -> Symbols:
    return Symbols(code_128(number), data_matrix(f"{number}|{piece.country}|{letters_and_digits(piece.postcode)[:7]}"))


EVRI = NumberRangeCarrier(
    "evri", "Evri", {"standard": ServiceClass("STANDARD"), "next_day": ServiceClass("NEXT DAY")}, _symbols
)
HERMES_DE = NumberRangeCarrier("hermes-de", "Hermes", {"to_door": ServiceClass("PAKET ZUR HAUSTÜR")}, _symbols)
