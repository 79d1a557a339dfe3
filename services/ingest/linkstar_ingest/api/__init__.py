"""HTTP API of ingest. Commands run the batch handlers; the natural key makes them idempotent."""

from __future__ import annotations

from fastapi import APIRouter

from linkstar_ingest.api import addresses, catalogue, imports, orders, requests
from linkstar_runtime import ServiceContext

__all__ = ["routes"]


def routes(context: ServiceContext) -> APIRouter:
    """Return all routes of the service."""
    router = APIRouter(prefix="/v1")
    for part in (orders, requests, imports, catalogue, addresses):
        router.include_router(part.routes(context))
    return router
