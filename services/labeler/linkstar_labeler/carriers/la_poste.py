"""Colissimo and Chronopost: Code 128 of the S10-like number and a Data Matrix with product and postcode."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Receiver,
    ServiceClass,
    Symbols,
    letters_and_digits,
)
from linkstar_labeler.domain.symbols import code_128, data_matrix

__all__ = ["CHRONOPOST", "COLISSIMO"]


def _symbols(number: str, service: ServiceClass, receiver: Receiver) -> Symbols:
    data = f"{number}|{service.code}|FR|{letters_and_digits(receiver.postcode)[:5]}"
    return Symbols(
        code_128(number, caption=f"{number[:2]} {number[2:10]} {number[10]} {number[11:]}"), data_matrix(data)
    )


COLISSIMO = NumberRangeCarrier(
    "colissimo", "Colissimo",
    {
        "home": ServiceClass("DOMICILE SANS SIGNATURE", "DOM"),
        "home_signature": ServiceClass("DOMICILE AVEC SIGNATURE", "DOS"),
    },
    _symbols,
)  # fmt: skip
CHRONOPOST = NumberRangeCarrier(
    "chronopost", "Chronopost",
    {"chrono_13": ServiceClass("CHRONO 13", "01"), "chrono_18": ServiceClass("CHRONO 18", "16")},
    _symbols,
)  # fmt: skip
