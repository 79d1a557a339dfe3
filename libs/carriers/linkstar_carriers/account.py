"""A carrier account as a connector needs it: where, as whom, and with which secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

__all__ = ["LOOPBACK", "AccountIncomplete", "CarrierAccount", "parts_of"]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class AccountIncomplete(ValueError):
    """The account lacks what its connector needs; `code` and the message name it, never a value."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class CarrierAccount:
    """One account at one carrier. Its credentials appear in no representation."""

    connector: str
    """The name the connector is registered under."""
    base_url: str
    """The carrier's host, live or sandbox, or a simulator on this machine. Anything else than TLS is refused."""
    number: str
    """What the carrier calls the account."""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    test: bool = False
    """Test orders are bought with it: it names no host that sells real labels."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _safe(self.base_url))
        object.__setattr__(self, "credentials", MappingProxyType(dict(self.credentials)))
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    def secret(self, name: str) -> str:
        """Return a credential that the connector cannot do without."""
        return self._required("credentials", self.credentials, name)

    def setting(self, name: str) -> str:
        """Return a setting that the connector cannot do without."""
        return self._required("settings", self.settings, name)

    def url(self, name: str) -> str:
        """Return another host of the carrier, as a setting names it; without one it is the base URL."""
        return _safe(self.settings.get(name) or self.base_url)

    def number_of(self, name: str, default: float, least: float, most: float) -> float:
        """Return a numeric setting within its bounds."""
        try:
            value = float(self.settings.get(name) or default)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise AccountIncomplete("bad_setting", f"settings.{name} must be a number from {least:g} to {most:g}")
        return value

    def choice(self, name: str, default: str, allowed: frozenset[str]) -> str:
        """Return a setting that has a default and few values."""
        value = self.settings.get(name, default)
        if value not in allowed:
            raise AccountIncomplete("bad_setting", f"settings.{name} must be one of {', '.join(sorted(allowed))}")
        return value

    def _required(self, group: str, values: Mapping[str, str], name: str) -> str:
        if not values.get(name):
            raise AccountIncomplete("missing_setting", f"{group}.{name} is needed by {self.connector}")
        return values[name]


def parts_of(url: str) -> SplitResult:
    """Return the parts of a URL as a seller wrote it. Raises `AccountIncomplete` for what is none, or has no such port."""
    try:
        where = urlsplit(url)
        if where.port == 0:
            raise ValueError("port 0")
    except ValueError as error:
        raise AccountIncomplete("bad_base_url", "a carrier's URL must be https://host[/path]") from error
    return where


def _safe(url: str) -> str:
    where = parts_of(url)
    if not where.hostname or where.scheme not in ("http", "https") or where.query or where.username:
        raise AccountIncomplete("bad_base_url", "a carrier's URL must be https://host[/path]")
    if where.scheme == "http" and where.hostname not in LOOPBACK:
        raise AccountIncomplete("bad_base_url", "a carrier's URL must be https: credentials never travel in clear")
    return url.rstrip("/")
