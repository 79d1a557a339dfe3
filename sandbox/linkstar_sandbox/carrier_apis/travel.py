"""How far a simulated parcel has come: a sold one travels by the simulator's clock, a test number stands where its last two
digits say.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from linkstar_sandbox.carrier_apis.ledger import Sale
from linkstar_sandbox.carrier_apis.magic import TRACKING
from linkstar_sandbox.carrier_apis.world import World
from linkstar_sandbox.carriers.codes import SCAN_TEXT, Meaning, scan_code

__all__ = ["Passage", "passages"]

_LABELLED = {"usps": ("GX", "Shipping Label Created"), "ups": ("M/MP", "Shipper created a label, UPS has not received it"),
             "fedex": ("OC", "Shipment information sent to FedEx")}  # fmt: skip
_JOURNEY = (
    (Meaning.ACCEPTED, 12), (Meaning.HUB, 26), (Meaning.OUT_FOR_DELIVERY, 56), (Meaning.DELIVERED, 62),
)  # fmt: skip
_HOURS_BETWEEN = 6
_STATES: dict[str, tuple[Meaning, ...]] = {
    "pre_transit": (),
    "accepted": (Meaning.ACCEPTED,),
    "in_transit": (Meaning.ACCEPTED, Meaning.HUB),
    "out_for_delivery": (Meaning.ACCEPTED, Meaning.HUB, Meaning.OUT_FOR_DELIVERY),
    "delivered": (Meaning.ACCEPTED, Meaning.HUB, Meaning.OUT_FOR_DELIVERY, Meaning.DELIVERED),
    "attempt_failed": (Meaning.ACCEPTED, Meaning.HUB, Meaning.OUT_FOR_DELIVERY, Meaning.ATTEMPT_FAILED),
    "returned": (Meaning.ACCEPTED, Meaning.HUB, Meaning.RETURN_TO_SENDER, Meaning.RETURNED),
}


class Passage(NamedTuple):
    """One scan with the carrier's code and words."""

    code: str
    text: str
    at: datetime


def passages(world: World, carrier: str, account: str, number: str) -> list[Passage]:
    """Return the scans of a number, the newest first; nothing for one nobody knows."""
    sale = world.ledger.by_number(carrier, account, number)
    if sale is not None:
        return _of_sale(carrier, sale, world.clock.now())
    state = TRACKING.get(number[-2:], "unknown")
    if state not in _STATES:
        return []
    meanings = _STATES[state]
    begun = world.clock.now() - timedelta(hours=_HOURS_BETWEEN * (len(meanings) + 1))
    told = [(meaning, begun + timedelta(hours=_HOURS_BETWEEN * at)) for at, meaning in enumerate(meanings, 1)]
    return _worded(carrier, begun, told)


def _of_sale(carrier: str, sale: Sale, now: datetime) -> list[Passage]:
    told = [(meaning, sale.sold_at + timedelta(hours=hours)) for meaning, hours in _JOURNEY]
    return _worded(
        carrier, sale.sold_at, [] if sale.voided_at else [(meaning, at) for meaning, at in told if at <= now]
    )


def _worded(carrier: str, labelled_at: datetime, told: list[tuple[Meaning, datetime]]) -> list[Passage]:
    scans = [Passage(scan_code(carrier, meaning), SCAN_TEXT[meaning], at) for meaning, at in told]
    return [Passage(*_LABELLED[carrier], labelled_at), *scans][::-1]
