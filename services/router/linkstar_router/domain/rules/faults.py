"""What is wrong with a rule document: a stable code, the place, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

__all__ = ["BadRules", "Fault", "spelled_like"]


class Fault(NamedTuple):
    """One fault. `rule` is the rule's id, or its place such as `#3` where it has none."""

    code: str
    rule: str
    field: str
    what: str
    fix: str

    def __str__(self) -> str:
        place = " ".join(part for part in (self.rule and f"rule {self.rule}", self.field) if part)
        return f"{place}: {self.what}; {self.fix} [{self.code}]" if place else f"{self.what}; {self.fix} [{self.code}]"


class BadRules(ValueError):
    """A rule document that is not taken: nothing of it counts. `faults` names every fault found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


def spelled_like(word: str, known: Iterable[str]) -> str:
    """Return a remedy that names the closest known word, or all of them."""
    words = sorted(known)
    close = get_close_matches(word, words, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(words)}"
