"""Batch handlers and timers of the tracker: what labels, scans, answers and the passing of time lead to."""

from __future__ import annotations

from linkstar_tracker.handlers.actions import on_shipment_actions
from linkstar_tracker.handlers.automation import Automation
from linkstar_tracker.handlers.tracking import Tracking

__all__ = ["Automation", "Tracking", "on_shipment_actions"]
