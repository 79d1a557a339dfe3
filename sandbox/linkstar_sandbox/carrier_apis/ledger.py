"""What was truly sold, voided and manifested: the witness that LinkStar's own ledger is compared with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

__all__ = ["Ledger", "Sale", "fingerprint"]


@dataclass
class Sale:
    """One shipment a carrier charged for."""

    carrier: str
    account: str
    carrier_id: str
    tracking_numbers: list[str]
    charged_minor: int
    currency: str
    sold_at: datetime
    service: str
    reference: str = ""
    key: str = ""
    body: str = ""
    """Fingerprint of the request, without personal data."""
    ship_on: str = ""
    voided_at: datetime | None = None
    manifest: str = ""
    reprints: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    """What the carrier needs to answer about it again."""

    def as_json(self) -> dict[str, Any]:
        """Return the sale as the snapshot shows it."""
        return {
            "carrier": self.carrier, "account": self.account, "carrier_id": self.carrier_id,
            "tracking_numbers": self.tracking_numbers, "charged_minor": self.charged_minor, "currency": self.currency,
            "sold_at": self.sold_at.isoformat(), "service": self.service, "reference": self.reference, "key": self.key,
            "voided": self.voided_at is not None, "manifest": self.manifest,
        }  # fmt: skip


class Ledger:
    """Every sale of every simulated carrier, in order, and what else happened."""

    def __init__(self) -> None:
        self.sales: list[Sale] = []
        self.pickups: list[dict[str, str]] = []
        self.calls: dict[str, int] = {}
        self._serial = 0

    def serial(self) -> int:
        """Return a number nobody had before."""
        self._serial += 1
        return self._serial

    def count(self, carrier: str, operation: str) -> None:
        """Note that an operation was asked for."""
        name = f"{carrier}/{operation}"
        self.calls[name] = self.calls.get(name, 0) + 1

    def add(self, sale: Sale) -> Sale:
        """Write a sale down: from now on it is charged."""
        self.sales.append(sale)
        return sale

    def of(self, carrier: str, account: str) -> Iterator[Sale]:
        """Yield an account's sales, newest first."""
        return (sale for sale in reversed(self.sales) if (sale.carrier, sale.account) == (carrier, account))

    def by_key(self, carrier: str, account: str, key: str) -> Sale | None:
        """Return what was sold under a key."""
        return next((sale for sale in self.of(carrier, account) if key and sale.key == key), None)

    def by_number(self, carrier: str, account: str, number: str) -> Sale | None:
        """Return the sale a tracking number or the carrier's own id names."""
        return next(
            (
                sale
                for sale in self.of(carrier, account)
                if number == sale.carrier_id or number in sale.tracking_numbers
            ),
            None,
        )

    def by_reference(self, carrier: str, account: str, reference: str) -> list[Sale]:
        """Return what was sold under a reference, newest first."""
        return [sale for sale in self.of(carrier, account) if reference and sale.reference == reference]

    def keep(self, path: Path) -> None:
        """Write everything down, so that a simulator that starts later knows it."""
        kept = {"serial": self._serial, "sales": _SALES.dump_python(self.sales, mode="json"), "pickups": self.pickups}
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(kept), "utf-8")
        unfinished.replace(path)

    @classmethod
    def kept(cls, path: Path) -> Ledger:
        """Return the ledger that was kept; an empty one where there is none."""
        ledger = cls()
        if path.exists():
            found = json.loads(path.read_text("utf-8"))
            ledger._serial, ledger.pickups = found["serial"], found["pickups"]
            ledger.sales = _SALES.validate_python(found["sales"])
        return ledger

    def snapshot(self, carrier: str | None = None) -> dict[str, Any]:
        """Return all sales, and the sums that are still charged by carrier, account and currency."""
        shown = [sale for sale in self.sales if carrier in (None, sale.carrier)]
        charged: dict[str, int] = {}
        for sale in shown:
            if sale.voided_at is None:
                name = f"{sale.carrier}/{sale.account}/{sale.currency}"
                charged[name] = charged.get(name, 0) + sale.charged_minor
        return {
            "sales": [sale.as_json() for sale in shown], "charged": charged, "pickups": self.pickups, "calls": self.calls,
        }  # fmt: skip


_SALES: TypeAdapter[list[Sale]] = TypeAdapter(list[Sale])


def fingerprint(body: Any) -> str:
    """Return the hash by which two requests are told apart."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
