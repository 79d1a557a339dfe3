"""How commands ask a running service over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx

from linkstar_cli.access import Access
from linkstar_cli.screen import CommandError

TIMEOUT_S = 60


class RunningService:
    """A service of the stack, or the one `LINKSTAR_<SERVICE>_URL` names; paths are those below `/v1`."""

    def __init__(self, access: Access, name: str) -> None:
        self.access = access
        self._name = name
        self._headers = {"Authorization": f"Bearer {access.key}"}

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The answer to a question."""
        return self.send("GET", path, params=query)

    def download(self, path: str, **query: Any) -> bytes:
        """The document at a path."""
        return self._ask("GET", path, params=query).content

    def fetch(self, path: str, **query: Any) -> bytes:
        """The document that a command makes."""
        return self._ask("POST", path, params=query).content

    def send(self, method: str, path: str, key: str | None = None, **more: Any) -> dict[str, Any]:
        """The answer to a command; `key` is its Idempotency-Key, `tell` shows a refusal before it is raised."""
        response = self._ask(method, path, key, **more)
        if "json" not in response.headers.get("content-type", ""):
            raise CommandError(
                f"http-{response.status_code}", f"{response.url} is not LinkStar.", "Correct the address."
            )
        answer: dict[str, Any] = response.json()
        return answer

    def _ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        url = f"{self.access.service(self._name)}/v1/{path}"
        tell: Callable[[dict[str, Any]], None] | None = more.pop("tell", None)
        headers = self._headers | more.pop("headers", {}) | ({"Idempotency-Key": key} if key else {})
        try:
            response = httpx.request(method, url, headers=headers, timeout=TIMEOUT_S, **more)
        except httpx.HTTPError as error:
            raise CommandError(
                f"{self._name}-unreachable", f"{url} does not answer: {type(error).__name__}.", "See `linkstar status`."
            ) from error
        if not response.is_success and "json" in response.headers.get("content-type", ""):
            problem = response.json()
            if tell:
                tell(problem)
            refused(problem)
        if not response.is_success:
            raise CommandError(f"http-{response.status_code}", f"{url} is not LinkStar.", "Correct the address.")
        return response


def refused(problem: dict[str, Any]) -> dict[str, Any]:
    """Raise what a problem document says."""
    errors = problem.get("errors", ())
    named = "; ".join(f"{each['field']}: {each['detail']}" for each in errors)
    raise CommandError(
        problem.get("code", "refused"), named or problem.get("detail") or problem.get("title", "Refused."),
        _remedies(errors) or problem.get("fix", "See the API description at /openapi.json."),
    )  # fmt: skip


def _remedies(errors: Sequence[dict[str, Any]]) -> str:
    """What puts each field right; said once where it is the same for all."""
    fixes = {each["field"]: each["fix"] for each in errors if each.get("fix")}
    if len(set(fixes.values())) < 2:
        return next(iter(fixes.values()), "")
    return " ".join(f"{field}: {fix}" for field, fix in fixes.items())
