"""Books a pickup: stored here, at most one per account, warehouse and day; the carrier is asked after this transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from linkstar_labeler.domain.hand_overs import zone_of
from linkstar_labeler.domain.leases import Lease
from linkstar_labeler.domain.pickups import Pickup, PickupKey
from linkstar_labeler.handlers.closing import paper_number
from linkstar_labeler.handlers.connectors import Connectors
from linkstar_labeler.store import PLATFORM, StoredAccount
from linkstar_labeler.store.accounts import accounts_of_carrier
from linkstar_labeler.store.pickups import add_pickup, pickup_of_day
from linkstar_labeler.store.unmanifested import draw_numbers, lock_series, to_collect, warehouse_zone
from linkstar_runtime.handling import Transaction

__all__ = ["PickupOrder", "PickupRefused", "book"]

_DAYS_AHEAD = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PickupOrder:
    """A driver to be sent to a warehouse on a day, between two local times. None: as the labels to collect tell it."""

    tenant: str
    warehouse: str
    carrier: str
    account: str | None
    day: date
    ready: time
    closes: time
    timezone: str | None
    parcels: int | None
    weight_g: int | None
    key_id: str


class PickupRefused(ValueError):
    """Why a pickup is not booked: a stable code, what is wrong, in which field, and how to mend it."""

    def __init__(self, code: str, title: str, fix: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {title}")
        self.code, self.title, self.fix, self.field = code, title, fix, field


async def book(tx: Transaction, connectors: Connectors, order: PickupOrder, wall: datetime) -> PickupKey:
    """Store a pickup that its carrier is asked for next. Raises `PickupRefused`."""
    issued = await lock_series(tx, order.tenant, "pickup") + 1
    account = await _account(tx, connectors, order)
    collect = await to_collect(tx, order.tenant, order.warehouse, account, order.day)
    zone = order.timezone or await warehouse_zone(tx, order.tenant, order.warehouse) or collect.timezone
    ready_at, closes_at = _times(order, zone, tx.now)
    if earlier := await pickup_of_day(tx, order.tenant, order.warehouse, account.key, order.day):
        raise PickupRefused(
            "pickup_exists", f"Pickup {earlier} is booked, or may be, for this day",
            "Cancel it first, or choose another day.", "day",
        )  # fmt: skip
    parcels, weight_g = order.parcels or collect.parcels, order.weight_g or collect.weight_g
    if not parcels or not weight_g:
        raise PickupRefused(
            "nothing_to_collect", "No label waits for this day", "Name parcels and weight_g, or buy labels first.", "parcels"
        )  # fmt: skip
    key = PickupKey(order.tenant, paper_number("P", issued))
    pickup = Pickup(
        key, order.warehouse, collect.country, order.carrier, order.day, ready_at, closes_at, parcels, weight_g, Lease(wall)
    )  # fmt: skip
    await add_pickup(tx, pickup, account.key, str(zone), order.key_id)
    await draw_numbers(tx, order.tenant, "pickup", issued)
    return key


async def _account(tx: Transaction, connectors: Connectors, order: PickupOrder) -> StoredAccount:
    """Return the one account whose carrier can be asked for drivers: the tenant's own goes before the platform's."""
    found: dict[str, StoredAccount] = {}
    for stored in await accounts_of_carrier(tx, [PLATFORM, order.tenant], order.carrier):
        wanted = stored.key.account == order.account if order.account else not stored.test
        bound = await connectors.of(tx, stored.key)
        own = stored.key.tenant == order.tenant
        if (
            wanted
            and bound.usable
            and bound.connector.capabilities.pickups
            and (own or stored.key.account not in found)
        ):
            found[stored.key.account] = stored
    if not found:
        raise PickupRefused(
            "pickup_not_offered", f"LinkStar cannot ask {order.carrier} for a driver with this account",
            "Ask the carrier, or bind an account whose carrier takes pickups (docs/carriers.md).", "carrier",
        )  # fmt: skip
    if len(found) > 1:
        raise PickupRefused(
            "account_ambiguous", f"There are several accounts: {', '.join(sorted(found))}", "Name one.", "account"
        )
    return next(iter(found.values()))


def _times(order: PickupOrder, zone: str | None, now: datetime) -> tuple[datetime, datetime]:
    try:
        place = zone_of(zone or "")
    except ValueError as error:
        raise PickupRefused(
            "timezone_unknown", "The warehouse's time zone is not known", "Name an IANA time zone.", "timezone"
        ) from error
    local = (datetime.combine(order.day, each, place) for each in (order.ready, order.closes))
    ready_at, closes_at = (each.astimezone(UTC) for each in local)
    if not ready_at < closes_at:
        raise PickupRefused(
            "times_reversed", "The warehouse closes before the parcels are ready", "Swap them.", "closes"
        )
    if not now < closes_at <= now + _DAYS_AHEAD:
        raise PickupRefused(
            "day_too_far", "A driver can be sent from now to 30 days ahead", "Choose another day.", "day"
        )
    return ready_at, closes_at
