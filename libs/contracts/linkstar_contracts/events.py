"""Every event on LinkStar's topics, in the order of an order's life."""

from __future__ import annotations

from linkstar_contracts.action_events import (
    ActionAnswered,
    ActionKind,
    ActionRequested,
    ActionState,
    RuleFired,
    RuleOutcome,
)
from linkstar_contracts.event import Event
from linkstar_contracts.exception_events import (
    ExceptionCode,
    ExceptionRaised,
    ExceptionState,
    IncidentRaised,
    ResponsibleParty,
    Severity,
)
from linkstar_contracts.label_events import LabelCreated, LabelledParcel, LabelRejected, LabelVoided, PurchaseGuarantee
from linkstar_contracts.order_events import (
    OrderCancelled,
    OrderCancelRequested,
    OrderChanged,
    OrderChangeRequested,
    OrderReceived,
    OrderSubmitted,
)
from linkstar_contracts.return_events import (
    ReturnItem,
    ReturnRequested,
    ReturnState,
    ReturnUpdated,
    SettlementRequested,
)
from linkstar_contracts.route_events import Alternative, CostedRoute, Exclusion, RouteChosen
from linkstar_contracts.tracking_events import CarrierScan, Place, ShipmentUpdated, TrackingStatus, TrackingUpdated

__all__ = [
    "EVENTS", "ActionAnswered", "ActionKind", "ActionRequested", "ActionState", "Alternative", "CarrierScan",
    "CostedRoute", "ExceptionCode", "ExceptionRaised", "ExceptionState", "Exclusion", "IncidentRaised", "LabelCreated",
    "LabelRejected",
    "LabelVoided", "LabelledParcel", "OrderCancelRequested", "OrderCancelled", "OrderChangeRequested", "OrderChanged",
    "OrderReceived", "OrderSubmitted", "Place", "PurchaseGuarantee", "ResponsibleParty", "ReturnItem",
    "ReturnRequested", "ReturnState", "ReturnUpdated", "RouteChosen", "RuleFired", "RuleOutcome",
    "SettlementRequested", "Severity", "ShipmentUpdated", "TrackingStatus", "TrackingUpdated",
]  # fmt: skip

EVENTS: dict[str, type[Event]] = {
    event.TYPE: event
    for event in (
        OrderSubmitted, OrderChangeRequested, OrderCancelRequested, OrderReceived, OrderChanged, OrderCancelled,
        RouteChosen, LabelCreated, LabelRejected, LabelVoided, CarrierScan, TrackingUpdated, ShipmentUpdated,
        ExceptionRaised, IncidentRaised, ActionRequested, ActionAnswered, RuleFired, ReturnRequested, ReturnUpdated,
        SettlementRequested,
    )
}  # fmt: skip
"""Every event class by its CloudEvents type."""
