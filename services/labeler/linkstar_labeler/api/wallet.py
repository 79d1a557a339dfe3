"""`/v1/wallet` and `/v1/ledger`: balances, top-ups and the entries that explain them."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.text import CurrencyCode, SafeStr, ShipmentId
from linkstar_contracts.values import Money
from linkstar_labeler import store
from linkstar_labeler.domain.ledger import FUNDING, WALLET, Entry
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.idempotency import IDEMPOTENCY_KEY, idempotent_command
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]


class TopUp(BaseModel):
    """Funds to add to the wallet of their currency."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount_minor: Annotated[int, Field(gt=0, le=10**12)]
    currency: CurrencyCode
    reference: Annotated[str, SafeStr(100)] = ""


class WalletBalance(BaseModel):
    """One wallet, in minor units of its currency."""

    currency: str
    balance_minor: int
    credit_limit_minor: int
    available_minor: int


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("wallet:read"))
    writer = Depends(context.authorize("wallet:write"))

    @router.get("/wallet")
    async def wallet(principal: Principal = reader) -> dict[str, list[WalletBalance]]:
        """The tenant's wallets, one per currency."""
        async with context.database.transaction() as tx:
            found = await store.wallets(tx, principal.tenant)
        return {"wallets": [_balance(*row) for row in found]}

    @router.post("/wallet/topups", status_code=201, openapi_extra={"parameters": [IDEMPOTENCY_KEY]})
    async def top_up(body: TopUp, request: Request, principal: Principal = writer) -> Response:
        """Add funds. Held labels are bought by themselves afterwards."""
        command = await idempotent_command(request, principal.tenant)
        async with context.database.transaction() as tx:
            answer = await command.replay(tx)
            if answer is not None:
                return Response(answer.body, answer.status, media_type="application/json")
            posting_id = f"topup|{sha256(command.key.encode()).hexdigest()[:32]}"
            amount = Money(amount_minor=body.amount_minor, currency=body.currency)
            await store.top_up(
                tx, Entry(principal.tenant, posting_id, amount, FUNDING, WALLET, reference=body.reference)
            )
            balances = {row[0]: _balance(*row) for row in await store.wallets(tx, principal.tenant)}
            payload = balances[body.currency].model_dump_json().encode()
            await command.store(tx, 201, payload)
        return Response(payload, 201, media_type="application/json")

    @router.get("/ledger")
    async def ledger(
        principal: Principal = reader,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        shipment_id: ShipmentId | None = None,
    ) -> dict[str, Any]:
        """Entries oldest first; `next` is the cursor of the following page, absent on the last."""
        async with context.database.transaction() as tx:
            entries = await store.ledger_page(tx, principal.tenant, after, limit, shipment_id)
        page: dict[str, Any] = {"entries": entries}
        return page | {"next": entries[-1]["entry_id"]} if len(entries) == limit else page

    return router


def _balance(currency: str, balance_minor: int, credit_limit_minor: int) -> WalletBalance:
    return WalletBalance(
        currency=currency, balance_minor=balance_minor, credit_limit_minor=credit_limit_minor,
        available_minor=balance_minor + credit_limit_minor,
    )  # fmt: skip
