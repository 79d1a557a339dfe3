"""What a label costs, divided among those it is owed to: the carrier, the platform for its fee, the insurer.

The parts of one price are entries of one posting set: `shipment|capture|attempt`, `shipment|capture.platform_fee|attempt`.
"""

from __future__ import annotations

from collections.abc import Iterator

from linkstar_contracts.events import RouteChosen
from linkstar_contracts.values import Money
from linkstar_labeler.domain.ledger import FEES, HELD, INSURANCE, WALLET, Entry, carrier_payable
from linkstar_labeler.domain.shipments import charge_of

__all__ = ["capture", "hold", "refund", "release"]

_OTHERS = {"platform_fee": FEES, "insurance": INSURANCE}
"""Charge lines that are not the carrier's, and the account each is owed on."""


def capture(route: RouteChosen, source: str = WALLET) -> list[Entry]:
    """Return the entries that pay for a label; none where nothing is charged."""
    return [
        Entry(
            route.tenant, f"{route.shipment_id}|capture{part}|{route.version}", amount, source, owed, route.shipment_id
        )
        for part, owed, amount in _parts(route)
    ]


def refund(route: RouteChosen) -> list[Entry]:
    """Return the entries that give all of `capture` back to the wallet."""
    return [
        Entry(
            route.tenant, f"{route.shipment_id}|refund{part}|{route.version}", amount, owed, WALLET, route.shipment_id
        )
        for part, owed, amount in _parts(route)
    ]


def hold(route: RouteChosen) -> list[Entry]:
    """Return the entry that sets the price aside while the label is being bought."""
    return _whole(route, "hold", WALLET, HELD)


def release(route: RouteChosen) -> list[Entry]:
    """Return the entry that gives back what `hold` set aside."""
    return _whole(route, "release", HELD, WALLET)


def _whole(route: RouteChosen, kind: str, source: str, target: str) -> list[Entry]:
    total = charge_of(route)
    posting_id = f"{route.shipment_id}|{kind}|{route.version}"
    return [Entry(route.tenant, posting_id, total, source, target, route.shipment_id)] if total.amount_minor else []


def _parts(route: RouteChosen) -> Iterator[tuple[str, str, Money]]:
    """Yield the name of each part, the account it is owed on and its amount; the amounts sum to the price."""
    total = charge_of(route)
    left = total.amount_minor
    if not left:
        return
    for code, amount in _others(route, left).items():
        left -= amount
        yield f".{code}", _OTHERS[code], Money(amount_minor=amount, currency=total.currency)
    if left:
        carriers = total if left == total.amount_minor else Money(amount_minor=left, currency=total.currency)
        yield "", carrier_payable(route.route.carrier), carriers


def _others(route: RouteChosen, total: int) -> dict[str, int]:
    """Sum what is not the carrier's by code; nothing where these lines cannot be part of the price."""
    found: dict[str, int] = {}
    for line in route.route.lines:
        if line.code in _OTHERS:
            found[line.code] = found.get(line.code, 0) + line.amount.amount_minor
    return found if found and min(found.values()) > 0 and sum(found.values()) <= total else {}
