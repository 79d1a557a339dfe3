"""What a month's volume gives back: carriers' discounts by tier, for a tenant alone or for a pool of tenants together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from linkstar_contracts.values import Money
from linkstar_labeler.domain.ledger import WALLET, Entry, carrier_payable
from linkstar_labeler.domain.months import Month

__all__ = ["Agreement", "Tier", "Volume", "reached", "rebate_entry"]


@dataclass(frozen=True, slots=True)
class Tier:
    """From this many shipments in a month on, this share of all their charges comes back."""

    from_shipments: int
    basis_points: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """A carrier's tiers for a tenant, from a day on, with the evidence for them."""

    tenant: str
    carrier: str
    currency: str
    valid_from: date
    valid_to: date | None
    pool: str | None
    tiers: tuple[Tier, ...]
    source: str
    as_of: date
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Volume:
    """A month with a carrier: shipments bought less those given back, of the tenant and of its pool, and what they cost the
    tenant net.
    """

    shipments: int
    pooled_shipments: int
    charged_minor: int


def reached(tiers: Sequence[Tier], shipments: int) -> int:
    """Return the basis points of the highest tier that so many shipments reach, 0 below the first."""
    return max(
        ((tier.from_shipments, tier.basis_points) for tier in tiers if tier.from_shipments <= shipments), default=(0, 0)
    )[1]


def rebate_entry(agreement: Agreement, month: Month, volume: Volume) -> Entry | None:
    """Return the month's rebate, rounded half up to the minor unit; None where nothing comes back.

    The carrier owes it, so what we owe the carrier becomes less.
    """
    basis_points = reached(agreement.tiers, volume.pooled_shipments)
    amount = (2 * max(volume.charged_minor, 0) * basis_points + 10_000) // 20_000
    if not amount:
        return None
    return Entry(
        agreement.tenant, f"rebate|{month}.{agreement.carrier}|{agreement.currency}",
        Money(amount_minor=amount, currency=agreement.currency), carrier_payable(agreement.carrier), WALLET,
        reference=f"{basis_points} basis points of {volume.charged_minor} for {volume.pooled_shipments} shipments",
    )  # fmt: skip
