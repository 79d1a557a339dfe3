"""Money: double-entry postings in integer minor units, and who is admitted when a wallet does not cover everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from linkstar_contracts.values import Money

__all__ = [
    "CLAIMS", "COSTS", "FEES", "FUNDING", "HELD", "INSURANCE", "WALLET", "Account", "Entry", "admit", "carrier_disputed",
    "carrier_payable", "wallet_changes",
]  # fmt: skip

WALLET = "wallet"
HELD = "wallet_held"
"""Set aside for a label that is being bought."""
FUNDING = "platform_funding"
FEES = "platform_fees"
CLAIMS = "carrier_claims"
INSURANCE = "insurance_payable"
COSTS = "platform_costs"

Payer = TypeVar("Payer", bound=Hashable)
Account = tuple[str, str]
"""Tenant and currency: the identity of a wallet."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement from one account to another; its two legs sum to zero. `posting_id` is used once per tenant."""

    tenant: str
    posting_id: str
    amount: Money
    from_account: str
    to_account: str
    shipment_id: str | None = None
    reference: str = ""

    @property
    def wallet(self) -> Account:
        """The wallet it touches."""
        return self.tenant, self.amount.currency

    @property
    def wallet_change(self) -> int:
        """What it does to the wallet's balance, in minor units."""
        if self.to_account == WALLET:
            return self.amount.amount_minor
        return -self.amount.amount_minor if self.from_account == WALLET else 0


def carrier_payable(carrier: str) -> str:
    """Return the account of what a carrier will bill us."""
    return f"carrier_payable:{carrier}"


def carrier_disputed(carrier: str) -> str:
    """Return the account of what a carrier has billed and we contest."""
    return f"carrier_disputed:{carrier}"


def wallet_changes(entries: Iterable[Entry]) -> dict[Account, int]:
    """Sum the entries per wallet, in sorted order: the order in which wallets are locked everywhere."""
    total: Counter[Account] = Counter()
    for entry in entries:
        total[entry.wallet] += entry.wallet_change
    return {account: total[account] for account in sorted(total)}


def admit(charges: Sequence[tuple[Payer, int]], available: Mapping[Payer, int]) -> list[bool]:
    """Tell for each charge, in order, whether what its payer has covers it after the earlier ones that were admitted.

    Partial funds therefore buy the earliest; a later, smaller charge may still fit where a larger one did not.
    """
    left = dict(available)
    admitted = []
    for account, amount in charges:
        fits = amount <= 0 or amount <= left.get(account, 0)
        if fits:
            left[account] = left.get(account, 0) - amount
        admitted.append(fits)
    return admitted
