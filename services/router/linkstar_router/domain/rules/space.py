"""The space of all orders, cut no finer than the rules of a set tell them apart."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from linkstar_router.domain.rules.boxes import Box
from linkstar_router.domain.rules.conditions import AnyOf, Between, Condition, Flag, InPostcodes, OneOf, Pattern
from linkstar_router.domain.rules.rule import Rule
from linkstar_router.domain.rules.vocabulary import LIMITS, VOCABULARIES

__all__ = ["Axis", "Numbers", "Places", "Space", "Texts", "Word"]

_DAYS = (1, 3_000_000)
_BEYOND = "\uffff"


class Texts(NamedTuple):
    """Cells of a field with one value: each value told apart, then every other value where the vocabulary is open."""

    field: str
    within: str
    values: tuple[str, ...]
    closed: bool

    @property
    def cells(self) -> int:
        return len(self.values) + (not self.closed)

    def mask(self, condition: OneOf) -> int:
        """Return the cells that fulfil a condition."""
        found = sum(1 << place for place, value in enumerate(self.values) if value in condition.values)
        return (1 << self.cells) - 1 & ~found if condition.negated else found


class Word(NamedTuple):
    """Two cells: the order has no such word, or it has one that fits this pattern and no narrower one of the rules."""

    field: str
    pattern: Pattern
    cells: int = 2


class Numbers(NamedTuple):
    """Cells of a number: from each start up to just before the next; the last ends with `most`."""

    field: str
    starts: tuple[int, ...]
    most: int

    @property
    def cells(self) -> int:
        return len(self.starts)

    def span(self, cell: int) -> tuple[int, int]:
        """Return the least and the greatest number of a cell."""
        return self.starts[cell], self.starts[cell + 1] - 1 if cell + 1 < len(self.starts) else self.most

    def mask(self, low: int | None, high: int | None) -> int:
        """Return the cells between two bounds that are cuts of this axis."""
        first = 0 if low is None else bisect_left(self.starts, low)
        last = len(self.starts) if high is None else bisect_left(self.starts, high + 1)
        return (1 << last) - (1 << first)


class Places(NamedTuple):
    """Cells of the postcodes of a country: from each start on, the first cell being all before the first start."""

    country: str
    starts: tuple[str, ...]
    field: str = "postcode"

    @property
    def cells(self) -> int:
        return len(self.starts)

    def mask(self, ranges: Iterable[tuple[str, str]]) -> int:
        """Return the cells within ranges whose ends are cuts of this axis."""
        found = 0
        for first, last in ranges:
            low, high = bisect_left(self.starts, first), bisect_left(self.starts, last + _BEYOND)
            found |= (1 << high) - (1 << low)
        return found


Axis = Texts | Word | Numbers | Places


class Space:
    """Axes for a set of rules; every rule is a union of boxes on them."""

    def __init__(self, rules: Sequence[Rule], countries: Iterable[str]) -> None:
        conditions = [condition for rule in rules for condition in rule.conditions]
        self.axes: tuple[Axis, ...] = tuple(_axes(conditions, countries))
        self.everything: Box = tuple((1 << axis.cells) - 1 for axis in self.axes)
        self._places = {_name(axis): place for place, axis in enumerate(self.axes)}
        self._words = {
            field: [(place, axis.pattern) for place, axis in enumerate(self.axes)
                    if isinstance(axis, Word) and axis.field == field]
            for field in {axis.field for axis in self.axes if isinstance(axis, Word)}
        }  # fmt: skip

    def boxes(self, rule: Rule) -> list[Box]:
        """Return disjoint boxes of the orders that fulfil a rule's conditions."""
        found = [self.everything]
        for condition in rule.conditions:
            found = [smaller for box in found for smaller in self._cut(box, condition)]
        return found

    def at(self, country: str) -> Box:
        """Return the orders to one of the countries of this space."""
        place = self._places["country"]
        axis = self.axes[place]
        assert isinstance(axis, Texts)  # noqa: S101 - the country's axis is
        return (*self.everything[:place], 1 << axis.values.index(country), *self.everything[place + 1 :])

    def _cut(self, box: Box, condition: Condition) -> Iterator[Box]:
        if isinstance(condition, AnyOf):
            yield from self._cut_words(box, condition)
            return
        place = self._places[_axis_name(condition)]
        cells = box[place] & self._mask(self.axes[place], condition)
        if cells:
            yield (*box[:place], cells, *box[place + 1 :])

    @staticmethod
    def _mask(axis: Axis, condition: Condition) -> int:
        match axis, condition:
            case Texts(), OneOf():
                return axis.mask(condition)
            case Numbers(), Between(low=low, high=high):
                return axis.mask(low, high)
            case Numbers(), Flag(value=value):
                return 2 if value else 1
            case Places(), InPostcodes(ranges=ranges):
                return axis.mask(ranges)
        raise TypeError(f"{condition} on {axis}")

    def _cut_words(self, box: Box, condition: AnyOf) -> Iterator[Box]:
        fitting = [
            place for place, word in self._words[condition.field]
            if any(pattern.covers(word) for pattern in condition.patterns)
        ]  # fmt: skip
        rest = list(box)
        for place in fitting:
            if not condition.negated and rest[place] & 2:
                yield (*rest[:place], 2, *rest[place + 1 :])
            rest[place] &= 1
            if not rest[place]:
                return
        if condition.negated:
            yield tuple(rest)


def _axis_name(condition: Condition) -> str:
    match condition:
        case OneOf(field=field, within=within):
            return f"{field}@{within}" if within else field
        case InPostcodes(country=country):
            return f"postcode@{country}"
    return condition.field


def _name(axis: Axis) -> str:
    match axis:
        case Texts(field=field, within=within):
            return f"{field}@{within}" if within else field
        case Places(country=country):
            return f"postcode@{country}"
        case Word(field=field, pattern=pattern):
            return f"{field}={pattern}"
    return axis.field


def _axes(conditions: Sequence[Condition], countries: Iterable[str]) -> Iterator[Axis]:
    named: dict[str, list[Condition]] = {"country": [OneOf("country", frozenset(countries))]}
    for condition in conditions:
        named.setdefault(_axis_name(condition), []).append(condition)
    for found in named.values():
        yield from _MAKERS[type(found[0])](found)


def _texts(conditions: Sequence[OneOf]) -> Iterator[Axis]:
    first = conditions[0]
    closed = first.field in VOCABULARIES
    values = VOCABULARIES[first.field] if closed else {value for each in conditions for value in each.values}
    yield Texts(first.field, first.within, tuple(sorted(values)), closed)


def _words(conditions: Sequence[AnyOf]) -> Iterator[Axis]:
    """One axis stands for all patterns that the conditions do not tell apart."""
    field = conditions[0].field
    alike: dict[tuple[object, ...], Pattern] = {}
    for pattern in sorted({pattern for each in conditions for pattern in each.patterns}):
        told = tuple(any(wide.covers(pattern) for wide in each.patterns) for each in conditions)
        alike.setdefault((told, pattern if field in VOCABULARIES else None), pattern)
    return (Word(field, pattern) for pattern in alike.values())


def _numbers(conditions: Sequence[Between]) -> Iterator[Axis]:
    field = conditions[0].field
    least, most = LIMITS.get(field, _DAYS)
    cuts = {least} | {each.low for each in conditions if each.low is not None}
    cuts |= {each.high + 1 for each in conditions if each.high is not None}
    yield Numbers(field, tuple(sorted(cuts)), most)


def _flags(conditions: Sequence[Flag]) -> Iterator[Axis]:
    yield Numbers(conditions[0].field, (0, 1), 1)


def _places(conditions: Sequence[InPostcodes]) -> Iterator[Axis]:
    spans = [span for each in conditions for span in each.ranges]
    cuts = {""} | {first for first, _ in spans} | {last + _BEYOND for _, last in spans}
    yield Places(conditions[0].country, tuple(sorted(cuts)))


_MAKERS: dict[type[Condition], Callable[..., Iterator[Axis]]] = {
    OneOf: _texts, AnyOf: _words, Between: _numbers, Flag: _flags, InPostcodes: _places,
}  # fmt: skip
