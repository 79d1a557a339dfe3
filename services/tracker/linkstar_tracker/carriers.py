"""Accounts that ask carriers where parcels are: one client per account and process, made anew when the account changes."""

from __future__ import annotations

import json
from typing import Any

from linkstar_carriers.account import AccountIncomplete, CarrierAccount
from linkstar_carriers.scans import TracksParcels
from linkstar_carriers.tracking import connect
from linkstar_carriers.transport import open_http
from linkstar_runtime.clock import Clock
from linkstar_runtime.vault import Vault
from linkstar_tracker.settings import PollingSettings
from linkstar_tracker.store import TrackingAccount, TrackingAccountKey

__all__ = ["TrackingClients", "secret_name"]


class TrackingClients:
    """Clients of bound accounts. All share one HTTP client, which is opened with the first unless given; none names a host
    that its account may not call.
    """

    def __init__(self, settings: PollingSettings, http: Any = None) -> None:
        self._settings, self._http = settings, http
        self._made: dict[TrackingAccountKey, tuple[int, TracksParcels]] = {}

    def of(self, account: TrackingAccount, vault: Vault, clock: Clock) -> TracksParcels:
        """Return a stored account's client. Raises `AccountIncomplete` or `VaultError`."""
        version, client = self._made.get(account.key, (0, None))
        if client is None or version != account.version:
            sealed = vault.open_secret(account.key.tenant, secret_name(account.key), account.credentials)
            client = self.client(account.key, account.base_url, json.loads(sealed), clock)
            self._made[account.key] = account.version, client
        return client

    def client(
        self, key: TrackingAccountKey, base_url: str, credentials: dict[str, str], clock: Clock
    ) -> TracksParcels:
        """Return the client of an account that is not stored yet. Raises `AccountIncomplete`; nothing is sent."""
        self._http = self._http or open_http()
        account = CarrierAccount(key.carrier, self._place(key, base_url), "", credentials, test=key.test)
        return connect(
            account, self._http, clock, simulators=self._settings.simulators,
            simulator_url=self._settings.simulator_url,
        )  # fmt: skip

    def _place(self, key: TrackingAccountKey, base_url: str) -> str:
        """Return where an account's calls go: to the URL it names, else to the simulator, wherever that is today."""
        if base_url:
            return base_url
        if not (key.test or self._settings.simulators):
            raise AccountIncomplete("base_url_required", "an account for real parcels names its carrier's host")
        if not self._settings.simulator_url:
            raise AccountIncomplete(
                "no_simulator",
                f"no simulator of {key.carrier} runs here: name the carrier's host as base_url, or `make up` starts them",
            )
        return f"{self._settings.simulator_url}/{key.carrier}"


def secret_name(key: TrackingAccountKey) -> str:
    """Return the name an account's credentials are sealed under."""
    return f"tracking|{key.carrier}|{str(key.test).lower()}"
