"""`/v1/wallet` and `/v1/ledger`: balances, top-ups, limits and the entries that explain them."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.text import CurrencyCode, SafeStr, ShipmentId
from linkstar_contracts.values import Money
from linkstar_labeler import store
from linkstar_labeler.api.commands import answered_once
from linkstar_labeler.domain.ledger import FUNDING, WALLET, Entry
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.idempotency import IDEMPOTENCY_KEY
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["Cursor", "PageSize", "routes"]

Cursor = Annotated[int, Query(ge=0, le=2**62)]
PageSize = Annotated[int, Query(ge=1, le=500)]


class TopUp(BaseModel):
    """Funds to add to the wallet of their currency."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount_minor: Annotated[int, Field(gt=0, le=10**12)]
    currency: CurrencyCode
    reference: Annotated[str, SafeStr(100)] = ""


class NewLimits(BaseModel):
    """What a wallet may owe, when it is low, and why this changes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    credit_limit_minor: Annotated[int, Field(ge=0, le=10**12)]
    notice_below_minor: Annotated[int, Field(ge=0, le=10**12)] = 0
    reason: Annotated[str, SafeStr(200, 1)]


class WalletBalance(BaseModel):
    """One wallet, in minor units of its currency."""

    currency: str
    balance_minor: int
    credit_limit_minor: int
    available_minor: int
    waiting_minor: int
    """Fees and bills that wait until the wallet covers them."""
    notice_below_minor: int
    low: bool
    """True while less is available than the notice asks for."""


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("wallet:read"))
    writer = Depends(context.authorize("wallet:write"))
    admin = Depends(context.authorize("wallet:admin"))

    @router.get("/wallet")
    async def wallet(principal: Principal = reader) -> dict[str, list[WalletBalance]]:
        """The tenant's wallets, one per currency."""
        async with context.database.transaction() as tx:
            found = await store.wallets(tx, principal.tenant)
        return {"wallets": [_balance(each) for each in found]}

    @router.post("/wallet/topups", status_code=201, openapi_extra={"parameters": [IDEMPOTENCY_KEY]})
    async def top_up(body: TopUp, request: Request, principal: Principal = writer) -> Response:
        """Add funds. Held labels are bought by themselves afterwards."""

        async def work(tx: Transaction, key: str) -> dict[str, Any]:
            posting_id = f"topup|{sha256(key.encode()).hexdigest()[:32]}"
            amount = Money(amount_minor=body.amount_minor, currency=body.currency)
            await store.top_up(
                tx, Entry(principal.tenant, posting_id, amount, FUNDING, WALLET, reference=body.reference)
            )
            balances = {each.currency: each for each in await store.wallets(tx, principal.tenant)}
            return _balance(balances[body.currency]).model_dump()

        return await answered_once(context, request, principal.tenant, work, 201)

    @router.put("/wallet/limits/{currency}", openapi_extra={"parameters": [IDEMPOTENCY_KEY]})
    async def limits(
        currency: CurrencyCode, body: NewLimits, request: Request, principal: Principal = admin
    ) -> Response:
        """Set what the wallet may owe, and below what it is low; who did it and why is kept. Held labels go on then."""

        async def work(tx: Transaction, _key: str) -> dict[str, Any]:
            wanted = store.Limits(currency, **body.model_dump(), key_id=principal.key_id)
            changed = await store.set_limits(tx, principal.tenant, wanted)
            if changed is None:
                raise Problem(
                    409, "limit_in_use", "The wallet owes more than this limit", field="credit_limit_minor",
                    fix="Top it up first, or set a higher limit.",
                )  # fmt: skip
            return _balance(changed).model_dump()

        return await answered_once(context, request, principal.tenant, work)

    @router.get("/wallet/limits")
    async def limit_changes(principal: Principal = reader, after: Cursor = 0, limit: PageSize = 100) -> dict[str, Any]:
        """Every change of limits, oldest first; `next` is the cursor of the following page, absent on the last."""
        async with context.database.transaction() as tx:
            changes = await store.limit_changes(tx, principal.tenant, after, limit)
        return _page("changes", changes, "change_id", limit)

    @router.get("/ledger")
    async def ledger(
        principal: Principal = reader, after: Cursor = 0, limit: PageSize = 100, shipment_id: ShipmentId | None = None
    ) -> dict[str, Any]:
        """Entries oldest first; `next` is the cursor of the following page, absent on the last."""
        async with context.database.transaction() as tx:
            entries = await store.ledger_page(tx, principal.tenant, after, limit, shipment_id)
        return _page("entries", entries, "entry_id", limit)

    return router


def _page(name: str, rows: list[dict[str, object]], cursor: str, limit: int) -> dict[str, Any]:
    page: dict[str, Any] = {name: rows}
    return page | {"next": rows[-1][cursor]} if len(rows) == limit else page


def _balance(wallet: store.Wallet) -> WalletBalance:
    available = wallet.balance_minor + wallet.credit_limit_minor
    return WalletBalance(
        currency=wallet.currency, balance_minor=wallet.balance_minor, credit_limit_minor=wallet.credit_limit_minor,
        available_minor=available, waiting_minor=wallet.waiting_minor, notice_below_minor=wallet.notice_below_minor,
        low=available < wallet.notice_below_minor,
    )  # fmt: skip
