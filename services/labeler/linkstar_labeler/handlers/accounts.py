"""Connectors of bound accounts: one per account and process, made anew when the account changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linkstar_contracts.values import Consignee
from linkstar_labeler import store
from linkstar_labeler.carriers.remote import AccountIncomplete, CarrierAccount, connect, open_http
from linkstar_labeler.carriers.remote.unbound import Unbound
from linkstar_labeler.domain.connector import CarrierConnector
from linkstar_labeler.handlers.connectors import BoundConnector
from linkstar_labeler.store import AccountKey, StoredAccount
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Transaction
from linkstar_runtime.vault import Vault, VaultError

__all__ = ["AccountConnectors", "secret_name"]


@dataclass(frozen=True, slots=True)
class _Made:
    version: int
    bound: BoundConnector


class AccountConnectors:
    """`Connectors` over the table of accounts. All share one HTTP client, which is opened with the first. Only with
    `simulators` may an account name a carrier on this machine.
    """

    def __init__(self, vault: Vault, clock: Clock, *, simulators: bool, call_s: float = 45.0) -> None:
        self._vault, self._clock, self._simulators, self._call_s = vault, clock, simulators, call_s
        self._http: Any = None
        self._made: dict[AccountKey, _Made] = {}

    async def of(self, tx: Transaction, account: AccountKey) -> BoundConnector:
        """Return an account's connector as the account stands in this transaction."""
        stored = await store.read_account(tx, account)
        if stored is None or stored.suspended:
            code = "account_suspended" if stored else "account_unbound"
            return BoundConnector(Unbound(account.carrier, code, f"Account {account.account} cannot be used"), {})
        made = self._made.get(account)
        if made is None or made.version != stored.version:
            made = self._made[account] = _Made(stored.version, self._bind(stored))
        return made.bound

    def connector(self, account: CarrierAccount) -> CarrierConnector:
        """Return a connector of an account that is not stored yet. Raises `AccountIncomplete`."""
        self._http = self._http or open_http()
        return connect(account, self._http, self._clock, simulators=self._simulators, call_s=self._call_s)

    def _bind(self, stored: StoredAccount) -> BoundConnector:
        try:
            connector = self.connector(self._opened(stored))
        except (AccountIncomplete, VaultError) as error:
            return BoundConnector(Unbound(stored.key.carrier, error.code, str(error)), {})
        senders = {code: Consignee.model_validate(address) for code, address in stored.settings["senders"].items()}
        return BoundConnector(connector, senders, stored.settings["drift_percent"])

    def _opened(self, stored: StoredAccount) -> CarrierAccount:
        sealed = self._vault.open_secret(stored.key.tenant, secret_name(stored.key), stored.credentials)
        credentials: Mapping[str, str] = json.loads(sealed)
        own = stored.settings
        return CarrierAccount(stored.connector, stored.base_url, own["number"], credentials, own["connector"])


def secret_name(key: AccountKey) -> str:
    """Return the name an account's credentials are sealed under."""
    return f"{key.carrier}/{key.account}"
