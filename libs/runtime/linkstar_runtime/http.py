"""HTTP of a service: its routes behind one gate, with health, metrics and problem documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from fastapi.responses import Response

from linkstar_runtime.gate import Gate
from linkstar_runtime.health import Health, health_routes
from linkstar_runtime.metrics import exposition
from linkstar_runtime.problems import PROBLEM_RESPONSES, add_problem_handlers

if TYPE_CHECKING:
    from linkstar_runtime.service import ServiceContext

__all__ = ["create_app"]


def create_app(
    service_name: str,
    routes: Callable[[ServiceContext], APIRouter] | None,
    context: ServiceContext,
    health: Health,
) -> FastAPI:
    """Return the application. Every error is a problem document; bodies are bounded and checked before they are read.

    Raises when a route's annotation cannot be resolved, such as a name of the enclosing function under postponed
    annotations: write `caller: Principal = Depends(context.authorize(…))` there.
    """
    app = FastAPI(
        title=f"LinkStar {service_name}", docs_url=None, redoc_url=None, separate_input_output_schemas=False,
        responses=PROBLEM_RESPONSES,
    )  # fmt: skip
    add_problem_handlers(app)
    app.include_router(health_routes(health))
    app.include_router(_metrics_route())
    if routes is not None:
        app.include_router(routes(context))
    app.openapi()  # a route that FastAPI has misunderstood fails here, not at its first request
    app.add_middleware(Gate, clock=context.clock)
    return app


def _metrics_route() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def metrics() -> Response:
        body, content_type = exposition()
        return Response(body, headers={"content-type": content_type})

    return router
