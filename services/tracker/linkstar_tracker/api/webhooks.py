"""`POST /v1/webhooks/{carrier}/{endpoint id}`: carriers call here. A call is proven, stored as it came, and
only then answered.

An answer never tells more than whether the call was taken: not whose the address is, nor whose parcels it named.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from xml.sax.saxutils import escape

import structlog
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ValidationError

from linkstar_contracts.event import Event
from linkstar_runtime.clock import Clock
from linkstar_runtime.handling import Transaction
from linkstar_runtime.json_body import check_json
from linkstar_runtime.problems import Problem, field_errors
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.vault import Vault
from linkstar_tracker import store
from linkstar_tracker.domain.carrier_doors import DOORS, CarrierDoor
from linkstar_tracker.domain.reports import as_printed
from linkstar_tracker.domain.webhook_bodies import hinted
from linkstar_tracker.domain.webhooks import Call, Forged
from linkstar_tracker.jobs.intake import Judged, Rejection, Taken, judge, known_events, take
from linkstar_tracker.settings import Settings
from linkstar_tracker.store import Delivery, Endpoint

__all__ = ["delivery_name", "routes", "secret_name"]

EndpointId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
Carrier = Annotated[str, Path(max_length=32)]
log = structlog.get_logger(__name__)
_REMEDIES = {
    "timestamp_stale": "Send the seconds since 1970 of now, on the real clock; a call is signed anew when it is repeated.",
    "timestamp_unreadable": "Send the seconds since 1970 as digits.",
    "signature_missing": "Send what this carrier's scheme asks for, as docs/tracking.md tells, made with this secret.",
}
"""What puts a refused call right, unless the secret is wrong."""


class Receipt(BaseModel):
    """What became of a call. `hints`: parcels queued to be asked for; `repeated`: it came before and changes nothing."""

    accepted: int = 0
    unmatched: int = 0
    hints: int = 0
    rejected: list[Rejection] = []
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """What a proven call says: scans to be stored, or numbers to be asked for, or why it cannot be read."""

    judged: Judged
    numbers: tuple[str, ...] = ()
    fault: Problem | None = None


def secret_name(endpoint_id: str) -> str:
    """Return the name under which an address's secret is sealed."""
    return f"webhook|{endpoint_id}"


def delivery_name(endpoint_id: str, delivery_id: str) -> str:
    """Return the name under which a call is sealed."""
    return f"webhook|{endpoint_id}|{delivery_id}"


def routes(context: ServiceContext, settings: Settings) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.post("/webhooks/{carrier}/{endpoint_id}", response_model=Receipt)
    async def receive(carrier: Carrier, endpoint_id: EndpointId, request: Request) -> Response | Receipt:
        """Take a carrier's call. It is repeated until it is answered with 200, and a repeated call changes nothing."""
        call = await _call(request, context.clock)
        async with context.database.autocommit() as tx:
            endpoint = await _proven(tx, context.vault, carrier, endpoint_id, call)
            said = _read(DOORS[carrier], call, call.received_at + settings.future_tolerance)
            known = await known_events(tx, said.judged, endpoint.tenant)
        receipt = await _take(context, settings, endpoint, call, said, known)
        if said.fault is not None:
            raise said.fault
        return _acknowledged(call, receipt)

    @router.get("/webhooks/{carrier}/{endpoint_id}", response_model=Receipt)
    async def receive_query(carrier: Carrier, endpoint_id: EndpointId, request: Request) -> Response | Receipt:
        """Take a call of a carrier that writes into the address and sends no body."""
        if not (carrier in DOORS and DOORS[carrier].in_query):
            raise Problem(405, "method_not_allowed", "This carrier calls with POST", fix="Send POST.")
        return await receive(carrier, endpoint_id, request)

    return router


async def _call(request: Request, clock: Clock) -> Call:
    return Call(await request.body(), dict(request.headers), dict(request.query_params), clock.now(), clock.wall())


async def _proven(tx: Transaction, vault: Vault, carrier: str, endpoint_id: str, call: Call) -> Endpoint:
    """Return the address whose secret made the call."""
    endpoint = await store.read_endpoint(tx, endpoint_id)
    if endpoint is None or endpoint.carrier != carrier:
        raise Problem(
            404,
            "webhook_unknown",
            "There is no such address",
            fix="Use the address as it was given, or make a new one.",
        )
    try:
        DOORS[carrier].scheme.verify(call, _secrets(vault, endpoint, call.received_at))
    except Forged as error:
        log.warning("webhook refused", action="webhook_refused", carrier=carrier, code=error.code)
        raise Problem(
            401, error.code, "The call does not prove that it is the carrier's", str(error),
            fix=_REMEDIES.get(error.code, "Sign with the secret of this address, or rotate it."),
        ) from error  # fmt: skip
    return endpoint


def _secrets(vault: Vault, endpoint: Endpoint, now: datetime) -> list[str]:
    sealed = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_until and now < endpoint.old_until:
        sealed.append(endpoint.old_secret)
    name = secret_name(endpoint.endpoint_id)
    return [vault.open_secret(endpoint.tenant, name, each).decode() for each in sealed]


async def _take(
    context: ServiceContext, settings: Settings, endpoint: Endpoint, call: Call, said: _Said,
    known: Sequence[Event] | None,
) -> Receipt:  # fmt: skip
    """Store the call and what it says, together; a call that cannot be read is stored, too. `known` are the events it leads
    to where there is nothing else to store: then one statement does.
    """
    receipt = Receipt(rejected=said.judged.rejected, hints=len(said.numbers))

    def delivery() -> Delivery:
        return _delivery(context.vault, settings, endpoint, call, receipt, said.fault)

    async def store_call(tx: Transaction) -> Sequence[Event]:
        taken = await take(tx, said.judged, endpoint.tenant, settings.unmatched.keep)
        receipt.accepted, receipt.unmatched = taken.accepted, taken.unmatched
        if await store.keep_delivery(tx, delivery()):
            await store.keep_hints(
                tx, endpoint.tenant, endpoint.carrier, said.numbers, tx.now + settings.webhooks.keep_hints
            )
            return taken.events
        receipt.repeated = True
        return Taken().events

    if known is None or said.numbers:
        await context.writer.run(store_call)
    else:
        receipt.accepted = len(known)
        receipt.repeated = not await context.writer.insert(store.delivery_insertion(delivery()), known)
    return receipt


def _delivery(
    vault: Vault, settings: Settings, endpoint: Endpoint, call: Call, receipt: Receipt, fault: Problem | None
) -> Delivery:  # fmt: skip
    identity = DOORS[endpoint.carrier].scheme.delivery_id(call)
    raw = call.body or json.dumps({name: value for name, value in call.query.items() if name != "token"}).encode()
    sealed = vault.seal_secret(endpoint.tenant, delivery_name(endpoint.endpoint_id, identity), raw)
    rejected = [fault.document] if fault else [each.model_dump() for each in receipt.rejected]
    return Delivery(
        endpoint.endpoint_id, identity, endpoint.tenant, sealed, call.received_at,
        call.received_at + settings.webhooks.keep, receipt.accepted, receipt.unmatched, receipt.hints,
        json.dumps(rejected),
    )  # fmt: skip


def _read(door: CarrierDoor, call: Call, latest: datetime) -> _Said:
    """Return what the call says, or the coded Problem of what cannot be read."""
    try:
        return _told(door, call, latest)
    except Problem as problem:
        return _Said(Judged(), fault=problem)


def _told(door: CarrierDoor, call: Call, latest: datetime) -> _Said:
    told = dict(call.query) if door.in_query else _json(call.body)
    if door.reads is None:
        numbers = tuple({as_printed(number): None for number in hinted(told)})
        if not numbers:
            raise _unreadable("body", "names no tracking number")
        return _Said(Judged(), numbers)
    try:
        return _Said(judge(list(door.reads(told)), latest))
    except ValidationError as error:
        first = field_errors(error.errors(include_url=False, include_context=False, include_input=False))[0]
        raise _unreadable(first["field"], first["detail"]) from error
    except ValueError as error:
        raise _unreadable("body", "holds a time that is none") from error


def _json(body: bytes) -> Any:
    if not body:
        raise _unreadable("body", "is empty")
    check_json(body)
    return json.loads(body)


def _unreadable(field: str, detail: str) -> Problem:
    return Problem(
        422, "webhook_unreadable", "The call is proven but not what this carrier documents", f"{field} {detail}",
        field=field, fix="The call is kept; see the deliveries of this address.",
    )  # fmt: skip


def _acknowledged(call: Call, receipt: Receipt) -> Response | Receipt:
    """Return the receipt; DPD repeats a push until its number comes back in XML."""
    push = call.query.get("pushid")
    if push is None:
        return receipt
    return Response(f"<push><pushid>{escape(push)}</pushid><status>OK</status></push>", media_type="application/xml")
