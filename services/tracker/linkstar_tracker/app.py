"""The tracker as a service: what it consumes, emits, serves and does by time."""

from __future__ import annotations

from linkstar_contracts import topics
from linkstar_contracts.events import CarrierScan, LabelCreated, LabelVoided
from linkstar_runtime.service import Service, Subscription, Timer, Worker
from linkstar_tracker import api, jobs
from linkstar_tracker.domain.foresight import Foresight
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.handlers import Tracking
from linkstar_tracker.settings import Settings

__all__ = ["build"]


def build() -> Service:
    """Return the service, configured from the environment."""
    settings = Settings()
    foresight = Foresight()
    rules = Rules(StatusMap.shipped(), settings.watch.load_rules(), foresight)
    tracking = Tracking(rules, settings.watch.max_shipments)
    return Service(
        name="tracker",
        settings=settings,
        migrations="linkstar_tracker.migrations",
        subscriptions=(
            Subscription(topics.LABELS, (LabelCreated, LabelVoided), tracking.on_labels),
            Subscription(topics.CARRIER_SCANS, (CarrierScan,), tracking.on_carrier_scans),
        ),
        emits=(topics.TRACKING_UPDATED, topics.SHIPMENTS_CURRENT, topics.EXCEPTIONS_RAISED, topics.CARRIER_SCANS),
        routes=api.routes,
        timers=(
            Timer("silence", settings.watch.silence.every_s, jobs.renewing(foresight, settings.watch.silence)),
            Timer("watch", settings.watch.every_s, tracking.raise_silences),
        ),
        workers=(
            Worker("unmatched", settings.unmatched.every_s, jobs.tidy_unmatched),
            Worker("review", 1.0, jobs.review_open),
        ),
    )
