"""The last step of a price: what a contract takes off the list, its floor, and the fees that come with it."""

from __future__ import annotations

from collections.abc import Sequence

from linkstar_router.domain.tariff import Contract, Line

__all__ = ["agreed", "div_round"]


def div_round(numerator: int, denominator: int) -> int:
    """Divide non-negative integers, half up: the rounding of every line."""
    return (2 * numerator + denominator) // (2 * denominator)


def agreed(contract: Contract, lines: Sequence[Line], parcels: int) -> list[Line]:
    """Return the lines that the contract adds: discounts (negative), then its fees.

    Each discount is taken from what the one before left, and stops at the floor per parcel; what the list itself charges
    below the floor stays as it is.
    """
    left = sum([line.amount for line in lines if line.code in contract.on])
    floor = min(left, contract.floor * parcels)
    made: list[Line] = []
    for code, basis_points in (
        ("contract_discount", contract.basis_points),
        ("volume_discount", contract.tier_basis_points),
        ("pooling_discount", contract.pooled_basis_points),
    ):
        taken = min(div_round(left * basis_points, 10_000), left - floor)
        left -= taken
        if taken:
            made.append(Line(code, -taken, _told(basis_points, left == floor and floor > 0)))
    fee = contract.fee_minor * parcels + div_round(
        sum([line.amount for line in (*lines, *made)]) * contract.fee_basis_points, 10_000
    )
    return [*made, Line("platform_fee", fee, "platform fee")] if fee else made


def _told(basis_points: int, stopped: bool) -> str:
    percent = f"{basis_points // 100}.{basis_points % 100:02d} %"
    return f"{percent}, down to the minimum" if stopped else percent
