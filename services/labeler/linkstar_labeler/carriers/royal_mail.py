"""Royal Mail and Parcelforce: Code 128 of the S10 number and a Data Matrix that names class and postcode."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Receiver,
    ServiceClass,
    Symbols,
    letters_and_digits,
)
from linkstar_labeler.domain.symbols import code_128, data_matrix

__all__ = ["PARCELFORCE", "ROYAL_MAIL"]


def _symbols(number: str, service: ServiceClass, receiver: Receiver) -> Symbols:
    grouped = f"{number[:2]} {number[2:6]} {number[6:10]} {number[10]} {number[11:]}"
    data = f"{number}|{service.code}|GB|{letters_and_digits(receiver.postcode)[:7]}"
    return Symbols(code_128(number, caption=grouped), data_matrix(data))


ROYAL_MAIL = NumberRangeCarrier(
    "royal-mail", "Royal Mail",
    {
        "tracked_24": ServiceClass("TRACKED 24", "TPN"), "tracked_48": ServiceClass("TRACKED 48", "TPS"),
        "special_delivery_1pm": ServiceClass("SPECIAL DELIVERY", "SD1"),
    },
    _symbols,
)  # fmt: skip
PARCELFORCE = NumberRangeCarrier(
    "parcelforce", "Parcelforce",
    {
        "express9": ServiceClass("EXPRESS9", "SE9"), "express10": ServiceClass("EXPRESS10", "S10"),
        "expressAM": ServiceClass("EXPRESSAM", "SAM"), "express24": ServiceClass("EXPRESS24", "SND"),
        "express48": ServiceClass("EXPRESS48", "SUP"),
    },
    _symbols,
)  # fmt: skip
