"""Accounts at the carriers' simulators, which test orders are bought with. A tenant has one at every simulated carrier
without binding it; the simulators take any client whose secret is `secret-` and its id.
"""

from __future__ import annotations

from collections.abc import Mapping

from linkstar_carriers.account import AccountIncomplete, CarrierAccount
from linkstar_contracts.values import Consignee

__all__ = ["SENDERS", "SIMULATED", "simulated_account"]

SIMULATED: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "usps": (("client_id", "client_secret"), {"crid": "12345678", "mid": "123456"}),
    "ups": (("client_id", "client_secret"), {}),
    "fedex": (("client_id", "client_secret"), {"smart_post_hub": "5015"}),
    "dpd-de": (("login", "password"), {}),
    "hermes-de": (("client_id", "client_secret", "username", "password"), {}),
    "evri": (("username", "password"), {"client_name": "Simulated"}),
    "canada-post": (("username", "password"), {"contract_id": "0012345678"}),
    "canpar": (("user_id", "password"), {}),
}
"""Names of the credentials and the settings by connector."""

_PHONES = {"US": "+1 973 555 0100", "CA": "+1 905 555 0100", "GB": "+44 113 496 0100", "DE": "+49 40 5550100",
           "FR": "+33 1 99 00 01 00"}  # fmt: skip
_DOCKS = {
    "US": ("100 Warehouse Road", "Newark", "NJ", "07105"), "CA": ("100 Warehouse Road", "Mississauga", "ON", "L5T 1A1"),
    "GB": ("100 Warehouse Road", "Leeds", "", "LS9 8AG"), "DE": ("Hafenstrasse 7", "Hamburg", "", "20457"),
    "FR": ("7 Quai du Port", "Lille", "", "59000"),
}  # fmt: skip

SENDERS: Mapping[str, Consignee] = {
    country: Consignee(
        name="Test Dock", street=street, city=city, region=region, postcode=postcode, country=country,
        phone=_PHONES[country],
    )
    for country, (street, city, region, postcode) in _DOCKS.items()
}  # fmt: skip
"""Where test parcels are said to come from, by the country of their warehouse."""


def simulated_account(connector: str, simulator_url: str, tenant: str) -> CarrierAccount:
    """Return a tenant's account at a simulated carrier. Raises `AccountIncomplete` where there is no such simulator."""
    if not simulator_url or connector not in SIMULATED:
        raise AccountIncomplete("no_simulator", f"this deployment has no simulator of {connector}")
    secrets, settings = SIMULATED[connector]
    filled = {name: f"secret-{tenant}" if name in ("client_secret", "password") else tenant for name in secrets}
    return CarrierAccount(connector, f"{simulator_url}/{connector}", "000001", filled, settings, test=True)
