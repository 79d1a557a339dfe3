"""Checks of surcharges and fuel: fees that can never be charged or have no amount, weeks that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise

from linkstar_router.domain.areas import Areas
from linkstar_router.domain.checks.findings import Finding
from linkstar_router.domain.manifest import FeeRule, ListSpec, Manifest, ServiceSpec, line_of
from linkstar_router.domain.measures import limits_of, parse_limit
from linkstar_router.domain.published import Shelf
from linkstar_router.domain.tariff import Edition, Service

__all__ = ["fee_findings", "fuel_findings"]

_WEEK = 7


def fee_findings(
    file: str, text: str, manifest: Manifest, service: Service, spec: ServiceSpec, areas: Areas
) -> Iterator[Finding]:
    """Yield the surcharges of a compiled service that can never be charged, or that some zone has no amount for."""
    rules = [rule for rule in manifest.fee if spec.service in rule.services and not rule.on_invoice]
    for rule in rules:
        row = line_of(text, "fee", manifest.fee.index(rule))
        reason = _never(rule, spec, areas) or _outranked(rule, rules) or _lonely(rule, rules)
        if reason:
            what = f"{rule.detail} ({rule.code}) can never be charged on {service.key}: {reason}"
            yield Finding("error", "fee_never_applies", file, row, what, "correct its conditions, or take it out")
    yield from _amount_findings(file, service)


def _never(rule: FeeRule, spec: ServiceSpec, areas: Areas) -> str:
    own = {limit.measure: limit.bound for limit in limits_of(spec.limits)}
    over = limits_of(rule.over)
    if over and all(limit.measure in own and limit.bound >= own[limit.measure] for limit in over):
        return f"the service takes nothing over {', '.join(limit.text for limit in over)}"
    if rule.insured and not spec.insured_up_to_minor:
        return "the service insures nothing (insured_up_to_minor)"
    if rule.appointment and not spec.appointment:
        return "the service delivers without appointment"
    if rule.residential is not None and spec.receiver != "any" and rule.residential != (spec.receiver == "residential"):
        return f"the service delivers to {spec.receiver} addresses only"
    if rule.signature and spec.signature != "fee":
        return f"signature is {spec.signature} there"
    if rule.area in spec.closed_areas:
        return f"the service does not deliver to {rule.area}"
    if rule.area and rule.area not in areas.names:
        return f"no area is called {rule.area}"
    if rule.billable_up_to and parse_limit("weight", rule.billable_up_to) < parse_limit(
        "weight", spec.rounding[0].step
    ):
        return f"no billable weight is as small as {rule.billable_up_to}"
    return ""


def _outranked(rule: FeeRule, rules: Iterable[FeeRule]) -> str:
    """Name a fee of the same group that is charged instead wherever this one would be."""
    for other in rules:
        ahead = other.group == rule.group and rule.group and other.priority > rule.priority
        if ahead and _covers(other, rule):
            return f"{other.detail} ranks before it in group {rule.group} and has wider limits"
    return ""


def _lonely(rule: FeeRule, rules: Iterable[FeeRule]) -> str:
    alone = rule.needs and not any(other.code == rule.needs for other in rules)
    return f"it needs the fee {rule.needs}, which the service does not have" if alone else ""


def _covers(other: FeeRule, rule: FeeRule) -> bool:
    wider = {limit.measure: limit.bound for limit in limits_of(other.over)}
    narrow = limits_of(rule.over)
    sizes = not wider or (
        bool(narrow) and all(limit.measure in wider and wider[limit.measure] <= limit.bound for limit in narrow)
    )
    heavier = not other.billable_up_to or (
        bool(rule.billable_up_to)
        and parse_limit("weight", other.billable_up_to) >= parse_limit("weight", rule.billable_up_to)
    )
    return (
        sizes and heavier
        and other.residential in (None, rule.residential)
        and other.area in ("", rule.area)
        and (rule.signature or not other.signature)
    )  # fmt: skip


def _amount_findings(file: str, service: Service) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for edition in service.editions:
        for fee in edition.fees:
            missing = sorted(_zones_of(edition) - fee.amounts.keys())
            if missing and (fee.detail, missing[0]) not in told:
                told.add((fee.detail, missing[0]))
                day = date.fromordinal(edition.since)
                what = f"{fee.detail} of {service.key} has no amount in zone {', '.join(missing)} from {day}"
                yield Finding("error", "fee_without_amount", file, 0, what, "add the rows of these zones")


def _zones_of(edition: Edition) -> set[str]:
    return set(edition.zone_names)


def fuel_findings(shelf: Shelf, file: str, spec: ServiceSpec, today: date) -> Iterator[Finding]:
    """Yield weeks without a fuel percentage inside the validity of the lists, and a newest week that is long past."""
    if spec.fuel is None:
        return
    weeks = [date.fromordinal(week.since) for week in shelf.fuel(spec.fuel.carrier, spec.fuel.service)]
    name = f"{spec.fuel.carrier} {spec.fuel.service}"
    starts = spec.fuel.known_from or min(_since(shelf, sheet) for sheet in spec.lists)
    if weeks[0] > starts:
        what = f"{spec.service} is priced from {starts}, fuel of {name} is known from {weeks[0]} only"
        yield Finding("error", "fuel_week_missing", file, 0, what, _FUEL_FIX + ", or admit it: known_from")
    for week, following in pairwise(weeks):
        if (following - week).days > _WEEK and following > starts:
            missing = week + timedelta(_WEEK)
            what = f"no fuel percentage of {name} for the week from {missing}"
            yield Finding("error", "fuel_week_missing", file, 0, what, _FUEL_FIX)
    if (today - weeks[-1]).days >= _WEEK:
        what = f"the newest fuel week of {name} is {weeks[-1]}; it stays in force"
        yield Finding("warning", "fuel_stale", file, 0, what, _FUEL_FIX)


_FUEL_FIX = "add the week's row to us/fuel_percent_history.csv"


def _since(shelf: Shelf, sheet: ListSpec) -> date:
    return shelf.rates(sheet.file, sheet.rows)[0].since
