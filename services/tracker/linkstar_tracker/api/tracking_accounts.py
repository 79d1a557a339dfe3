"""`/v1/tracking-accounts`: accounts that ask carriers where parcels are, stored only after a live question proved them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from linkstar_carriers.account import AccountIncomplete
from linkstar_carriers.outcomes import Refused
from linkstar_carriers.tracking import TRACKED
from linkstar_contracts.text import SafeStr
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.carriers import TrackingClients, secret_name
from linkstar_tracker.domain.polling import PollBudget
from linkstar_tracker.store import TrackingAccount, TrackingAccountKey

__all__ = ["routes"]

Carrier = Annotated[str, Path(max_length=32)]
Secret = Annotated[str, Field(min_length=1, max_length=8_000)]
_SECONDS = {"hour": 3600, "day": 86_400}


class Calls(BaseModel):
    """What the carrier allows the application."""

    model_config = ConfigDict(extra="forbid")

    calls: Annotated[int, Field(ge=1, le=100_000_000)]
    per: Literal["hour", "day"] = "day"


class NewTrackingAccount(BaseModel):
    """An account to bind. Its application should have the tracking service alone: then it can buy nothing."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    base_url: Annotated[str, SafeStr(300)] = ""
    """The carrier's host; a test account, and any account of a sandbox, may leave it out: it is bound at the simulator."""
    credentials: Annotated[dict[Annotated[str, SafeStr(40, 1)], Secret], Field(min_length=1, max_length=10, repr=False)]
    test: bool = False
    """Test parcels are asked for with it, and no others. It never reaches a live host."""
    budget: Calls | None = None
    """What is known of the carrier's default where it is left out."""


def routes(context: ServiceContext, clients: TrackingClients) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("accounts:read"))
    writer = Depends(context.authorize("accounts:write"))

    @router.get("/tracking-accounts")
    async def accounts(principal: Principal = reader) -> dict[str, Any]:
        """List the accounts with what they may call, what they have used, and how many parcels wait."""
        async with context.database.transaction() as tx:
            return {"accounts": await _described(tx, principal.tenant)}

    @router.get("/tracking-accounts/{carrier}")
    async def account(
        carrier: Carrier, test: Annotated[bool, Query()] = False, principal: Principal = reader
    ) -> dict[str, Any]:
        """Return one account."""
        async with context.database.transaction() as tx:
            return await _one(tx, TrackingAccountKey(principal.tenant, carrier, test))

    @router.put("/tracking-accounts/{carrier}")
    async def bind(carrier: Carrier, body: NewTrackingAccount, principal: Principal = writer) -> dict[str, Any]:
        """Bind an account, or change it, after a question to the carrier that proves its credentials."""
        key = TrackingAccountKey(principal.tenant, carrier, body.test)
        await prove(key, body)
        sealed = context.vault.seal_secret(key.tenant, secret_name(key), json.dumps(body.credentials).encode())
        given = body.budget
        budget = PollBudget(given.calls, _SECONDS[given.per]) if given else PollBudget.shipped()[carrier]
        async with context.database.transaction() as tx:
            await store.bind_tracking(tx, key, body.base_url, sealed, budget, context.clock.wall())
            return await _one(tx, key)

    @router.delete("/tracking-accounts/{carrier}", status_code=204)
    async def unbind(carrier: Carrier, test: Annotated[bool, Query()] = False, principal: Principal = writer) -> None:
        """Forget an account and its credentials: its parcels are asked for no more."""
        async with context.database.transaction() as tx:
            if not await store.unbind_tracking(tx, TrackingAccountKey(principal.tenant, carrier, test)):
                raise _unknown()

    async def prove(key: TrackingAccountKey, body: NewTrackingAccount) -> None:
        if key.carrier not in TRACKED:
            raise Problem(
                422, "carrier_not_polled", "This carrier cannot be asked where parcels are", field="carrier",
                fix=f"Name one of {', '.join(TRACKED)}; others tell by webhook, file or POST /v1/scans.",
            )  # fmt: skip
        try:
            answer = await clients.client(key, body.base_url, body.credentials, context.clock).verify()
        except AccountIncomplete as error:
            raise Problem(
                422, error.code, "The account lacks what its carrier needs", str(error),
                fix="Mend what is named and bind the account again; nothing was stored.",
            ) from error  # fmt: skip
        if isinstance(answer, Refused):
            raise Problem(
                422, "account_refused", "The carrier refuses these credentials", f"{answer.code}: {answer.detail}",
                fix="Check them, and that the application has the carrier's tracking service.",
            )  # fmt: skip
        if answer is not None:
            raise Problem(
                503, "carrier_unavailable", "The carrier cannot be asked just now", f"{answer.code}: {answer.detail}",
                fix="Try again; nothing was stored.",
            )  # fmt: skip

    async def _described(tx: Transaction, tenant: str) -> list[dict[str, Any]]:
        wall = context.clock.wall()
        found = await store.tracking_accounts(tx, tenant)
        return [_shown(each, followed, due, wall) for each, followed, due in found]

    async def _one(tx: Transaction, key: TrackingAccountKey) -> dict[str, Any]:
        for each in await _described(tx, key.tenant):
            if (each["carrier"], each["test"]) == key[1:]:
                return each
        raise _unknown()

    return router


def _unknown() -> Problem:
    return Problem(404, "account_unknown", "There is no such account", fix="Bind it with PUT first.")


def _shown(account: TrackingAccount, followed: int, due: int, wall: datetime) -> dict[str, Any]:
    used, budget = account.used_now(wall), account.budget
    blocked = account.blocked_until is not None and wall < account.blocked_until
    return {
        "carrier": account.key.carrier,
        "test": account.key.test,
        "base_url": account.base_url,
        "budget": {
            "calls": budget.calls, "per_s": budget.per_s, "used": used, "used_share": round(used / budget.calls, 4),
            "left_now": int(account.left(wall)),
        },
        "parcels": {"followed": followed, "due": due},
        "paused": account.blocked_by if blocked else None,
        "paused_until": account.blocked_until.isoformat() if blocked and account.blocked_until else None,
    }  # fmt: skip
