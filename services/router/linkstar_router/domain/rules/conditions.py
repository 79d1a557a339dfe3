"""Typed conditions of a rule. All conditions of one rule must hold; what is to be either-or stands in several rules."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AnyOf", "Between", "Condition", "Flag", "InPostcodes", "OneOf", "Pattern"]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A field with one value has one of these; `negated`: it has none of them. `within` names the country of a state."""

    field: str
    values: frozenset[str]
    negated: bool = False
    within: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Pattern:
    """A text, or with `open_ended` all texts that begin with it."""

    text: str
    open_ended: bool = False

    def __str__(self) -> str:
        return f"{self.text}*" if self.open_ended else self.text

    def covers(self, other: Pattern) -> bool:
        """True when every text of `other` is one of this pattern's."""
        return other.text.startswith(self.text) if self.open_ended else self == other


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A field with several values has one that fits; `negated`: it has none that fits."""

    field: str
    patterns: tuple[Pattern, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """A yes-or-no field is as stated."""

    field: str
    value: bool


@dataclass(frozen=True, slots=True)
class Between:
    """A whole number lies between two bounds, both included; a bound that is None is open."""

    field: str
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class InPostcodes:
    """The postcode lies in one of these ranges of sortable keys of one country; each end includes what begins with it."""

    country: str
    ranges: tuple[tuple[str, str], ...]
    field: str = "postcode"


Condition = OneOf | AnyOf | Flag | Between | InPostcodes
