"""FedEx: the 34-digit Code 128 with destination ZIP (Express) or shipper number (Ground), and a PDF417 of ISO 15434 data."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Piece,
    ServiceClass,
    Symbols,
    letters_and_digits,
    postal_digits,
)
from linkstar_labeler.domain.countries import numeric_code
from linkstar_labeler.domain.symbols import EOT, GS, RS, Symbol, code_128, pdf417

__all__ = ["FEDEX"]

_GROUND = "019"


def _symbols(number: str, service: ServiceClass, piece: Piece) -> Symbols:
    bars = _ground(number) if service.code == _GROUND else _express(number, piece)
    grouped = f"{number[:4]} {number[4:8]} {number[8:]}"
    return Symbols(code_128(bars, caption=grouped), _data(number, bars, service, piece))


def _express(number: str, piece: Piece) -> str:
    """15 digits of form and handling, the ZIP, then the number in 14 digits."""
    return f"10019{'0' * 10}{postal_digits(piece.postcode if piece.country == 'US' else '', 5)}00{number}"


def _ground(number: str) -> str:
    """Application 96, container 22, service 00190, shipper number (ours is none), then the number in 14 digits."""
    return f"962200190{'0' * 10}000{number}"


def _data(number: str, bars: str, service: ServiceClass, piece: Piece) -> Symbol:
    """Format 01 (where to, class, number, carrier, day, piece, weight), format 06 (the bars, again)."""
    carrier = "FDEG" if service.code == _GROUND else "FDE"
    fields = (
        f"02{letters_and_digits(piece.postcode)[:9 if piece.country == 'US' else 6]}", numeric_code(piece.country),
        service.code, number, carrier, "", piece.day_of_year, "", piece.place_among_pieces, f"{piece.pounds:f}LB", "N",
    )  # fmt: skip
    return pdf417(f"[)>{RS}01{GS}{GS.join(fields)}{RS}06{GS}31Z{bars}{GS}34Z01{GS}{RS}{EOT}")


FEDEX = NumberRangeCarrier(
    "fedex", "FedEx",
    {
        "ground": ServiceClass("FEDEX GROUND", _GROUND),
        "home_delivery": ServiceClass("FEDEX HOME DELIVERY", _GROUND),
        "ground_economy": ServiceClass("FEDEX GROUND ECONOMY", _GROUND),
        "2day": ServiceClass("FEDEX 2DAY", "003"),
        "2day_am": ServiceClass("FEDEX 2DAY AM", "049"),
        "express_saver": ServiceClass("FEDEX EXPRESS SAVER", "020"),
        "standard_overnight": ServiceClass("FEDEX STANDARD OVERNIGHT", "005"),
        "priority_overnight": ServiceClass("FEDEX PRIORITY OVERNIGHT", "001"),
    },
    _symbols,
)  # fmt: skip
