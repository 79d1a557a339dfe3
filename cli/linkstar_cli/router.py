"""How commands ask the router: the running one over HTTP, else a process of it that needs no servers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from linkstar_cli.access import Access
from linkstar_cli.running import TIMEOUT_S, RunningService, refused
from linkstar_cli.screen import CommandError
from linkstar_sandbox.order_files.catalogue import WAREHOUSES


class RunningRouter(RunningService):
    """The router of the stack, or the one `LINKSTAR_ROUTER_URL` names."""

    def __init__(self, access: Access) -> None:
        super().__init__(access, "router")

    def warehouses(self) -> dict[str, dict[str, Any]]:
        """The tenant's warehouses, and those of the demo."""
        found = dict(_DEMO_WAREHOUSES)
        if self.access.knows("ingest"):
            answer = RunningService(self.access, "ingest").get("warehouses")
            found |= {house["code"]: house for house in answer["warehouses"]}
        return found

    def quote(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of `POST /v1/quotes`."""
        return self.send("POST", "quotes", json=request)


class OwnRouter:
    """A process that loads the shipped price lists, answers once and ends."""

    def warehouses(self) -> dict[str, dict[str, Any]]:
        """The warehouses of the demo."""
        return dict(_DEMO_WAREHOUSES)

    def quote(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer that `POST /v1/quotes` would give."""
        done = subprocess.run(
            [sys.executable, "-m", "linkstar_router", "quote"], input=json.dumps(request), capture_output=True,
            text=True, check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
        if not done.stdout.startswith("{"):
            raise CommandError("router-failed", done.stderr.strip()[-500:], "Install the router: `make setup`.")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer if done.returncode == 0 else refused(answer)


def find_router(*, offline: bool = False) -> RunningRouter | OwnRouter:
    """The running router if one is known, else our own."""
    access = Access.find()
    return RunningRouter(access) if access.knows("router") and not offline else OwnRouter()


_DEMO_WAREHOUSES = {house["code"]: dict(house) for house in WAREHOUSES}
