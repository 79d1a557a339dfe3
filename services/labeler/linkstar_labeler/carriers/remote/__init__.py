"""Carriers reached over the network, each by a connector of the protocol in `domain/connector.py`.

To add one: a module here, a line in `CONNECTORS`, a simulator in the sandbox and a rig in the conformance suite
(`docs/adding-a-carrier.md`).
"""

from __future__ import annotations

from collections.abc import Callable

import httpx

from linkstar_carriers.account import AccountIncomplete, CarrierAccount
from linkstar_carriers.hosts import check_hosts
from linkstar_carriers.transport import Limits, open_http
from linkstar_labeler.carriers.remote.canpar import Canpar
from linkstar_labeler.carriers.remote.dpd import Dpd
from linkstar_labeler.carriers.remote.evri import Evri
from linkstar_labeler.carriers.remote.fedex import Fedex
from linkstar_labeler.carriers.remote.hermes import Hermes
from linkstar_labeler.carriers.remote.karrio import canada_post
from linkstar_labeler.carriers.remote.ups import Ups
from linkstar_labeler.carriers.remote.usps import Usps
from linkstar_labeler.domain.connector import CarrierConnector
from linkstar_runtime.clock import Clock

__all__ = ["CONNECTORS", "AccountIncomplete", "CarrierAccount", "connect", "open_http"]

CONNECTORS: dict[str, Callable[[CarrierAccount, httpx.AsyncClient, Clock, Limits], CarrierConnector]] = {
    "usps": Usps,
    "ups": Ups,
    "fedex": Fedex,
    "dpd-de": Dpd,
    "hermes-de": Hermes,
    "canpar": Canpar,
    "evri": Evri,
    "canada-post": canada_post,
}
"""Every connector by the name an account asks for it."""


def connect(
    account: CarrierAccount,
    http: httpx.AsyncClient,
    clock: Clock,
    limits: Limits | None = None,
    simulators: bool = True,
    simulator_url: str = "",
    call_s: float = 45.0,
) -> CarrierConnector:
    """Return the account's connector: make one per account and process, for it holds token, pace and circuit breaker.

    Raises `AccountIncomplete` for an account that lacks what its connector needs, or names a host it may not call
    (`check_hosts`). Nothing is sent.
    """
    make = CONNECTORS.get(account.connector)
    if make is None:
        raise AccountIncomplete("unknown_connector", f"there is no connector {account.connector}")
    check_hosts(account, simulators, simulator_url)
    return make(account, http, clock, limits or _paced(account, call_s))


def _paced(account: CarrierAccount, call_s: float) -> Limits:
    """Return the limits of a carrier's account: what it was told, or a pace that 429s will halve."""
    per_s = account.number_of("calls_per_s", 20, 0.1, 1_000)
    at_once = account.number_of("calls_at_once", 16, 1, 200)
    return Limits(
        read_s=min(Limits().read_s, call_s), whole_s=call_s,
        per_s=per_s, burst=max(int(per_s * 2), 1), at_once=int(at_once),
    )  # fmt: skip
