"""DHL Paket: GS1-128 of the SSCC, and the Leitcode (postcode and product) as Interleaved 2 of 5."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import NumberRangeCarrier, Receiver, ServiceClass, Symbols, postal_digits
from linkstar_labeler.domain.check_digits import leitcode
from linkstar_labeler.domain.symbols import gs1_128, itf_leitcode

__all__ = ["DHL_DE"]


def _symbols(number: str, service: ServiceClass, receiver: Receiver) -> Symbols:
    """Street and house codes of the Leitcode need Deutsche Post's directory; without it they are zero."""
    postcode = postal_digits(receiver.postcode, 5)
    body = f"{postcode}000000{service.code}"
    return Symbols(gs1_128(("00", number[2:]), caption=number), routing=itf_leitcode(body + leitcode(body)))


DHL_DE = NumberRangeCarrier("dhl-de", "DHL", {"paket": ServiceClass("DHL PAKET", "01")}, _symbols)
