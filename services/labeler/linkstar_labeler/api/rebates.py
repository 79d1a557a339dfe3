"""`/v1/wallet/agreements` and `/v1/wallet/rebates`: carriers' discounts by volume, settled when a month is over."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from linkstar_contracts.text import CurrencyCode, SafeStr, Token
from linkstar_labeler import store
from linkstar_labeler.api.commands import answered_once
from linkstar_labeler.domain.months import Month
from linkstar_labeler.domain.rebates import Agreement, Tier, reached, rebate_entry
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.idempotency import IDEMPOTENCY_KEY
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]


class NewTier(BaseModel):
    """From this many shipments in a month on, this share of all their charges comes back."""

    model_config = ConfigDict(extra="forbid", strict=True)

    from_shipments: Annotated[int, Field(ge=1, le=10**9)]
    basis_points: Annotated[int, Field(ge=1, le=10_000)]


class NewAgreement(BaseModel):
    """A carrier's tiers, in force from the first of a month on until the next agreement, with the evidence for them."""

    model_config = ConfigDict(extra="forbid")

    carrier: Token
    currency: CurrencyCode
    valid_from: date
    valid_to: date | None = None
    pool: Token | None = None
    tiers: Annotated[list[NewTier], Field(min_length=1, max_length=50)]
    source: Annotated[str, SafeStr(300, 1)]
    as_of: date
    synthetic: bool

    @model_validator(mode="after")
    def _in_order(self) -> NewAgreement:
        starts = [tier.from_shipments for tier in self.tiers]
        if starts != sorted(set(starts)):
            raise ValueError("tiers must rise; give each its own number of shipments")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from; correct one of them")
        return self

    def of(self, tenant: str) -> Agreement:
        """Return it as that tenant's."""
        tiers = tuple(Tier(tier.from_shipments, tier.basis_points) for tier in self.tiers)
        return Agreement(tenant, **{**dict(self), "tiers": tiers})


class WantedMonth(BaseModel):
    """The month to settle."""

    model_config = ConfigDict(extra="forbid", strict=True)

    month: Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    admin = Depends(context.authorize("wallet:admin"))

    @router.post("/wallet/agreements", status_code=201, openapi_extra={"parameters": [IDEMPOTENCY_KEY]})
    async def agree(body: NewAgreement, request: Request, principal: Principal = admin) -> Response:
        """Keep a carrier's volume agreement. It is never changed: a later one takes its place from its day on."""

        async def work(tx: Transaction, _key: str) -> dict[str, Any]:
            if not await store.add_agreement(tx, body.of(principal.tenant), principal.key_id):
                raise Problem(
                    409, "agreement_exists", "There is an agreement from this day on", field="valid_from",
                    fix="Let the new one begin on another day.",
                )  # fmt: skip
            return body.model_dump(mode="json")

        return await answered_once(context, request, principal.tenant, work, 201)

    @router.post("/wallet/rebates", openapi_extra={"parameters": [IDEMPOTENCY_KEY]})
    async def settle(body: WantedMonth, request: Request, principal: Principal = admin) -> Response:
        """Post what the volume of a month that is over gives back, once per month, carrier and currency."""
        month = Month.parse(body.month)

        async def work(tx: Transaction, _key: str) -> dict[str, Any]:
            if tx.now < month.ends_at:
                raise Problem(409, "month_open", "This month is not over", field="month", fix="Settle it afterwards.")
            return {"month": str(month), "rebates": [
                await _settled(tx, agreement, month)
                for agreement in await store.agreements_in(tx, principal.tenant, month)
            ]}  # fmt: skip

        return await answered_once(context, request, principal.tenant, work)

    return router


async def _settled(tx: Transaction, agreement: Agreement, month: Month) -> dict[str, Any]:
    volume = await store.volume_of(tx, agreement, month)
    entry = rebate_entry(agreement, month, volume)
    posted = entry is not None and await store.post_once(tx, entry)
    return {
        "carrier": agreement.carrier, "currency": agreement.currency, **asdict(volume),
        "basis_points": reached(agreement.tiers, volume.pooled_shipments),
        "rebate_minor": entry.amount.amount_minor if entry else 0,
        "posting_id": entry.posting_id if entry else None, "posted": posted,
    }  # fmt: skip
