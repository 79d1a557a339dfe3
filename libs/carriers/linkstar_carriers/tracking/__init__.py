"""Carriers that can be asked where parcels are, by accounts that buy nothing."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from linkstar_carriers.account import AccountIncomplete, CarrierAccount
from linkstar_carriers.hosts import check_hosts
from linkstar_carriers.scans import TracksParcels
from linkstar_carriers.tracking.fedex import FedexTracking
from linkstar_carriers.tracking.ups import UpsTracking
from linkstar_carriers.tracking.usps import UspsTracking
from linkstar_carriers.transport import Limits
from linkstar_runtime.clock import Clock

__all__ = ["TRACKED", "connect"]

TRACKED: dict[str, Callable[[CarrierAccount, httpx.AsyncClient, Clock, Limits], TracksParcels]] = {
    "usps": UspsTracking,
    "ups": UpsTracking,
    "fedex": FedexTracking,
}
"""Every carrier that is polled."""

_LIMITS = Limits(read_s=15.0, whole_s=20.0, reply_bytes=1024 * 1024, per_s=20.0, burst=20, at_once=8)


def connect(
    account: CarrierAccount,
    http: httpx.AsyncClient,
    clock: Clock,
    *,
    simulators: bool = True,
    simulator_url: str = "",
    limits: Limits = _LIMITS,
) -> TracksParcels:
    """Return the account's client: make one per account and process, for it holds token, pace and circuit breaker.

    Raises `AccountIncomplete` for an account that lacks what its carrier needs, or names a host it may not call
    (`check_hosts`). Nothing is sent.
    """
    make = TRACKED.get(account.connector)
    if make is None:
        raise AccountIncomplete("carrier_not_polled", f"{account.connector} cannot be asked where parcels are")
    check_hosts(account, simulators, simulator_url)
    return make(account, http, clock, limits)
