"""HTTP routes of the tracker: the carriers' doors, and what is known of a shipment."""

from __future__ import annotations

from fastapi import APIRouter

from linkstar_runtime.service import ServiceContext
from linkstar_tracker.api import (
    actions,
    automation,
    cases,
    disputes,
    evidence,
    incidents,
    papers,
    policies,
    quality,
    scan_files,
    scans,
    trackers,
    tracking_accounts,
    webhook_endpoints,
    webhooks,
)
from linkstar_tracker.carriers import TrackingClients
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.settings import Settings

__all__ = ["routes"]


def routes(context: ServiceContext, clients: TrackingClients | None = None) -> APIRouter:
    """Return the routes; `clients` are those that the process asks carriers with."""
    settings = context.settings
    if not isinstance(settings, Settings):
        raise TypeError("the tracker needs its own settings")
    router = APIRouter(prefix="/v1", tags=["tracker"])
    router.include_router(webhooks.routes(context, settings))  # first: each router before it is asked at every call
    router.include_router(scans.routes(context, settings))
    router.include_router(scan_files.routes(context, settings))
    router.include_router(policies.routes(context))
    rules = Rules(StatusMap.shipped(), settings.watch.load_rules())
    router.include_router(trackers.routes(context, rules))
    router.include_router(disputes.routes(context, rules))
    router.include_router(cases.routes(context, rules))
    router.include_router(papers.routes(context))
    router.include_router(quality.routes(context))
    router.include_router(actions.routes(context, rules))
    router.include_router(automation.routes(context))
    router.include_router(incidents.routes(context))
    router.include_router(webhook_endpoints.routes(context, settings.webhooks))
    router.include_router(evidence.routes(context))
    router.include_router(tracking_accounts.routes(context, clients or TrackingClients(settings.polling)))
    return router
