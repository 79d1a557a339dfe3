"""Connectors of bound accounts: one per account and process, made anew when the account changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from linkstar_carriers.standing import AccountStanding
from linkstar_contracts.values import Consignee
from linkstar_labeler import store
from linkstar_labeler.carriers.remote import AccountIncomplete, CarrierAccount, connect, open_http
from linkstar_labeler.carriers.remote.simulated import SENDERS, SIMULATED, simulated_account
from linkstar_labeler.carriers.remote.unbound import Unbound
from linkstar_labeler.domain.connector import CarrierConnector
from linkstar_labeler.handlers.connectors import BoundConnector
from linkstar_labeler.store import PLATFORM, SIMULATOR, AccountKey, StoredAccount
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Transaction
from linkstar_runtime.vault import Vault, VaultError

__all__ = ["AccountConnectors", "secret_name"]


@dataclass(frozen=True, slots=True)
class _Made:
    version: int
    bound: BoundConnector


class AccountConnectors:
    """`Connectors` over the table of accounts. All share one HTTP client, which is opened with the first. With `simulators`
    this is a sandbox, where no account names a host that sells real labels; the simulators are at `simulator_url`.
    """

    def __init__(
        self, vault: Vault, clock: Clock, *, simulators: bool, simulator_url: str = "", call_s: float = 45.0
    ) -> None:
        self._vault, self._clock, self._call_s = vault, clock, call_s
        self._simulators, self._simulator_url = simulators, simulator_url
        self._http: Any = None
        self._made: dict[AccountKey, _Made] = {}

    def standing(self, stored: StoredAccount) -> AccountStanding | None:
        """Return how fast this process may call the account now; None where it has not used it as it stands."""
        made = self._made.get(stored.key)
        return made.bound.connector.standing if made and made.version == stored.version else None

    async def of(self, tx: Transaction, account: AccountKey) -> BoundConnector:
        """Return an account's connector as the account stands in this transaction."""
        if account.account == SIMULATOR:
            return self._at_simulator(account)
        stored = await store.read_account(tx, account)
        if stored is None or stored.suspended:
            code = "account_suspended" if stored else "account_unbound"
            return _unusable(account.carrier, code, f"Account {account.account} cannot be used")
        made = self._made.get(account)
        if made is None or made.version != stored.version:
            made = self._made[account] = _Made(stored.version, self._bind(stored))
        return made.bound

    def connector(self, account: CarrierAccount) -> CarrierConnector:
        """Return a connector of an account that is not stored yet. Raises `AccountIncomplete`."""
        self._http = self._http or open_http()
        return connect(
            account, self._http, self._clock, simulators=self._simulators, simulator_url=self._simulator_url,
            call_s=self._call_s,
        )  # fmt: skip

    def simulated_services(self) -> dict[str, frozenset[str]]:
        """Return what is bought at the simulators for test orders: services by carrier, nothing without simulators."""
        if not self._simulator_url:
            return {}
        found = {}
        for name in SIMULATED:
            with suppress(AccountIncomplete):  # what an extra brings that is not installed
                connector = self.connector(simulated_account(name, self._simulator_url, PLATFORM))
                found[connector.carrier] = connector.capabilities.services
        return found

    def place(self, connector: str, base_url: str, test: bool) -> str:
        """Return where an account's calls go: to the URL it names, else to the simulator, wherever that is today.

        Raises `AccountIncomplete` for a nameless place in production, or where there is no simulator.
        """
        if base_url:
            return base_url
        if not (test or self._simulators):
            raise AccountIncomplete("base_url_required", "an account for real labels names its carrier's host")
        if not self._simulator_url:
            raise AccountIncomplete("no_simulator", f"this deployment has no simulator of {connector}")
        return f"{self._simulator_url}/{connector}"

    def _at_simulator(self, key: AccountKey) -> BoundConnector:
        if key not in self._made:
            try:
                account = simulated_account(key.carrier, self._simulator_url, key.tenant)
            except AccountIncomplete as error:
                return _unusable(key.carrier, error.code, str(error))
            self._made[key] = _Made(0, BoundConnector(self.connector(account), dict(SENDERS)))
        return self._made[key].bound

    def _bind(self, stored: StoredAccount) -> BoundConnector:
        try:
            connector = self.connector(self._opened(stored))
        except (AccountIncomplete, VaultError) as error:
            return _unusable(stored.key.carrier, error.code, str(error))
        senders = {code: Consignee.model_validate(address) for code, address in stored.settings["senders"].items()}
        return BoundConnector(connector, senders, stored.settings["drift_percent"])

    def _opened(self, stored: StoredAccount) -> CarrierAccount:
        sealed = self._vault.open_secret(stored.key.tenant, secret_name(stored.key), stored.credentials)
        credentials: Mapping[str, str] = json.loads(sealed)
        own = stored.settings
        base_url = self.place(stored.connector, stored.base_url, stored.test)
        return CarrierAccount(
            stored.connector, base_url, own["number"], credentials, own["connector"], stored.test
        )  # fmt: skip


def _unusable(carrier: str, code: str, detail: str) -> BoundConnector:
    return BoundConnector(Unbound(carrier, code, detail), {}, usable=False)


def secret_name(key: AccountKey) -> str:
    """Return the name an account's credentials are sealed under."""
    return f"{key.carrier}/{key.account}"
