"""DPD (Germany, United Kingdom): Code 128 of `%` and 28 characters: postcode, parcel, service, country, check."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Piece,
    ServiceClass,
    Symbols,
    letters_and_digits,
)
from linkstar_labeler.domain.check_digits import mod_37_36
from linkstar_labeler.domain.countries import numeric_code
from linkstar_labeler.domain.symbols import code_128, data_matrix

__all__ = ["DPD_DE", "DPD_UK"]


def _symbols(number: str, service: ServiceClass, piece: Piece) -> Symbols:
    postcode = letters_and_digits(piece.postcode)[:7]
    body = f"{postcode.zfill(7)}{number[:14]}{service.code}{numeric_code(piece.country)}"
    grouped = f"{number[:4]} {number[4:8]} {number[8:12]} {number[12:14]} {number[14]}"
    return Symbols(code_128(f"%{body}{mod_37_36(body)}", caption=grouped), data_matrix(f"{number}|{postcode}"))


DPD_DE = NumberRangeCarrier("dpd-de", "DPD", {"classic": ServiceClass("CLASSIC", "101")}, _symbols)
DPD_UK = NumberRangeCarrier("dpd-uk", "DPD UK", {"next_day": ServiceClass("NEXT DAY", "112")}, _symbols)
