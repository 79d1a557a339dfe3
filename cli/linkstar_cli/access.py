"""How commands reach a stack: the running one on this machine, or the addresses the environment names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from linkstar_cli.screen import CommandError
from linkstar_sandbox.home import Home, read_json
from linkstar_sandbox.keys import DEMO_TENANT
from linkstar_sandbox.places import run_home


@dataclass(frozen=True)
class Access:
    """Addresses and keys; each from the environment first, else from the running stack."""

    endpoints: dict[str, Any]
    home: Home

    @classmethod
    def find(cls) -> Access:
        home = Home(run_home())
        return cls(read_json(home.endpoints) or {}, home)

    @property
    def bootstrap(self) -> str:
        return self._value("LINKSTAR_KAFKA__BOOTSTRAP", self.endpoints.get("kafka"))

    @property
    def database(self) -> str:
        named = os.environ.get("LINKSTAR_DATABASE__ADMIN_URL")
        return named or self._value("LINKSTAR_DATABASE__URL", self.endpoints.get("database"))

    @property
    def key(self) -> str:
        """The API key of the tenant the commands act for."""
        return self._value("LINKSTAR_API_KEY", self.endpoints.get("keys", {}).get("demo"))

    @property
    def tenant(self) -> str:
        return os.environ.get("LINKSTAR_TENANT", DEMO_TENANT)

    def service(self, name: str) -> str:
        """The HTTP address of a service."""
        urls = self.endpoints.get("services", {}).get(name) or [None]
        return self._value(f"LINKSTAR_{name.upper()}_URL", urls[0])

    def knows(self, name: str) -> bool:
        """True when the address of a service is known, be it up or down."""
        return bool(os.environ.get(f"LINKSTAR_{name.upper()}_URL") or self.endpoints.get("services", {}).get(name))

    def _value(self, variable: str, found: str | None) -> str:
        value = os.environ.get(variable) or found
        if not value:
            raise CommandError(
                "not-running",
                f"No stack runs in {self.home.path}, and {variable} is not set.",
                "Start one with `linkstar up`, or set the variable.",
            )
        return value
