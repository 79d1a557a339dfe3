"""Colissimo and Chronopost: Code 128 of the number and a Data Matrix with product, country and postcode."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Piece,
    ServiceClass,
    Symbols,
    letters_and_digits,
)
from linkstar_labeler.domain.symbols import code_128, data_matrix

__all__ = ["CHRONOPOST", "COLISSIMO"]


def _colissimo(number: str, service: ServiceClass, piece: Piece) -> Symbols:
    return _symbols(number, service, piece, f"{number[:2]} {number[2:7]} {number[7:12]} {number[12]}")


def _chronopost(number: str, service: ServiceClass, piece: Piece) -> Symbols:
    return _symbols(number, service, piece, f"{number[:2]} {number[2:10]} {number[10]} {number[11:]}")


def _symbols(number: str, service: ServiceClass, piece: Piece, caption: str) -> Symbols:
    data = f"{number}|{service.code}|{piece.country}|{letters_and_digits(piece.postcode)[:5]}"
    return Symbols(code_128(number, caption), data_matrix(data))


COLISSIMO = NumberRangeCarrier(
    "colissimo", "Colissimo",
    {
        "home": ServiceClass("DOMICILE SANS SIGNATURE", "6A"),
        "home_signature": ServiceClass("DOMICILE AVEC SIGNATURE", "6C"),
    },
    _colissimo,
)  # fmt: skip
CHRONOPOST = NumberRangeCarrier(
    "chronopost", "Chronopost",
    {"chrono_13": ServiceClass("CHRONO 13", "01"), "chrono_18": ServiceClass("CHRONO 18", "16")},
    _chronopost,
)  # fmt: skip
