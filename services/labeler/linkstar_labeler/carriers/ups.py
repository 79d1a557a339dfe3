"""UPS: Code 128 of the 1Z number, MaxiCode mode 2 for the sorter, and a postal Code 128."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import (
    NumberRangeCarrier,
    Receiver,
    ServiceClass,
    Symbols,
    letters_and_digits,
    postal_digits,
)
from linkstar_labeler.domain.symbols import GS, RS, Symbol, code_128, maxicode

__all__ = ["UPS"]

_EOT = "\x04"


def _symbols(number: str, service: ServiceClass, receiver: Receiver) -> Symbols:
    zip5 = postal_digits(receiver.postcode, 5)
    routing = code_128(f"420{zip5}", caption=f"(420) {zip5}")
    return Symbols(code_128(number), _maxicode(number, service, receiver), routing)


def _maxicode(number: str, service: ServiceClass, receiver: Receiver) -> Symbol:
    """ISO 15434 format 01: short number, carrier, shipper; the primary message holds ZIP+4, country and class."""
    nine = postal_digits(receiver.postcode, 9)
    fields = (f"96{number[:2]}{number[-8:]}", "UPSN", number[2:8], "", "", "1/1", "", "N", "", "", "")
    message = f"[)>{RS}01{GS}" + GS.join(fields) + f"{letters_and_digits(receiver.region)[:2]}{RS}{_EOT}"
    return maxicode(nine, "840", service.code.zfill(3), message)


UPS = NumberRangeCarrier(
    "ups", "UPS",
    {
        "ground": ServiceClass("UPS GROUND", "03"),
        "2nd_day_air": ServiceClass("UPS 2ND DAY AIR", "02"),
        "3_day_select": ServiceClass("UPS 3 DAY SELECT", "12"),
        "next_day_air": ServiceClass("UPS NEXT DAY AIR", "01"),
        "next_day_air_saver": ServiceClass("UPS NEXT DAY AIR SAVER", "13"),
        "ground_saver": ServiceClass("UPS GROUND SAVER", "93"),
    },
    _symbols,
)  # fmt: skip
