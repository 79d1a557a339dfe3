"""HTTP of labeler: labels to print and void, the wallet and its ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.event import Event
from linkstar_contracts.text import CurrencyCode, SafeStr, ShipmentId
from linkstar_contracts.values import Money
from linkstar_labeler import store
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.printing import make_labels
from linkstar_labeler.domain.exceptions import HOLD_CODES
from linkstar_labeler.domain.label_layout import Label
from linkstar_labeler.domain.ledger import FUNDING, WALLET, Entry
from linkstar_labeler.domain.pdf import render_pdf
from linkstar_labeler.domain.png import render_png
from linkstar_labeler.domain.zpl import render_zpl
from linkstar_labeler.handlers import Settler
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.idempotency import IDEMPOTENCY_KEY, idempotent_command
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

LabelName = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9._:#~-]+$")]
"""A shipment id, with or without the suffix of a print format."""


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


def routes(settler: Settler) -> Callable[[ServiceContext], APIRouter]:
    """Return what builds the router of a running service."""

    def build(context: ServiceContext) -> APIRouter:
        router = APIRouter(prefix="/v1")
        _add_labels(router, context, settler)
        _add_wallet(router, context)
        return router

    return build


def _add_labels(router: APIRouter, context: ServiceContext, settler: Settler) -> None:
    reader = Depends(context.authorize("labels:read"))
    writer = Depends(context.authorize("labels:write"))

    @router.get("/labels/{name}", responses={200: {"content": {kind: {} for kind, _ in _PRINTERS.values()}}})
    async def label(
        name: LabelName, parcel: Annotated[int, Query(ge=1, le=20)] = 1, principal: Principal = reader
    ) -> Response:
        """`<shipment>.zpl`, `.pdf` (all parcels) or `.png` (one parcel); without a suffix what is known of the label."""
        shipment_id, dot, suffix = name.rpartition(".")
        if not dot or suffix not in _PRINTERS:
            return await _describe(context, principal.tenant, name)
        labels = await _open_labels(context, principal.tenant, shipment_id)
        if parcel > len(labels):
            raise Problem(
                404, "parcel_unknown", f"The shipment has {len(labels)} parcel(s)", field="parcel",
                fix=f"Ask for parcel 1 to {len(labels)}.",
            )  # fmt: skip
        media_type, printer = _PRINTERS[suffix]
        return Response(printer(labels, parcel), media_type=media_type)

    @router.post("/labels/{shipment_id}/void")
    async def void(shipment_id: ShipmentId, principal: Principal = writer) -> dict[str, str]:
        """Void the label and refund its charge; repeating it changes nothing."""

        async def work(tx: Transaction) -> Sequence[Event]:
            locked = await store.lock_shipments(tx, [(principal.tenant, shipment_id)])
            shipment = locked.get((principal.tenant, shipment_id))
            if shipment is None:
                raise _unknown()
            if not shipment.void("requested"):
                raise Problem(409, "label_in_use", "The carrier already has the parcel", fix="Open a return instead.")
            return await settler.settle(tx, [shipment])

        await context.writer.run(work)
        return {"shipment_id": shipment_id, "state": "voided"}


def _add_wallet(router: APIRouter, context: ServiceContext) -> None:
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


async def _open_labels(context: ServiceContext, tenant: str, shipment_id: str) -> list[Label]:
    """Print again what was printed: from the stored route, numbers and time, and the consignee as long as it exists."""
    async with context.database.transaction() as tx:
        stored, created_at = await _stored(tx, tenant, shipment_id)
        if stored.state != "active":
            raise _not_printable(stored)
        order_id = stored.shipment.order_id
        [consignee] = await context.vault.open_many(tx, [(tenant, order_id, stored.route.consignee)])
    if consignee is None:
        fix = "Submit a new order with its address; this label cannot be printed any more."
        raise Problem(410, "consignee_erased", "The consignee's data has been erased", fix=fix)
    carrier = CARRIERS[stored.route.route.carrier]
    return make_labels(carrier, stored.route, consignee, stored.tracking_numbers, created_at)


def _not_printable(stored: store.StoredLabel) -> Problem:
    """What holds a held label is told with its remedy; a voided or withdrawn one is never printed again."""
    hold = HOLD_CODES[stored.hold_code] if stored.hold_code else None
    return Problem(
        409, f"label_{stored.state}", f"The label is {stored.state}", hold.detail if hold else "",
        fix=hold.action if hold else "Change the order to have a new label made; if it is cancelled, submit a new one.",
    )  # fmt: skip


async def _describe(context: ServiceContext, tenant: str, shipment_id: str) -> Response:
    async with context.database.transaction() as tx:
        stored, created_at = await _stored(tx, tenant, shipment_id)
    return Response(LabelDescription.of(stored, created_at).model_dump_json(), media_type="application/json")


async def _stored(tx: Transaction, tenant: str, shipment_id: str) -> tuple[store.StoredLabel, datetime]:
    found = await store.find_label(tx, tenant, shipment_id)
    if found is None:
        raise _unknown()
    return found


class LabelDescription(BaseModel):
    """The newest label of a shipment."""

    shipment_id: str
    order_id: str
    state: str
    hold_code: str | None
    carrier: str
    service: str
    route_version: int
    tracking_numbers: tuple[str, ...]
    total: Money
    created_at: datetime

    @classmethod
    def of(cls, stored: store.StoredLabel, created_at: datetime) -> LabelDescription:
        """Describe a stored label."""
        chosen = stored.route.route
        return cls(
            shipment_id=stored.shipment.shipment_id, order_id=stored.shipment.order_id, state=stored.state,
            hold_code=stored.hold_code, carrier=chosen.carrier, service=chosen.service,
            route_version=stored.route.version, tracking_numbers=stored.tracking_numbers, total=chosen.total,
            created_at=created_at,
        )  # fmt: skip


def _unknown() -> Problem:
    return Problem(404, "label_unknown", "There is no label of this shipment", fix="Check the shipment id.")


def _balance(currency: str, balance_minor: int, credit_limit_minor: int) -> WalletBalance:
    return WalletBalance(
        currency=currency, balance_minor=balance_minor, credit_limit_minor=credit_limit_minor,
        available_minor=balance_minor + credit_limit_minor,
    )  # fmt: skip


_PRINTERS: dict[str, tuple[str, Callable[[list[Label], int], bytes]]] = {
    "zpl": ("application/zpl", lambda labels, _parcel: "".join(map(render_zpl, labels)).encode()),
    "pdf": ("application/pdf", lambda labels, _parcel: render_pdf(labels)),
    "png": ("image/png", lambda labels, parcel: render_png(render_pdf(labels), parcel - 1)),
}
