"""Where a connector may send credentials and shipments: its carrier's own hosts, and simulators.

An account is bound by a seller, so its URLs are not to be trusted: anything else would let a seller make this service call
whatever it can reach. Nothing that is a test ever reaches a host that sells real labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from linkstar_carriers.account import LOOPBACK, AccountIncomplete, CarrierAccount, parts_of

__all__ = ["HOSTS", "Hosts", "check_hosts"]


class Hosts(NamedTuple):
    """A carrier's hosts: where labels are real, and its own sandbox."""

    live: frozenset[str]
    trial: frozenset[str]


HOSTS: Mapping[str, Hosts] = {
    "usps": Hosts(frozenset({"apis.usps.com"}), frozenset({"apis-tem.usps.com"})),
    "ups": Hosts(frozenset({"onlinetools.ups.com"}), frozenset({"wwwcie.ups.com"})),
    "fedex": Hosts(frozenset({"apis.fedex.com"}), frozenset({"apis-sandbox.fedex.com"})),
    "dpd-de": Hosts(frozenset({"api.dpdgroup.com"}), frozenset({"api-preprod.dpsin.dpdgroup.com"})),
    "hermes-de": Hosts(
        frozenset({"de-api.hermesworld.com", "authme.myhermes.de"}),
        frozenset({"de-api-int.hermesworld.com", "authme-int.myhermes.de"}),
    ),
    "evri": Hosts(frozenset({"www.hermes-europe.co.uk"}), frozenset({"sit.hermes-europe.co.uk"})),
    "canada-post": Hosts(frozenset({"soa-gw.canadapost.ca"}), frozenset({"ct.soa-gw.canadapost.ca"})),
    "canpar": Hosts(frozenset({"canship.canpar.com"}), frozenset({"sandbox.canpar.com"})),
}
"""The hosts of every connector, with those it signs in at."""


def check_hosts(account: CarrierAccount, simulators: bool, simulator_url: str = "") -> None:
    """Raise `AccountIncomplete` unless every URL of the account is one it may call.

    A test account, and every account of a sandbox (`simulators`), names a simulator or its carrier's own sandbox; another
    account of production never names a simulator. A simulator is on this machine in a sandbox, or at `simulator_url`.
    """
    own = HOSTS.get(account.connector, Hosts(frozenset(), frozenset()))
    for url in (account.base_url, *(text for name, text in account.settings.items() if name.endswith("_url") and text)):
        where = parts_of(url)
        host, is_test = where.hostname or "", account.test or simulators
        if simulators and host in LOOPBACK:
            continue
        if is_test and simulator_url and where[:2] == urlsplit(simulator_url)[:2]:
            continue
        if host not in own.live | own.trial:
            raise AccountIncomplete("unknown_host", f"{host} is no host of {account.connector}")
        if is_test and host in own.live:
            raise AccountIncomplete("live_host", f"{host} sells real labels: no test order may reach it")
