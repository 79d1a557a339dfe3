"""FedEx: the 34-digit Code 128 with destination ZIP (Express) or GSN (Ground), and a PDF417 of ISO 15434 data."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import NumberRangeCarrier, Receiver, ServiceClass, Symbols, postal_digits
from linkstar_labeler.domain.symbols import GS, RS, code_128, pdf417

__all__ = ["FEDEX"]

_EXPRESS = frozenset({"2DAY", "2DAM", "ESPK", "SOVN", "POVN"})


def _symbols(number: str, service: ServiceClass, receiver: Receiver) -> Symbols:
    zip5 = postal_digits(receiver.postcode, 5)
    head = f"10019{'0' * 10}{zip5}" if service.code in _EXPRESS else f"9622{'0' * 16}"
    fields = (f"02{zip5}", "840", service.code, number, "FDE", "", "1/1", "", "N")
    data = f"[)>{RS}01{GS}" + GS.join(fields) + f"{RS}\x04"
    return Symbols(code_128(f"{head}00{number}", caption=number), pdf417(data))


FEDEX = NumberRangeCarrier(
    "fedex", "FedEx",
    {
        "ground": ServiceClass("FEDEX GROUND", "GRND"),
        "home_delivery": ServiceClass("FEDEX HOME DELIVERY", "HOME"),
        "ground_economy": ServiceClass("FEDEX GROUND ECONOMY", "ECON"),
        "2day": ServiceClass("FEDEX 2DAY", "2DAY"),
        "2day_am": ServiceClass("FEDEX 2DAY AM", "2DAM"),
        "express_saver": ServiceClass("FEDEX EXPRESS SAVER", "ESPK"),
        "standard_overnight": ServiceClass("FEDEX STANDARD OVERNIGHT", "SOVN"),
        "priority_overnight": ServiceClass("FEDEX PRIORITY OVERNIGHT", "POVN"),
    },
    _symbols,
)  # fmt: skip
