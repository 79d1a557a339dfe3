"""Mondial Relay: Code 128 of the expedition number and a Data Matrix with the postcode."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Piece,
    ServiceClass,
    Symbols,
    letters_and_digits,
)
from linkstar_labeler.domain.symbols import code_128, data_matrix

__all__ = ["MONDIAL_RELAY"]


def _symbols(number: str, _service: ServiceClass, piece: Piece) -> Symbols:
    return Symbols(code_128(number), data_matrix(f"{number}|{piece.country}|{letters_and_digits(piece.postcode)[:5]}"))


MONDIAL_RELAY = NumberRangeCarrier("mondial-relay", "Mondial Relay", {"relay": ServiceClass("POINT RELAIS")}, _symbols)
