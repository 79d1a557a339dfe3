"""`/v1/carrier-accounts`: a tenant's own accounts at carriers. An account is stored only after a live call proved it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from linkstar_contracts.text import SafeStr, Token
from linkstar_contracts.values import Consignee, Money
from linkstar_labeler import store
from linkstar_labeler.api.account_description import AccountDescription
from linkstar_labeler.carriers.remote import AccountIncomplete, CarrierAccount
from linkstar_labeler.domain.connector import NotSent, OutcomeUnknown, Refused
from linkstar_labeler.handlers.accounts import AccountConnectors, secret_name
from linkstar_labeler.store import AccountKey, StoredAccount
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

Short = Annotated[str, SafeStr(200)]
Secret = Annotated[str, Field(min_length=1, max_length=8_000)]
Named = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def _not_negative(limit: Money) -> Money:
    if limit.amount_minor < 0:
        raise ValueError("amount_minor must be 0 or more")
    return limit


class NewAccount(BaseModel):
    """An account to bind. `senders` are the addresses of its warehouses by code or country; `*` stands for the rest."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    connector: Token
    base_url: Annotated[str, SafeStr(300)] = ""
    """The carrier's host; a test account, and any account of a sandbox, may leave it out: it is bound at the simulator."""
    number: Short
    credentials: Annotated[dict[Short, Secret], Field(max_length=20, repr=False)]
    settings: Annotated[dict[Short, Short], Field(max_length=40)] = {}
    senders: Annotated[dict[Short, Consignee], Field(min_length=1, max_length=200)]
    drift_percent: Annotated[int, Field(ge=0, le=1_000)] = 10
    """A label that costs more than its route by more than this is voided, and another route chosen."""
    monthly_limit: Annotated[Money, AfterValidator(_not_negative)] | None = None
    """The most that may be bought with it in a month (UTC); what goes beyond is held until there is room again."""
    test: bool = False
    """Test orders are bought with it, and no others. It never reaches a host that sells real labels, and stays so."""


def routes(context: ServiceContext, connectors: AccountConnectors) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    reader = Depends(context.authorize("accounts:read"))
    writer = Depends(context.authorize("accounts:write"))

    @router.get("/carrier-accounts")
    async def accounts(principal: Principal = reader) -> dict[str, list[AccountDescription]]:
        """The tenant's accounts."""
        async with context.database.transaction() as tx:
            return {"accounts": await described(tx, await store.tenant_accounts(tx, principal.tenant))}

    @router.put("/carrier-accounts/{carrier}/{account}")
    async def bind(
        carrier: Named, account: Named, body: NewAccount, principal: Principal = writer
    ) -> AccountDescription:
        """Bind an account, or change it, after a call to the carrier that proves its credentials. One that is suspended
        stays so until it is resumed.
        """
        key = AccountKey(principal.tenant, carrier, account)
        await _prove(connectors, carrier, body)
        sealed = context.vault.seal_secret(key.tenant, secret_name(key), json.dumps(body.credentials).encode())
        wanted = StoredAccount(
            key, body.connector, body.base_url, sealed, _settings(body), body.test, False, 1, body.monthly_limit
        )
        async with context.database.transaction() as tx:
            if not await store.bind_account(tx, wanted):
                raise _fixed(body.test)
            return (await described(tx, [await _stored(tx, key)]))[0]

    @router.post("/carrier-accounts/{carrier}/{account}/{state}")
    async def suspend(
        carrier: Named, account: Named, state: Annotated[str, Path(pattern="^(suspend|resume)$")],
        principal: Principal = writer,
    ) -> AccountDescription:  # fmt: skip
        """Suspend an account: nothing more is bought with it. Or let it go on."""
        key = AccountKey(principal.tenant, carrier, account)
        async with context.database.transaction() as tx:
            await store.suspend_account(tx, key, state == "suspend")
            return (await described(tx, [await _stored(tx, key)]))[0]

    async def described(tx: Transaction, stored: Sequence[StoredAccount]) -> list[AccountDescription]:
        spent = await store.account_spending(tx, {each.key for each in stored}, tx.now.date())
        return [AccountDescription.of(each, spent, connectors.standing(each)) for each in stored]

    return router


def _fixed(test: bool) -> Problem:
    kinds = ("a test account", "an account for real labels")
    was, wanted = kinds if not test else kinds[::-1]
    return Problem(
        409, "test_is_fixed", f"This is {was}: it cannot become {wanted}", field="test", fix="Bind it under another name."
    )  # fmt: skip


async def _stored(tx: Transaction, key: AccountKey) -> StoredAccount:
    stored = await store.read_account(tx, key)
    if stored is None:
        raise Problem(404, "account_unknown", "There is no such account", fix="Bind it with PUT first.")
    return stored


async def _prove(connectors: AccountConnectors, carrier: str, body: NewAccount) -> None:
    """Refuse an account that is incomplete, for another carrier, or that the carrier does not take."""
    try:
        base_url = connectors.place(body.connector, body.base_url, body.test)
        account = CarrierAccount(
            body.connector, base_url, body.number, body.credentials, body.settings, body.test
        )  # fmt: skip
        connector = connectors.connector(account)
    except AccountIncomplete as error:
        raise Problem(422, error.code, "The account lacks what its connector needs", str(error)) from error
    if connector.carrier != carrier:
        raise Problem(
            422, "wrong_connector", f"Connector {body.connector} is for {connector.carrier}", field="connector",
            fix=f"Bind it under {connector.carrier}.",
        )  # fmt: skip
    answer = await connector.verify()
    if isinstance(answer, Refused):
        raise Problem(
            422, "account_refused", "The carrier refuses these credentials", f"{answer.code}: {answer.detail}"
        )
    if isinstance(answer, (NotSent, OutcomeUnknown)):
        raise Problem(
            503, "carrier_unavailable", "The carrier cannot be asked just now", f"{answer.code}: {answer.detail}",
            fix="Try again; nothing was stored.",
        )  # fmt: skip


def _settings(body: NewAccount) -> dict[str, Any]:
    return {
        "number": body.number, "connector": body.settings, "drift_percent": body.drift_percent,
        "senders": {code: sender.model_dump() for code, sender in body.senders.items()},
    }  # fmt: skip
