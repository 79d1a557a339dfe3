"""Compiles a manifest's surcharge rules and the published amounts into fees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from linkstar_router.domain.manifest import ContractSpec, FeeRule
from linkstar_router.domain.measures import limits_of, parse_limit
from linkstar_router.domain.published import FeeRow
from linkstar_router.domain.tariff import Contract, Fee

__all__ = ["contract_of", "fee_of"]


def fee_of(rule: FeeRule, rows: Sequence[FeeRow], zones: Iterable[str]) -> Fee | None:
    """Return the fee with its amount in each zone, or None on days without amounts."""
    if not rows:
        return None
    amounts = {z: row.amount for z in zones for row in rows if row.zone_from <= _number(z) <= row.zone_to}
    return Fee(
        code=rule.code, detail=rule.detail, group=rule.group or rule.detail, priority=rule.priority, amounts=amounts,
        vat=rows[0].vat, over=limits_of(rule.over), residential=rule.residential, area=rule.area,
        signature=rule.signature, billable_over=_weight(rule.billable_over) or 0,
        billable_up_to=_weight(rule.billable_up_to), min_billable=_weight(rule.min_billable) or 0,
        appointment=rule.appointment, returning=rule.returning, insured=rule.insured,
        value_over=rule.value_over_minor, value_up_to=rule.value_up_to_minor, per_value=rule.per_value_minor,
        minimum=rule.minimum_minor, contents=frozenset(rule.contents), needs=rule.needs,
    )  # fmt: skip


def contract_of(spec: ContractSpec) -> Contract:
    """Return the contract with the tier that its weekly parcels reach."""
    reached = [tier.basis_points for tier in spec.tiers if tier.parcels <= spec.parcels_per_week]
    return Contract(
        spec.basis_points, max(reached, default=0), spec.pooled_basis_points, spec.lines, spec.floor_minor,
        spec.platform_fee_minor, spec.platform_fee_basis_points,
    )  # fmt: skip


def _weight(text: str) -> int | None:
    return parse_limit("weight", text) if text else None


def _number(zone: str) -> int:
    """Return a zone as a number; amounts of named zones are the same everywhere."""
    return int(zone) % 100 if zone.isdigit() else 1
