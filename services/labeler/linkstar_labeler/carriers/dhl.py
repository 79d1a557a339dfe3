"""DHL Paket: GS1-128 of the SSCC, and as Interleaved 2 of 5 the Leitcode (where to) and the Identcode (which parcel)."""

from __future__ import annotations

from linkstar_labeler.carriers.number_range import NumberRangeCarrier, Piece, ServiceClass, Symbols, postal_digits
from linkstar_labeler.domain.check_digits import leitcode
from linkstar_labeler.domain.symbols import gs1_128, itf

__all__ = ["DHL_DE"]


def _symbols(number: str, service: ServiceClass, piece: Piece) -> Symbols:
    """Street and house codes of the Leitcode need Deutsche Post's directory; without it they are zero. The Identcode is
    depot and customer (of our range) and the serial of the SSCC.
    """
    postcode = postal_digits(piece.postcode, 5)
    place, parcel = _checked(f"{postcode}000000{service.code}"), _checked(number[8:19])
    identity = itf(parcel, f"{parcel[:2]}.{parcel[2:5]} {parcel[5:8]}.{parcel[8:11]} {parcel[11]}")
    routing = itf(place, f"{postcode}.{place[5:8]}.{place[8:11]}.{place[11:13]} {place[13]}")
    return Symbols(gs1_128(("00", number[2:]), caption=number), identity, routing)


def _checked(body: str) -> str:
    return body + leitcode(body)


DHL_DE = NumberRangeCarrier("dhl-de", "DHL", {"paket": ServiceClass("DHL PAKET", "01")}, _symbols)
