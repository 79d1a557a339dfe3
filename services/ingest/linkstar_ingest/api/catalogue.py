"""`/v1/warehouses` and `/v1/products`: master data of a tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from linkstar_contracts.values import BatteryClass, Warehouse
from linkstar_ingest.api.bodies import json_body, refused
from linkstar_ingest.channels.json_orders import read_value
from linkstar_ingest.domain.countries import has_address_rules
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.postcodes import clean_postcode, malformed, written_form
from linkstar_ingest.domain.products import Product
from linkstar_ingest.domain.warehouses import AUTO
from linkstar_ingest.store import catalogue
from linkstar_runtime import ServiceContext
from linkstar_runtime.api_keys import Principal

__all__ = ["routes"]

MAX_ENTRIES = 1_000
M = TypeVar("M", bound=BaseModel)


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes. A list is stored whole or not at all."""
    router = APIRouter(tags=["master data"])

    @router.put("/warehouses")
    async def put_warehouses(
        request: Request, caller: Principal = Depends(context.authorize("orders:write"))
    ) -> JSONResponse:
        """Insert or replace warehouses: a list of {code, country, postcode, timezone}."""
        houses = _entries(await json_body(request), "warehouses", Warehouse, _check_warehouse)
        async with context.database.transaction() as tx:
            await catalogue.put_warehouses(tx, caller.tenant, list({house.code: house for house in houses}.values()))
        return JSONResponse({"stored": len(houses)})

    @router.get("/warehouses")
    async def list_warehouses(
        caller: Principal = Depends(context.authorize("orders:read")),
    ) -> JSONResponse:
        """List the warehouses of the tenant."""
        async with context.database.transaction() as tx:
            found = (await catalogue.load_warehouses(tx, [caller.tenant])).get(caller.tenant, {})
        return JSONResponse({"warehouses": [house.model_dump() for house in found.values()]})

    @router.put("/products")
    async def put_products(
        request: Request, caller: Principal = Depends(context.authorize("orders:write"))
    ) -> JSONResponse:
        """Insert or replace products: a list of {sku, weight, dimensions, value, battery, liquid, hazmat, description}."""
        products = _entries(await json_body(request), "products", Product, _check_product)
        async with context.database.transaction() as tx:
            await catalogue.put_products(tx, caller.tenant, list({one.sku: one for one in products}.values()))
        return JSONResponse({"stored": len(products)})

    return router


def _entries(body: Any, name: str, model: type[M], check: Callable[[M], Fault | None]) -> list[M]:
    stated = body.get(name) if isinstance(body, dict) else body
    if not isinstance(stated, list) or not 1 <= len(stated) <= MAX_ENTRIES:
        raise refused([Fault("list_size", name, f"is no list of 1 to {MAX_ENTRIES} entries", "send a list")])
    found: list[M] = []
    faults: list[Fault] = []
    for place, entry in enumerate(stated):
        value = read_value(model, entry)
        wrong = value if isinstance(value, list) else [fault for fault in (check(value),) if fault]
        faults += [Fault(fault.code, f"[{place}].{fault.field}", fault.detail, fault.fix) for fault in wrong]
        if not isinstance(value, list):
            found.append(value)
    if faults:
        raise refused(faults[:20])
    return found


def _check_warehouse(house: Warehouse) -> Fault | None:
    if house.code == AUTO:
        return Fault("value_refused", "code", f"{AUTO} stands for no warehouse", "use another code")
    if not has_address_rules(house.country):
        return Fault("country_unknown", "country", "is no country", "use an ISO 3166-1 code such as US or GB")
    if written_form(house.country, clean_postcode(house.postcode)) is None:
        fault = malformed(house.country)
        return Fault(fault.code, "postcode", fault.detail, fault.fix)
    try:
        ZoneInfo(house.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Fault("timezone_unknown", "timezone", "is no time zone", "use an IANA name such as Europe/Berlin")
    return None


def _check_product(product: Product) -> Fault | None:
    if product.battery is BatteryClass.UNKNOWN:
        known = ", ".join(one.value for one in BatteryClass if one is not BatteryClass.UNKNOWN)
        return Fault("value_unknown", "battery", "is no battery class", f"use one of {known}")
    if product.value.amount_minor < 0:
        return Fault("value_negative", "value", "is below zero", "state the value of the goods")
    return None
