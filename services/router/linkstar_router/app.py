"""Composition of the router service."""

from __future__ import annotations

from linkstar_contracts import topics
from linkstar_contracts.events import LabelRejected, LabelVoided, OrderCancelled, OrderChanged, OrderReceived
from linkstar_router.api import routes_from
from linkstar_router.api.quotes import quote_command
from linkstar_router.domain.snapshot import shipped
from linkstar_router.handlers import Router
from linkstar_router.settings import RouterSettings
from linkstar_runtime.clock import Clock
from linkstar_runtime.service import Service, Subscription, Timer

__all__ = ["build"]


def build() -> Service:
    """Return the service: orders in, routes and exceptions out, quotes over HTTP."""
    settings, snapshot = RouterSettings(), shipped()
    router = Router(snapshot, settings.late_penalty_minor, Clock.from_settings(settings.clock))
    return Service(
        name="router",
        migrations="linkstar_router.migrations",
        subscriptions=(
            Subscription(topics.ORDERS_RECEIVED, (OrderReceived,), router.on_orders_received),
            Subscription(topics.ORDER_CHANGES, (OrderChanged, OrderCancelled), router.on_order_changes),
            Subscription(topics.LABELS, (LabelRejected, LabelVoided), router.on_labels),
        ),
        emits=(topics.ROUTES_CHOSEN, topics.EXCEPTIONS_RAISED),
        routes=routes_from(snapshot, settings.late_penalty_minor),
        timers=(Timer("retry-held", settings.retry_held_every_s, router.retry_held),),
        commands=(quote_command(snapshot, settings.late_penalty_minor),),
        settings=settings,
    )
