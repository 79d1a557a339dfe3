"""Customs borders: between countries, and around the parts of a country that lie beyond its own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from linkstar_router.domain.areas import Areas
from linkstar_router.domain.eligibility import Refusal

__all__ = ["Borders", "load_borders"]

_NEEDED = "cross_border_without_customs"


class Borders:
    """Tells what a lane crosses; immutable once loaded."""

    def __init__(self, unions: Iterable[frozenset[str]], territories: Iterable[Mapping[str, Any]]) -> None:
        self._unions = tuple(unions)
        rows = [(each["country"], each["name"], first, last) for each in territories for first, last in each["ranges"]]
        self._territories = Areas(rows)
        self._refusals = {name: Refusal(_NEEDED, f"{name}: customs data is needed") for _, name, _, _ in rows}

    def between(self, home: str, there: str, postcode: str) -> Refusal | None:
        """Return why a parcel from `home` may not go there without customs data, or at all; None when nothing is crossed."""
        if home != there:
            return self._abroad(home, there)
        for name in self._territories.of(there, postcode):
            return self._refusals[name]
        return None

    def _abroad(self, home: str, there: str) -> Refusal:
        if any(home in union and there in union for union in self._unions):
            return Refusal("coverage", f"no price list leads from {home} to {there}")
        return Refusal(_NEEDED, f"{home} to {there}: customs data is needed")


def load_borders() -> Borders:
    """Return the borders shipped with the router."""
    text = files("linkstar_router").joinpath("facts", "customs.toml").read_text(encoding="utf-8")
    facts = tomllib.loads(text)
    return Borders((frozenset(union["countries"]) for union in facts["union"]), facts["territory"])
