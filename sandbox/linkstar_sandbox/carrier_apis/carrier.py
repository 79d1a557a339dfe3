"""What makes routes a simulated carrier: its name, the shared world and the form of its refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from linkstar_sandbox.carrier_apis.world import CarrierError, World

__all__ = ["simulated"]


def simulated(
    name: str, router: APIRouter, world: World, document: Callable[[CarrierError], Any], invalid: str
) -> FastAPI:
    """Return the carrier: its routes, and every refusal as `document` writes it. `invalid` is the code of a bad request."""
    app = FastAPI(title=name, openapi_url=None)
    app.state.world = world
    app.include_router(router)

    async def refused(_request: Request, error: Exception) -> Response:
        fault = error if isinstance(error, CarrierError) else CarrierError(500, "500", "")
        return JSONResponse(document(fault), fault.status)

    async def misread(request: Request, error: Exception) -> Response:
        first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": ""}
        where = ".".join(str(step) for step in first["loc"][1:])
        return await refused(request, CarrierError(400, invalid, f"{where}: {first['msg']}", where))

    app.add_exception_handler(CarrierError, refused)
    app.add_exception_handler(RequestValidationError, misread)
    return app
