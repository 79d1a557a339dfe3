"""Checks of the price lists of a service: cells that are missing, double, falling, in a wrong unit, not to be trusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise

from linkstar_router.domain.checks.findings import Finding
from linkstar_router.domain.checks.layouts import LAYOUTS, layout_of
from linkstar_router.domain.manifest import ListSpec, Manifest, ServiceSpec
from linkstar_router.domain.measures import limits_of
from linkstar_router.domain.published import FOREVER, BaseRate, Row, Shelf, is_trusted

__all__ = ["price_findings", "rate_findings"]

_METRIC = ("g", "kg")
_RANKS = {"high": 2, "medium": 1, "medium-high": 1, "synthetic": 0}
_Cells = dict[tuple[str, str], list[BaseRate]]


def price_findings(shelf: Shelf, file: str, manifest: Manifest, spec: ServiceSpec) -> Iterator[Finding]:
    """Yield the faults of every list of a service; `file` is the manifest that names them."""
    for sheet in spec.lists:
        columns = list(shelf.rows(sheet.file)[0][1])
        if layout_of(columns) is None:
            fix = f"write the columns of one of: {', '.join(layout.name for layout in LAYOUTS)}"
            yield Finding("error", "layout_unknown", sheet.file, 1, f"the columns are {', '.join(columns)}", fix)
            continue
        rows = [line for line in shelf.rows(sheet.file) if _matches(sheet, line[1])]
        yield from _trust_findings(sheet, rows)
        yield from _unit_findings(sheet, manifest, spec, rows)
        rates = shelf.rates(sheet.file, sheet.rows)
        for group in _by_day(rates).values():
            cells = _cells(group)
            yield from _cell_findings(sheet.file, cells)
            yield from _reach_findings(sheet, spec, cells)
    yield from _calendar_findings(shelf, file, spec)


def _matches(sheet: ListSpec, row: Row) -> bool:
    return all(row.get(column) in values for column, values in sheet.rows.items())


def _by_day(rates: Iterable[BaseRate]) -> dict[str, list[BaseRate]]:
    found: dict[str, list[BaseRate]] = defaultdict(list)
    for rate in rates:
        found[rate.since.isoformat()].append(rate)
    return found


def _cells(rates: Iterable[BaseRate]) -> _Cells:
    found: _Cells = defaultdict(list)
    for rate in rates:
        found[rate.size_class, rate.zone].append(rate)
    return {cell: sorted(column, key=lambda rate: rate.up_to) for cell, column in found.items()}


def _trust_findings(sheet: ListSpec, rows: Iterable[tuple[int, Row]]) -> Iterator[Finding]:
    for number, row in rows:
        confidence = row.get("confidence", "")
        word = confidence.split()[0] if confidence else sheet.confidence
        if not is_trusted(confidence):
            what = f"{sheet.id} selects a row of confidence {confidence}, which no price is made from"
            fix = "narrow `rows` to leave it out, or check the price anew and raise its confidence"
            yield Finding("error", "low_confidence", sheet.file, number, what, fix)
        elif _RANKS.get(word, 0) < _RANKS[sheet.confidence]:
            what = f"{sheet.id} claims confidence {sheet.confidence}, the row is {confidence}"
            yield Finding("error", "confidence_overstated", sheet.file, number, what, f'say confidence = "{word}"')
            return
        elif (word == "synthetic") != sheet.synthetic:
            what = f"{sheet.id} says synthetic = {str(sheet.synthetic).lower()}, the row is {confidence}"
            yield Finding(
                "error", "synthetic_unmarked", sheet.file, number, what, "set `synthetic` to what the rows are"
            )
            return


def _unit_findings(
    sheet: ListSpec, manifest: Manifest, spec: ServiceSpec, rows: Iterable[tuple[int, Row]]
) -> Iterator[Finding]:
    step = spec.rounding[-1].step.rpartition(" ")[2]
    for number, row in rows:
        unit = row.get("weight_unit", "g" if "weight_up_to_g" in row else step)
        if row["currency"] != manifest.currency:
            what = f"the price is in {row['currency']}, the manifest in {manifest.currency}"
            fix = "convert it, or correct the currency: a service has one"
            yield Finding("error", "wrong_unit", sheet.file, number, what, fix)
            return
        if (unit in _METRIC) != (step in _METRIC):
            what = f"weights in {unit}, but {spec.service} rounds to {step}"
            fix = "give the weights in the unit the carrier rounds to"
            yield Finding("error", "wrong_unit", sheet.file, number, what, fix)
            return


def rate_findings(file: str, rates: Iterable[BaseRate]) -> Iterator[Finding]:
    """Yield what is wrong among the rates of one service in a file, whatever pack they belong to."""
    for group in _by_day(rates).values():
        yield from _cell_findings(file, _cells(group))


def _cell_findings(file: str, cells: _Cells) -> Iterator[Finding]:
    yield from _order_findings(file, cells)
    yield from _hole_findings(file, cells)


def _order_findings(file: str, cells: _Cells) -> Iterator[Finding]:
    for (name, zone), column in cells.items():
        where = _where(name, zone)
        for lower, upper in pairwise(column):
            if lower.up_to == upper.up_to:
                what = f"a second price for the weight of row {lower.price.row}{where}"
                yield Finding("error", "double_price", file, upper.price.row, what, "keep one of the two rows")
            elif upper.price.amount < lower.price.amount:
                what = f"{upper.price.amount} is less than {lower.price.amount} of row {lower.price.row}{where}"
                fix = "check both rows against the source"
                yield Finding("error", "price_falls", file, upper.price.row, what, fix)


def _hole_findings(file: str, cells: _Cells) -> Iterator[Finding]:
    classes: dict[str, set[int]] = defaultdict(set)
    for (name, _), column in cells.items():
        classes[name] |= {rate.up_to for rate in column}
    for (name, zone), column in cells.items():
        known = {rate.up_to: rate for rate in column}
        for bound in sorted(classes[name] - known.keys()):
            near = min(column, key=lambda rate: abs(rate.up_to - bound))
            what = f"no price for a weight that other zones have, beside this row{_where(name, zone)}"
            fix = "add the row of that weight and zone"
            yield Finding("error", "price_missing", file, near.price.row, what, fix)


def _reach_findings(sheet: ListSpec, spec: ServiceSpec, cells: _Cells) -> Iterator[Finding]:
    """Tell when the heaviest parcel that the limits let through has no price."""
    own = {**spec.limits, **sheet.limits}
    limit = limits_of({"weight": own["weight"]})[0].bound if "weight" in own else 0
    for zone in dict.fromkeys(zone for _, zone in cells):
        last = max((rates[-1] for (_, at), rates in cells.items() if at == zone), key=lambda rate: rate.up_to)
        if last.up_to < limit and not last.side:
            what = f"the last price stands here, the service takes up to {own['weight']}{_where('', zone)}"
            fix = "add the heavier rows, or lower the limit of weight"
            yield Finding("error", "price_missing", sheet.file, last.price.row, what, fix)


def _where(name: str, zone: str) -> str:
    return f" (zone {zone}{f', class {name}' if name else ''})"


def _calendar_findings(shelf: Shelf, file: str, spec: ServiceSpec) -> Iterator[Finding]:
    """Tell where one list ends after the next begins, or days lie between them that nobody admitted to."""
    spans = sorted(_span(shelf, sheet) for sheet in spec.lists)
    for (since, until, row, sheet), (following, _, later, other) in pairwise(spans):
        if since == following or (until != FOREVER and until >= following):
            what = f"{other} begins on {following}, while {sheet} holds until {until}"
            fix = f"end {sheet} on {following - timedelta(1)} (effective_to), or move the later list"
            yield Finding("error", "lists_overlap", spec.lists[-1].file, later, what, fix)
        elif until < following - timedelta(1) and not _is_admitted(spec, until + timedelta(1), following):
            what = f"{spec.service} has no list between {until} and {following} ({sheet}, row {row})"
            fix = "add the list of those days, or admit it: known_gaps = [{ since, until, why }]"
            yield Finding("error", "lists_gap", file, 0, what, fix)


def _span(shelf: Shelf, sheet: ListSpec) -> tuple[date, date, int, str]:
    first = shelf.rates(sheet.file, sheet.rows)[0]
    return first.since, first.until or FOREVER, first.price.row, sheet.id


def _is_admitted(spec: ServiceSpec, since: date, following: date) -> bool:
    return any(gap.since == since and gap.until + timedelta(1) == following for gap in spec.known_gaps)
