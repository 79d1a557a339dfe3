"""UPS: Code 128 of the 1Z number, MaxiCode for the sorter, and the postal Code 128 (`420` + ZIP, `421` + country abroad)."""

from __future__ import annotations

from functools import cache
from math import ceil

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Piece,
    ServiceClass,
    Symbols,
    letters_and_digits,
    postal_digits,
)
from linkstar_labeler.domain.countries import numeric_code
from linkstar_labeler.domain.symbols import EOT, GS, RS, Symbol, code_128, maxicode

__all__ = ["UPS"]

_THIRTY_TWO = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _symbols(number: str, service: ServiceClass, piece: Piece) -> Symbols:
    return Symbols(code_128(number), _maxicode(number, service, piece), _postal(piece))


def _postal(piece: Piece) -> Symbol:
    if piece.country == "US":
        known = len(letters_and_digits(piece.postcode)) >= 9
        code = postal_digits(piece.postcode, 9 if known else 5)
        return code_128(f"420{code}", caption=f"(420) {code}")
    code = f"{numeric_code(piece.country)}{letters_and_digits(piece.postcode)[:9]}"
    return code_128(f"421{code}", caption=f"(421) {code}")


def _maxicode(number: str, service: ServiceClass, piece: Piece) -> Symbol:
    """Mode 2 at home (ZIP+4), mode 3 abroad. ISO 15434 format 01: short number, carrier, shipper, day, package n of m,
    weight, region; street and city stay out, since the label shows them.
    """
    home = piece.country == "US"
    postcode = postal_digits(piece.postcode, 9) if home else f"{letters_and_digits(piece.postcode):6.6}"
    fields = (
        f"96{number[:2]}{number[-8:]}", "UPSN", number[2:8], piece.day_of_year, "", piece.place_among_pieces,
        str(ceil(piece.pounds)), "N", "", "", letters_and_digits(piece.region)[:2],
    )  # fmt: skip
    return maxicode(
        postcode, numeric_code(piece.country), _class(service.code), f"[)>{RS}01{GS}{GS.join(fields)}{RS}{EOT}"
    )


@cache
def _class(code: str) -> str:
    """Return the service indicator as three digits: read in base 32 without I, L, O and U, so that `YW` is 988."""
    return f"{_THIRTY_TWO.index(code[0]) * 32 + _THIRTY_TWO.index(code[1]):03d}"


UPS = NumberRangeCarrier(
    "ups", "UPS",
    {
        "ground": ServiceClass("UPS GROUND", "03"),
        "2nd_day_air": ServiceClass("UPS 2ND DAY AIR", "02"),
        "3_day_select": ServiceClass("UPS 3 DAY SELECT", "12"),
        "next_day_air": ServiceClass("UPS NEXT DAY AIR", "01"),
        "next_day_air_saver": ServiceClass("UPS NEXT DAY AIR SAVER", "13"),
        "ground_saver": ServiceClass("UPS GROUND SAVER", "YW"),
    },
    _symbols,
)  # fmt: skip
