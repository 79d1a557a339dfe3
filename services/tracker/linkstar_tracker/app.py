"""The tracker as a service: what it consumes, emits, serves and does by time."""

from __future__ import annotations

from functools import partial

from linkstar_carriers.tracking import TRACKED
from linkstar_contracts import topics
from linkstar_contracts.events import ActionAnswered, CarrierScan, LabelCreated, LabelVoided
from linkstar_runtime.service import Service, Subscription, Timer, Worker
from linkstar_tracker import api, jobs
from linkstar_tracker.carriers import TrackingClients
from linkstar_tracker.domain.foresight import Foresight
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.polling import Polling
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.handlers import Automation, Tracking, on_shipment_actions
from linkstar_tracker.jobs import outages
from linkstar_tracker.jobs.polling import Poller
from linkstar_tracker.jobs.quality import measuring
from linkstar_tracker.jobs.scan_files import ScanFiles
from linkstar_tracker.settings import Settings

__all__ = ["build"]


def build() -> Service:
    """Return the service, configured from the environment."""
    settings = Settings()
    foresight = Foresight()
    rules = Rules(StatusMap.shipped(), settings.watch.load_rules(), foresight)
    tracking = Tracking(rules, settings.watch.max_shipments, settings.future_tolerance, settings.unmatched.keep)
    clients, polling = TrackingClients(settings.polling), Polling(foresight)
    return Service(
        name="tracker",
        settings=settings,
        migrations="linkstar_tracker.migrations",
        subscriptions=(
            Subscription(topics.LABELS, (LabelCreated, LabelVoided), tracking.on_labels),
            Subscription(topics.CARRIER_SCANS, (CarrierScan,), tracking.on_carrier_scans),
            Subscription(topics.SHIPMENT_ACTIONS, (ActionAnswered,), on_shipment_actions),
        ),
        emits=(
            topics.TRACKING_UPDATED,
            topics.SHIPMENTS_CURRENT,
            topics.EXCEPTIONS_RAISED,
            topics.CARRIER_SCANS,
            topics.SHIPMENT_ACTIONS,
        ),
        routes=partial(api.routes, clients=clients),
        timers=(
            Timer("silence", settings.watch.silence.every_s, jobs.renewing(foresight, settings.watch.silence)),
            Timer("evidence", settings.evidence.every_s, jobs.closing(settings.evidence.max_cases)),
            Timer(
                "outages", settings.watch.outages.every_s, outages.looking(foresight, settings.watch.outages.suspicion)
            ),
            Timer("watch", settings.watch.every_s, tracking.raise_silences),
            Timer("automation", settings.watch.every_s, Automation(rules).judge_exceptions),
        ),
        workers=(
            Worker("unmatched", settings.unmatched.every_s, jobs.tidy_unmatched),
            Worker("review", 1.0, jobs.reviewing(settings.watch.every_s)),
            Worker("scan-files", 1.0, ScanFiles(settings)),
            *(
                Worker(f"poll-{name}", settings.polling.every_s, Poller(name, polling, rules, clients, settings))
                for name in TRACKED
            ),
            Worker("quality", settings.quality.every_s, measuring(settings.quality.max_lanes)),
        ),
    )
