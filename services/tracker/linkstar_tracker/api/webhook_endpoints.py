"""`/v1/webhook-endpoints`: the addresses that carriers call for a tenant, their secrets, and what came."""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_runtime.api_keys import Principal
from linkstar_runtime.ids import Ids
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_tracker import store
from linkstar_tracker.api.webhooks import EndpointId, delivery_name, secret_name
from linkstar_tracker.domain.carrier_doors import DOORS, GENERIC
from linkstar_tracker.settings import WebhookSettings
from linkstar_tracker.store import Endpoint

__all__ = ["routes"]

Secret = Annotated[str, Field(min_length=16, max_length=200, pattern=r"^[!-~]+$")]


class NewSecret(BaseModel):
    """A secret of the carrier's choice; one is made up where none is given."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    secret: Annotated[Secret | None, Field(repr=False)] = None


class NewEndpoint(NewSecret):
    """An address to be made for a carrier."""

    carrier: Annotated[str, Field(max_length=32)]


def routes(context: ServiceContext, settings: WebhookSettings, ids: Ids | None = None) -> APIRouter:
    """Return the routes."""
    router, source = APIRouter(), ids or Ids()
    holder = Depends(context.authorize("webhooks:write"))

    @router.post("/webhook-endpoints", status_code=201)
    async def make(body: NewEndpoint, principal: Principal = holder) -> dict[str, Any]:
        """Make an address for a carrier. Its secret is shown now and never again."""
        if body.carrier not in DOORS:
            raise Problem(
                422, "carrier_unknown", "No carrier of this name calls", field="carrier",
                fix=f"Name one of {', '.join(DOORS)}.",
            )  # fmt: skip
        endpoint_id, secret, now = source.hex(16), body.secret or _made_up(body.carrier, source), context.clock.now()
        sealed = context.vault.seal_secret(principal.tenant, secret_name(endpoint_id), secret.encode())
        endpoint = Endpoint(endpoint_id, principal.tenant, body.carrier, sealed, None, None, now, now)
        async with context.database.transaction() as tx:
            await store.add_endpoint(tx, endpoint)
        return {**_shown(endpoint), "secret": secret}

    @router.get("/webhook-endpoints")
    async def list_endpoints(principal: Principal = holder) -> dict[str, Any]:
        """List the tenant's addresses, without their secrets."""
        async with context.database.transaction() as tx:
            return {"endpoints": [_shown(each) for each in await store.endpoints_of(tx, principal.tenant)]}

    @router.post("/webhook-endpoints/{endpoint_id}/rotate")
    async def rotate(endpoint_id: EndpointId, body: NewSecret, principal: Principal = holder) -> dict[str, Any]:
        """Give an address a new secret, shown now and never again; the one before holds for a while."""
        async with context.database.transaction() as tx:
            endpoint = await _own(tx, principal, endpoint_id)
            secret = body.secret or _made_up(endpoint.carrier, source)
            sealed = context.vault.seal_secret(principal.tenant, secret_name(endpoint_id), secret.encode())
            until = tx.now + settings.overlap
            await store.rotate_secret(tx, principal.tenant, endpoint_id, sealed, until)
        return {**_shown(endpoint), "secret": secret, "old_secret_until": until.isoformat()}

    @router.delete("/webhook-endpoints/{endpoint_id}", status_code=204)
    async def drop(endpoint_id: EndpointId, principal: Principal = holder) -> None:
        """Close an address; calls to it are unknown from now on."""
        async with context.database.transaction() as tx:
            await _own(tx, principal, endpoint_id)
            await store.drop_endpoint(tx, principal.tenant, endpoint_id)

    @router.get("/webhook-endpoints/{endpoint_id}/deliveries")
    async def deliveries(
        endpoint_id: EndpointId, limit: Annotated[int, Query(ge=1, le=500)] = 100, principal: Principal = holder
    ) -> dict[str, Any]:
        """List the newest calls of an address and what became of them."""
        async with context.database.transaction() as tx:
            found = await store.read_deliveries(tx, principal.tenant, endpoint_id, limit)
        return {
            "deliveries": [
                {
                    "delivery_id": each.delivery_id, "received_at": each.received_at.isoformat(),
                    "accepted": each.accepted, "unmatched": each.unmatched, "hints": each.hints,
                    "rejected": json.loads(each.rejected),
                }
                for each in found
            ]
        }  # fmt: skip

    @router.get("/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}")
    async def raw(
        endpoint_id: EndpointId, delivery_id: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
        principal: Principal = holder,
    ) -> Response:  # fmt: skip
        """Return one call byte for byte as it came."""
        async with context.database.transaction() as tx:
            sealed = await store.read_body(tx, principal.tenant, endpoint_id, delivery_id)
        if sealed is None:
            raise Problem(404, "delivery_unknown", "There is no such call", fix="Use an id of the list of deliveries.")
        body = context.vault.open_secret(principal.tenant, delivery_name(endpoint_id, delivery_id), sealed)
        return Response(body, media_type="application/octet-stream")

    @router.get("/poll-hints")
    async def hints(
        limit: Annotated[int, Query(ge=1, le=500)] = 100, principal: Principal = holder
    ) -> dict[str, Any]:  # fmt: skip
        """List the parcels that carriers hinted at and that wait to be asked for, the longest waiting first."""
        async with context.database.transaction() as tx:
            return {"hints": await store.poll_hints(tx, principal.tenant, limit)}

    return router


def _made_up(carrier: str, ids: Ids) -> str:
    """32 letters and digits, the most USPS takes; Standard Webhooks has a form of its own."""
    return f"whsec_{base64.b64encode(ids.bytes(32)).decode()}" if carrier == GENERIC else ids.base62(32)


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint.endpoint_id,
        "carrier": endpoint.carrier,
        "path": f"/v1/webhooks/{endpoint.carrier}/{endpoint.endpoint_id}",
        "believed": DOORS[endpoint.carrier].reads is not None,
        "created_at": endpoint.created_at.isoformat(),
        "changed_at": endpoint.changed_at.isoformat(),
    }


async def _own(tx: Any, principal: Principal, endpoint_id: str) -> Endpoint:
    endpoint = await store.read_endpoint(tx, endpoint_id)
    if endpoint is None or endpoint.tenant != principal.tenant:
        raise Problem(404, "webhook_unknown", "There is no such address", fix="See GET /v1/webhook-endpoints.")
    return endpoint
