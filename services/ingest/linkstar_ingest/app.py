"""Composition of ingest."""

from __future__ import annotations

from linkstar_contracts import topics
from linkstar_contracts.events import (
    LabelCreated,
    LabelVoided,
    OrderCancelRequested,
    OrderChangeRequested,
    OrderSubmitted,
    TrackingUpdated,
)  # fmt: skip
from linkstar_ingest import api, handlers, jobs
from linkstar_ingest.domain import places
from linkstar_ingest.settings import IngestSettings
from linkstar_runtime import Service, Subscription, Worker
from linkstar_runtime.vault import Vault

__all__ = ["build"]


def build() -> Service:
    """Return the service; address tables are read now, so that no order waits for them."""
    settings = IngestSettings()
    places.preload()
    intake = handlers.Intake(Vault.from_settings(settings.vault))
    requests = (OrderSubmitted, OrderChangeRequested, OrderCancelRequested)
    return Service(
        name="ingest",
        settings=settings,
        migrations="linkstar_ingest.migrations",
        subscriptions=(
            Subscription(topics.ORDERS_INBOUND, requests, intake.on_orders_inbound),
            Subscription(topics.LABELS, (LabelCreated, LabelVoided), handlers.on_labels),
            Subscription(
                topics.TRACKING_UPDATED, (TrackingUpdated,), handlers.on_tracking_updated, skips=handlers.only_labelled
            ),
        ),
        emits=(topics.ORDERS_RECEIVED, topics.ORDER_CHANGES, topics.EXCEPTIONS_RAISED),
        routes=api.routes,
        workers=(Worker("imports", settings.imports.every_s, jobs.run_imports),),
    )
