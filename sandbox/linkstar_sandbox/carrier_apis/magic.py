"""Test addresses and tracking numbers that every simulated carrier knows, so that an outcome can be had by order."""

from __future__ import annotations

from linkstar_sandbox.carrier_apis.faults import FaultKind

__all__ = ["STREETS", "TRACKING", "refusal_of", "spoilt_by"]

STREETS = {
    "1 UNDELIVERABLE WAY": "undeliverable",
    "2 NO FUNDS STREET": "no_funds",
    "3 NO SERVICE ROAD": "no_service",
    "4 PRICE JUMP LANE": FaultKind.PRICE_CHANGE,
    "5 HUGE LABEL AVENUE": FaultKind.HUGE_LABEL,
    "6 WRONG LABEL COURT": FaultKind.WRONG_LABEL,
    "7 WRONG CURRENCY PLACE": FaultKind.WRONG_CURRENCY,
}
"""The receiver's street, in capitals, to what becomes of the purchase."""

TRACKING = {"01": "pre_transit", "02": "accepted", "03": "in_transit", "04": "out_for_delivery", "05": "delivered",
            "06": "attempt_failed", "07": "returned", "08": "unknown"}  # fmt: skip
"""The last two digits of a tracking number that was never sold, to the state it is in."""


def refusal_of(street: str) -> str:
    """Return why a label to this street is refused, or nothing."""
    meaning = STREETS.get(" ".join(street.upper().split()), "")
    return "" if isinstance(meaning, FaultKind) else meaning


def spoilt_by(street: str, fault: FaultKind | None) -> FaultKind | None:
    """Return how the answer about a label to this street is spoilt: by the call's own fault, else by its address."""
    if fault is not None:
        return fault
    meaning = STREETS.get(" ".join(street.upper().split()))
    return meaning if isinstance(meaning, FaultKind) else None
