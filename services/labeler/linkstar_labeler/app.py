"""Composition of labeler: what it consumes, emits, serves and does by time."""

from __future__ import annotations

from linkstar_contracts import topics
from linkstar_contracts.events import (
    ActionRequested,
    OrderCancelled,
    OrderChanged,
    RouteChosen,
    SettlementRequested,
    TrackingUpdated,
)
from linkstar_labeler import api
from linkstar_labeler.handlers import AccountConnectors, Handlers, Settler, only_labelled
from linkstar_labeler.handlers.invoices import expire_disputes
from linkstar_labeler.handlers.shipment_actions import ShipmentActions
from linkstar_labeler.jobs import EndOfDay, MoneyGauges, Purchasing, continue_held, give_up_unused
from linkstar_labeler.settings import LabelerSettings
from linkstar_runtime.clock import Clock
from linkstar_runtime.service import Service, Subscription, Timer, Worker
from linkstar_runtime.vault import Vault

__all__ = ["build"]


def build() -> Service:
    """Return the service."""
    settings = LabelerSettings()
    vault, clock = Vault.from_settings(settings.vault), Clock.from_settings(settings.clock)
    purchases = settings.purchases
    connectors = AccountConnectors(
        vault, clock, simulators=purchases.simulators, simulator_url=purchases.simulator_url, call_s=purchases.call_s
    )
    settler = Settler(vault, settings.labeler.block_size, clock, connectors.simulated_services())
    handlers = Handlers(settler)
    actions = ShipmentActions(connectors, clock.wall)
    purchasing = Purchasing(connectors, purchases)
    end_of_day = EndOfDay(connectors, purchases)
    return Service(
        name="labeler",
        settings=settings,
        migrations="linkstar_labeler.migrations",
        subscriptions=(
            Subscription(topics.ROUTES_CHOSEN, (RouteChosen,), handlers.on_routes_chosen),
            Subscription(topics.ORDER_CHANGES, (OrderChanged, OrderCancelled), handlers.on_order_changes),
            Subscription(
                topics.TRACKING_UPDATED, (TrackingUpdated,), handlers.on_tracking_updated, skips=only_labelled
            ),
            Subscription(topics.SETTLEMENTS_REQUESTED, (SettlementRequested,), handlers.on_settlements_requested),
            Subscription(topics.SHIPMENT_ACTIONS, (ActionRequested,), actions.on_shipment_actions),
        ),
        emits=(topics.LABELS, topics.EXCEPTIONS_RAISED, topics.SHIPMENT_ACTIONS),
        routes=api.routes(settler, connectors),
        timers=(
            Timer("continue-held", settings.labeler.retry_held_s, continue_held(settler)),
            Timer("expire-disputes", 60.0, expire_disputes),
            Timer("give-up-unused", 600.0, give_up_unused(settler)),
        ),
        workers=(Worker("measure-money", 30.0, MoneyGauges().measure), *purchasing.workers, *end_of_day.workers),
    )
