"""How commands ask the router: the running one over HTTP, else a process of it that needs no servers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx

from linkstar_cli.access import Access
from linkstar_cli.screen import CommandError
from linkstar_sandbox.order_files.catalogue import WAREHOUSES

TIMEOUT_S = 60


class RunningRouter:
    """The router of the stack, or the one `LINKSTAR_ROUTER_URL` names."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._headers = {"Authorization": f"Bearer {access.key}"}

    def warehouses(self) -> dict[str, dict[str, Any]]:
        """The tenant's warehouses, and those of the demo."""
        found = dict(_DEMO_WAREHOUSES)
        if self._access.knows("ingest"):
            answer = self._ask("GET", f"{self._access.service('ingest')}/v1/warehouses")
            found |= {house["code"]: house for house in answer["warehouses"]}
        return found

    def quote(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of `POST /v1/quotes`."""
        return self._ask("POST", f"{self._access.service('router')}/v1/quotes", json=request)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The answer of a path below `/v1`."""
        return self._ask("GET", f"{self._access.service('router')}/v1/{path}", params=query)

    def send(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The answer to a command on a path below `/v1`."""
        return self._ask(method, f"{self._access.service('router')}/v1/{path}", **more)

    def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        try:
            response = httpx.request(method, url, headers=self._headers, timeout=TIMEOUT_S, **more)
        except httpx.HTTPError as error:
            raise CommandError(
                "router-unreachable", f"{url} does not answer: {type(error).__name__}.", "See `linkstar status`."
            ) from error
        if "json" not in response.headers.get("content-type", ""):
            raise CommandError(f"http-{response.status_code}", f"{url} is not LinkStar.", "Correct the address.")
        answer: dict[str, Any] = response.json()
        return answer if response.is_success else _refused(answer)


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
        return answer if done.returncode == 0 else _refused(answer)


def find_router(*, offline: bool = False) -> RunningRouter | OwnRouter:
    """The running router if one is known, else our own."""
    access = Access.find()
    return RunningRouter(access) if access.knows("router") and not offline else OwnRouter()


def _refused(problem: dict[str, Any]) -> dict[str, Any]:
    named = "; ".join(f"{each['field']}: {each['detail']}" for each in problem.get("errors", ()))
    raise CommandError(
        problem.get("code", "refused"), named or problem.get("detail") or problem.get("title", "Refused."),
        problem.get("fix", "See the API description at /openapi.json."),
    )  # fmt: skip


_DEMO_WAREHOUSES = {house["code"]: dict(house) for house in WAREHOUSES}
