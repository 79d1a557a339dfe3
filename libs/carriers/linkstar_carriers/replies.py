"""Reading what a carrier wrote, trusting nothing: whatever is not as documented has a code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from linkstar_contracts.text import CURRENCY_EXPONENTS
from linkstar_contracts.values import Money

__all__ = ["Node", "Unreadable", "priced", "read_json"]

_LONGEST_TEXT = 500
_MOST_MINOR = 10**12


class Unreadable(Exception):
    """The carrier's reply is not what its documents say. The detail names places in the reply, never what stands there."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Node:
    """A place in a reply and what was found there."""

    value: Any
    path: str = "reply"

    def __getitem__(self, name: str) -> Node:
        return Node(self.value.get(name) if isinstance(self.value, dict) else None, f"{self.path}.{name}")

    def __bool__(self) -> bool:
        return self.value not in (None, "", [], {})

    def __iter__(self) -> Iterator[Node]:
        """Every element of a list; a single value counts as a list of one, nothing as an empty one."""
        values = self.value if isinstance(self.value, list) else [] if self.value is None else [self.value]
        return (Node(value, f"{self.path}[{at}]") for at, value in enumerate(values))

    def first(self) -> Node:
        """Return the first element, or an empty place."""
        return next(iter(self), Node(None, f"{self.path}[0]"))

    def text(self, most: int = _LONGEST_TEXT) -> str:
        """Return a text that must be there and not be longer than `most`."""
        found = self.text_or("")
        if not found or len(found) > most:
            raise Unreadable("field_missing" if not found else "field_too_long", self.path)
        return found

    def text_or(self, default: str) -> str:
        """Return a text or number as text, or the default where there is none."""
        if isinstance(self.value, str):
            return self.value.strip() or default
        if isinstance(self.value, int | Decimal) and not isinstance(self.value, bool):
            return str(self.value)
        return default

    def money(self, currency: str) -> Money:
        """Return an amount, exact in minor units and not negative."""
        return Money(amount_minor=self._minor(currency), currency=currency)

    def _minor(self, currency: str) -> int:
        places = CURRENCY_EXPONENTS.get(currency)
        if places is None:
            raise Unreadable("wrong_currency", self.path)
        try:
            minor = Decimal(self.text(40)).scaleb(places)
        except InvalidOperation:
            raise Unreadable("bad_amount", self.path) from None
        if not minor.is_finite() or minor != minor.to_integral_value() or not 0 <= minor <= _MOST_MINOR:
            raise Unreadable("bad_amount", self.path)
        return int(minor)


def read_json(body: bytes) -> Node:
    """Return the reply's root. Numbers keep every digit; what is not JSON, or is nested beyond reason, is unreadable."""
    try:
        return Node(json.loads(body, parse_float=Decimal))
    except (ValueError, RecursionError):
        raise Unreadable("malformed_reply", f"{len(body)} bytes are not JSON") from None


def priced(amount: Node, currency: Node, expected: str) -> Money:
    """Return a price in the currency the shipment was routed in; any other is unreadable."""
    if currency.text(3) != expected:
        raise Unreadable("wrong_currency", currency.path)
    return amount.money(expected)
