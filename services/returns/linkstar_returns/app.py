"""Returns as a service: what it consumes, emits, serves and does by time."""

from __future__ import annotations

from linkstar_contracts import topics
from linkstar_contracts.events import LabelCreated, LabelVoided, OrderReceived, ReturnRequested, TrackingUpdated
from linkstar_returns import api
from linkstar_returns.handlers import Returning, of_way_out, starts_way_out
from linkstar_returns.settings import Settings
from linkstar_runtime.service import Service, Subscription, Timer

__all__ = ["build"]


def build() -> Service:
    """Return the service, configured from the environment."""
    settings = Settings()
    returning = Returning(settings.returns.policy, settings.returns.max_orders)
    return Service(
        name="returns",
        settings=settings,
        migrations="linkstar_returns.migrations",
        subscriptions=(
            Subscription(topics.RETURNS_REQUESTED, (ReturnRequested,), returning.on_returns_requested),
            Subscription(topics.ORDERS_RECEIVED, (OrderReceived,), returning.on_orders_received),
            Subscription(topics.LABELS, (LabelCreated, LabelVoided), returning.on_labels, skips=of_way_out),
            Subscription(
                topics.TRACKING_UPDATED, (TrackingUpdated,), returning.on_tracking_updated, skips=starts_way_out
            ),
        ),
        emits=(topics.RETURNS_UPDATED, topics.ORDERS_RECEIVED, topics.EXCEPTIONS_RAISED),
        routes=api.routes,
        timers=(Timer("expiry", settings.returns.every_s, returning.expire),),
    )
