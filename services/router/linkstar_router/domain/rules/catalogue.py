"""The services that rules may name, by carrier and country, read from the carriers' manifests."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Catalogue", "shipped_catalogue"]


@dataclass(frozen=True)
class Catalogue:
    """Service keys with the country they ship in."""

    countries: dict[str, str]

    @property
    def services(self) -> frozenset[str]:
        """All service keys."""
        return frozenset(self.countries)

    def named(self, target: str) -> frozenset[str]:
        """Return the services a rule's target means: one service, or all of a carrier; none when it is unknown."""
        if "/" in target:
            return frozenset({target}) & self.services
        return frozenset(key for key in self.countries if key.startswith(f"{target}/"))

    def within(self, country: str) -> frozenset[str]:
        """Return the services that ship within a country."""
        return frozenset(key for key, home in self.countries.items() if home == country)


@cache
def shipped_catalogue() -> Catalogue:
    """Return the services that the shipped manifests offer."""
    found: dict[str, str] = {}
    folder = files("linkstar_router").joinpath("tariffs")
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            manifest = tomllib.loads(entry.read_text(encoding="utf-8"))
            for service in manifest.get("service", ()) if "carrier" in manifest else ():
                if not service.get("reference"):
                    found[f"{manifest['carrier']}/{service['service']}"] = manifest["country"]
    return Catalogue(found)
