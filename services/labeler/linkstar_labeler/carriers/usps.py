"""USPS: one GS1-128 Intelligent Mail package barcode with the destination ZIP code in front."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import NumberRangeCarrier, Piece, ServiceClass, Symbols, postal_digits
from linkstar_labeler.domain.symbols import gs1_128

__all__ = ["USPS"]


def _symbols(number: str, _service: ServiceClass, piece: Piece) -> Symbols:
    """Five digits of ZIP keep the bars at 3 dots, above the 13 mil that USPS asks for; mail abroad has no routing."""
    routing = (("420", postal_digits(piece.postcode, 5)),) if piece.country == "US" else ()
    grouped = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    return Symbols(gs1_128(*routing, (number[:2], number[2:]), caption=grouped))


USPS = NumberRangeCarrier(
    "usps", "USPS",
    {
        "ground_advantage": ServiceClass("GROUND ADVANTAGE", "001"),
        "ground_advantage_cubic": ServiceClass("GROUND ADVANTAGE", "001"),
        "priority_mail": ServiceClass("PRIORITY MAIL", "055"),
        "priority_mail_cubic": ServiceClass("PRIORITY MAIL", "055"),
    },
    _symbols,
)  # fmt: skip
