"""HTTP routes of the tracker: the carriers' doors, and what is known of a shipment."""

from __future__ import annotations

from fastapi import APIRouter

from linkstar_runtime.service import ServiceContext
from linkstar_tracker.api import evidence, policies, scans, trackers, webhook_endpoints, webhooks
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.settings import Settings

__all__ = ["routes"]


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    settings = context.settings
    if not isinstance(settings, Settings):
        raise TypeError("the tracker needs its own settings")
    router = APIRouter(prefix="/v1", tags=["tracker"])
    router.include_router(scans.routes(context, settings))
    router.include_router(policies.routes(context))
    router.include_router(trackers.routes(context, Rules(StatusMap.shipped(), settings.watch.load_rules())))
    router.include_router(webhooks.routes(context, settings))
    router.include_router(webhook_endpoints.routes(context, settings.webhooks))
    router.include_router(evidence.routes(context))
    return router
