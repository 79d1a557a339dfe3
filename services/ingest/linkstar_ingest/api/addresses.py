"""`/v1/addresses`: an address checked as an order's would be, and what a seller wants done with corrections."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import ConfigDict

from linkstar_contracts.values import Consignee, Value
from linkstar_ingest.api.bodies import json_body, refused
from linkstar_ingest.channels.json_orders import read_value
from linkstar_ingest.domain.address_report import AddressReport, report_address
from linkstar_ingest.domain.addresses import CorrectionPolicy
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.store import catalogue
from linkstar_runtime import ServiceContext
from linkstar_runtime.api_keys import Principal

__all__ = ["routes"]


class AddressQuestion(Value):
    """An address to check; `residential` where the caller knows it."""

    model_config = ConfigDict(extra="forbid")

    consignee: Consignee
    residential: bool | None = None


class AddressPolicy(Value):
    """What a seller wants done with corrections."""

    model_config = ConfigDict(extra="forbid")

    corrections: CorrectionPolicy


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes. Nothing of an address that is checked is stored."""
    router = APIRouter(tags=["addresses"])

    @router.post("/addresses/check", openapi_extra=_BODY)
    async def check_address(
        request: Request, _caller: Principal = Depends(context.authorize("orders:read"))
    ) -> JSONResponse:
        """Grade an address: what is wrong, what would read better, and whether it is a home."""
        question = read_value(AddressQuestion, await json_body(request))
        if isinstance(question, list):
            raise refused(question)
        report = report_address(question.consignee, question.residential)
        if isinstance(report, Fault):
            raise refused([report])
        return JSONResponse(_told(report))

    @router.get("/addresses/policy")
    async def show_policy(caller: Principal = Depends(context.authorize("orders:read"))) -> JSONResponse:
        """Tell what is done with corrections: `apply` (the original is kept, sealed) or `propose` (only told)."""
        async with context.database.transaction() as tx:
            found = await catalogue.load_policies(tx, [caller.tenant])
        return JSONResponse({"corrections": found.get(caller.tenant, "apply")})

    @router.put("/addresses/policy", openapi_extra=_POLICY)
    async def put_policy(
        request: Request, caller: Principal = Depends(context.authorize("orders:write"))
    ) -> JSONResponse:
        """Have corrections of this seller's addresses applied or only proposed, from now on."""
        policy = read_value(AddressPolicy, await json_body(request))
        if isinstance(policy, list):
            raise refused(policy)
        async with context.database.transaction() as tx:
            await catalogue.put_policy(tx, caller.tenant, policy.corrections)
        return JSONResponse({"corrections": policy.corrections})

    return router


def _told(report: AddressReport) -> dict[str, Any]:
    return {
        "grade": report.destination.grade.value,
        "problem": report.problem or None,
        "destination": report.destination.model_dump(mode="json"),
        "notices": [notice.model_dump(mode="json", exclude_none=True) for notice in report.notices],
        "corrections": [correction._asdict() for correction in report.corrections],
        "receiver": report.receiver._asdict(),
    }


_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "description": "{\"consignee\": {name, company?, "
                    "street, street2?, city, region?, postcode, country, phone?, email?}, \"residential\"?: bool}"}}},
    }
}  # fmt: skip
_POLICY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": AddressPolicy.model_json_schema()}},
    }
}  # fmt: skip
