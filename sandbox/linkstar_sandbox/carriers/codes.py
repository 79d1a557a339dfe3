"""The scan codes each simulated carrier uses, and the words it prints beside them.

Where the carrier's own codes are known they are used as it means them; `SIM-` begins those it has none for.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["FAMILY_OF_CARRIER", "SCAN_TEXT", "Meaning", "scan_code"]


class Meaning(StrEnum):
    """What truly happened to a parcel, whatever code a carrier has for it."""

    ACCEPTED = "accepted"
    HUB = "hub"
    DEPOT = "depot"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    HELD = "held"
    DAMAGED = "damaged"
    RETURN_TO_SENDER = "return_to_sender"
    RETURNED = "returned"
    DELIVERED = "delivered"
    RETRACTION = "retraction"


_ORDER = tuple(Meaning)[:-1]
_CODES = {
    "usps": "03 10 07 OF 02 16 71 SIM-DM 09 SIM-RT 01",
    "ups": "OR AR DP OT X/48 ZP X/7W X/45 X/KP X/UA FS",
    "fedex": "PU IT AR OD DE HL DY SIM-DM RS SIM-RT DL",
    "canada": "PICKUP TRANSIT DEPOT OUT ATTEMPT HOLDPU HOLD DAMAGE RTS RETURNED DELIVERED",
    "royal-mail": "EVNPB EVDAC EVIMC EVGPD EVKNA EVNLC EVNRT SIM-DM EVNRS EVRTS EVKSP",
    "parcel-gb": "ACCEPTED HUB DEPOT OFD CARDED PARCELSHOP HELD DAMAGED RTS RETURNED DELIVERED",
    "dhl-de": "PCKDU ULFMV LDTMV PO NTDEL CNRFC EXPHD DMGDS RETRN SIM-RT DLVRD",
    "hermes-de": "1900 1510 2300 3000 3731 3410 4100 3740 6080 7500 3500",
    "parcel-de": "1000 2000 2100 3000 4000 5000 6000 4600 4500 4700 3500",
    "la-poste": "PC1 ET1 ET3 MD2 ND1 AG1 PB1 SIM-DM RE1 DI2 DI1",
}
_CODE_OF = {family: dict(zip(_ORDER, codes.split(), strict=True)) for family, codes in _CODES.items()}
_CODE_OF["dhl-de"][Meaning.RETRACTION] = "STORN"
_RETRACTED = "RETRACTED"
"""What the others write; the scan they take back is named beside it."""

FAMILY_OF_CARRIER = {
    "usps": "usps", "ups": "ups", "fedex": "fedex",
    "canpar": "canada", "canada-post": "canada",
    "royal-mail": "royal-mail", "parcelforce": "royal-mail",
    "evri": "parcel-gb", "dpd-uk": "parcel-gb",
    "dhl-de": "dhl-de", "hermes-de": "hermes-de", "dpd-de": "parcel-de",
    "colissimo": "la-poste", "chronopost": "la-poste", "mondial-relay": "la-poste",
}  # fmt: skip

SCAN_TEXT = {
    Meaning.ACCEPTED: "Parcel accepted",
    Meaning.HUB: "Processed at sorting hub",
    Meaning.DEPOT: "Departed facility",
    Meaning.OUT_FOR_DELIVERY: "Out for delivery",
    Meaning.ATTEMPT_FAILED: "Delivery attempted, nobody home",
    Meaning.AVAILABLE_FOR_PICKUP: "Waiting at the pick-up point",
    Meaning.HELD: "Held: weather delay",
    Meaning.DAMAGED: "Damage noticed, parcel repacked",
    Meaning.RETURN_TO_SENDER: "Undeliverable, returning to sender",
    Meaning.RETURNED: "Returned to sender",
    Meaning.DELIVERED: "Delivered",
    Meaning.RETRACTION: "Previous event deleted by driver",
}


def scan_code(carrier: str, meaning: Meaning) -> str:
    """Return the carrier's code for `meaning`. Raises KeyError for a carrier that is not simulated."""
    codes = _CODE_OF[FAMILY_OF_CARRIER[carrier]]
    return codes.get(Meaning.RETRACTION, _RETRACTED) if meaning is Meaning.RETRACTION else codes[meaning]
