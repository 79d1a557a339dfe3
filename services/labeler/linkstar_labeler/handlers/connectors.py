"""Connectors by account, as purchases ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from linkstar_contracts.values import Consignee
from linkstar_labeler.domain.connector import CarrierConnector
from linkstar_labeler.store import AccountKey
from linkstar_runtime.handling import Transaction

__all__ = ["BoundConnector", "Connectors"]


@dataclass(frozen=True, slots=True)
class BoundConnector:
    """A connector with what its account adds: where parcels are sent from, and how much dearer than its route a label may
    be, in percent.
    """

    connector: CarrierConnector
    senders: dict[str, Consignee]
    """By warehouse code, or by country for all its warehouses; `*` stands for all others."""
    drift_percent: int = 10
    usable: bool = True
    """False where the account is gone, suspended or incomplete: a new purchase is refused, what waits for an answer
    goes on waiting.
    """

    def sender(self, warehouse: str, country: str = "") -> Consignee | None:
        """Return the address of a warehouse."""
        return self.senders.get(warehouse) or self.senders.get(country) or self.senders.get("*")


class Connectors(Protocol):
    """Connectors by account."""

    async def of(self, tx: Transaction, account: AccountKey) -> BoundConnector:
        """Return the connector of an account; one that refuses everything where the account is gone or suspended."""
