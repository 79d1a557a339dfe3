"""Where a connector may send credentials and shipments: its carrier's own hosts, and simulators on this machine.

An account is bound by a seller, so its URLs are not to be trusted: anything else would let a seller make this service call
whatever it can reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from linkstar_labeler.carriers.remote.account import LOOPBACK, AccountIncomplete, CarrierAccount

__all__ = ["HOSTS", "check_hosts"]

HOSTS: Mapping[str, frozenset[str]] = {
    "usps": frozenset({"apis.usps.com", "apis-tem.usps.com"}),
    "ups": frozenset({"onlinetools.ups.com", "wwwcie.ups.com"}),
    "fedex": frozenset({"apis.fedex.com", "apis-sandbox.fedex.com"}),
    "dpd-de": frozenset({"api.dpdgroup.com", "api-preprod.dpsin.dpdgroup.com"}),
    "hermes-de": frozenset({
        "de-api.hermesworld.com", "de-api-int.hermesworld.com", "authme.myhermes.de", "authme-int.myhermes.de",
    }),
    "evri": frozenset({"www.hermes-europe.co.uk", "sit.hermes-europe.co.uk"}),
    "canpar": frozenset({"canship.canpar.com", "sandbox.canpar.com"}),
}  # fmt: skip
"""The hosts of every connector: production, the carrier's own sandbox, and where it signs in."""


def check_hosts(account: CarrierAccount, simulators: bool) -> None:
    """Raise `AccountIncomplete` unless every URL of the account is a host of its carrier, or a simulator where allowed."""
    urls = [account.base_url, *(text for name, text in account.settings.items() if name.endswith("_url") and text)]
    for url in urls:
        host = urlsplit(url).hostname or ""
        if host in LOOPBACK and simulators:
            continue
        if host not in HOSTS.get(account.connector, frozenset()):
            raise AccountIncomplete("unknown_host", f"{host} is no host of {account.connector}")
