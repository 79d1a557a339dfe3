"""Every metric LinkStar exports: one typed constant each, rendered to docs/metrics.md.

A process serves one service, hence one consumer group: Prometheus's `job` and `linkstar_service_info` tell which. Labels
are few-valued (topic, carrier, code), never an order id or a tenant.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import prometheus_client

from linkstar_runtime.instruments import METRICS, REGISTRY, Counter, Counters, Gauge, Gauges, Histogram, Histograms


class TopicGroupReason(NamedTuple):
    """Labels of dead letters; `reason` is the stable code."""

    topic: str
    group: str
    reason: str


class OfTopic(NamedTuple):
    """Labels of what is counted per topic."""

    topic: str


class OfType(NamedTuple):
    """Labels of what is counted per event type (`ce_type`)."""

    type: str


class HoldReason(NamedTuple):
    """Labels of held labels; `code` is the stable code of the hold."""

    code: str


class OfCurrency(NamedTuple):
    """Labels of money."""

    currency: str


class OfState(NamedTuple):
    """Labels of what is counted by how it stands."""

    state: str


class Standings(NamedTuple):
    """Labels of labels on a carrier's list; `standing` is how they stand to our books."""

    standing: str


class CarrierOperation(NamedTuple):
    """Labels of what is measured per call to a carrier's web services."""

    carrier: str
    operation: str


class CarrierCall(NamedTuple):
    """Labels of calls to carriers; `end` is `accepted`, `refused`, or the stable code of what came instead of an answer."""

    carrier: str
    operation: str
    end: str


class CarrierEnd(NamedTuple):
    """Labels of questions where a parcel is; `end` is `news`, `nothing_new`, `unknown_number`, or a stable code."""

    carrier: str
    end: str


class OfCarrier(NamedTuple):
    """Labels of what is counted per carrier."""

    carrier: str


class OfLane(NamedTuple):
    """Labels of a carrier's lane: the countries from and to, or `other` for all but the largest."""

    carrier: str
    lane: str


class LaneQuantile(NamedTuple):
    """Labels of a quantile on a carrier's lane."""

    carrier: str
    lane: str
    quantile: str


class LaneRate(NamedTuple):
    """Labels of a share on a carrier's lane; `of` is what the share is of."""

    carrier: str
    lane: str
    of: str


class ExitCode(NamedTuple):
    """Labels of a restart: 70 a stall, 75 someone must look, negative a signal."""

    code: str


class Http(NamedTuple):
    """Labels of HTTP requests; `route` is the template, never the path."""

    method: str
    route: str
    status: str


class Process(NamedTuple):
    """Labels that tell which process answers."""

    service: str
    version: str
    instance: str


SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
AGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200)
RECORDS = (1, 2, 5, 10, 25, 50, 100, 200, 300, 400, 500, 1000, 1500, 2000)

INFO = Gauges("linkstar_service_info", "always 1; which process this is", Process)
RESTARTED_AFTER = Gauges("linkstar_service_restarted_after", "1 for the exit code of the process before this", ExitCode)
DATABASE_REACHABLE = Gauge("linkstar_database_reachable", "1 while the stage can use PostgreSQL, else 0")
KAFKA_REACHABLE = Gauge("linkstar_kafka_reachable", "1 while Kafka answers where its logs end, else 0")

EVENT_AGE = Histogram(
    "linkstar_event_age_seconds", "business time − event time of a batch's oldest record; alerts", AGES
)
BATCH_SECONDS = Histogram("linkstar_stage_batch_duration_seconds", "from the records to the commit", SECONDS)
BATCH_RECORDS = Histogram("linkstar_stage_batch_records", "records per batch: batching works", RECORDS)
EMIT_SECONDS = Histogram("linkstar_emit_duration_seconds", "from a batch's commit to the broker's last ack", SECONDS)
RECORDS_IN = Counters("linkstar_records_in_total", "records whose batch is committed", OfTopic)
EVENTS_OUT = Counters("linkstar_events_out_total", "events committed to the outbox, by batch, timer or HTTP", OfType)
LAG_RECORDS = Gauges("linkstar_stage_lag_records", "records that wait in the shards owned here", OfTopic)
LAG_SECONDS = Gauge("linkstar_stage_lag_seconds", "how long the oldest waiting record was seen to wait; alerts")
NO_PROGRESS_SECONDS = Gauge(
    "linkstar_stage_no_progress_seconds", "longest time an owned shard had records waiting and did not move; alerts"
)
FENCED = Counter("linkstar_stage_fenced_total", "shards refused because they had moved: zombies met")
BISECTS = Counter("linkstar_stage_bisects_total", "batches cut in two to find a record that breaks the handler")
CLAIMS = Counter("linkstar_claims_total", "shards claimed")
CLAIM_SECONDS = Histogram("linkstar_claim_duration_seconds", "one claim: epoch, check, drain, seek", SECONDS)
REBALANCES = Counter("linkstar_rebalances_total", "assignments this member was given")
REBALANCE_PAUSE = Histogram(
    "linkstar_rebalance_pause_seconds", "per shard claimed after a rebalance: since all shards were taken away", SECONDS
)
SHARDS_OWNED = Gauge("linkstar_shards_owned", "shards this process works")
SHARDS_INCOMPLETE = Gauge("linkstar_shards_incomplete", "shards that wait because another member holds a part of them")
SHARDS_STOPPED = Gauge("linkstar_shards_stopped", "shards stopped by the dead-letter limit; page")
OUTBOX_PENDING = Gauge("linkstar_outbox_pending_rows", "chunks committed and not yet sent")
OUTBOX_OLDEST_AGE = Gauge("linkstar_outbox_oldest_age_seconds", "age of the oldest chunk not yet sent")
DEAD_LETTERS = Counters("linkstar_dead_letters_total", "records that can never be processed", TopicGroupReason)
DUPLICATES = Counter("linkstar_duplicates_total", "records already known")
COMMIT_FAILURES = Counter("linkstar_offset_commit_failures_total", "the lag gauge is stale (nothing worse)")
CRITICAL_LOGS = Counter("linkstar_critical_logs_total", "log records of level critical, also those of libraries")

HTTP_SECONDS = Histograms("linkstar_http_request_duration_seconds", "answers by route and status", Http, SECONDS)

LABELS_HELD = Gauges("linkstar_labels_held", "shipments that wait for their label, by what holds them", HoldReason)
PURCHASES_OPEN = Gauges("linkstar_purchases_open", "purchases over the network that have not ended, by state", OfState)
PURCHASE_UNKNOWN_AGE = Gauge("linkstar_purchase_unknown_age_seconds", "longest time a call's outcome has been unknown")
ORPHAN_LABELS = Counters("linkstar_orphan_labels_total", "labels nobody pays for, by what became of the void", OfState)
LABELS_LISTED = Counters(
    "linkstar_labels_listed_total", "labels on carriers' lists, by how they stand to ours", Standings
)
MANIFESTS_OPEN = Gauges("linkstar_manifests_open", "manifests that their carrier has not confirmed, by state", OfState)
PICKUPS_UNKNOWN = Gauge("linkstar_pickups_unknown", "pickups of which nobody knows whether a driver comes")
CARRIER_CALLS = Counters("linkstar_carrier_calls_total", "calls to carriers' web services, by their end", CarrierCall)
CARRIER_SECONDS = Histograms(
    "linkstar_carrier_call_duration_seconds", "answers and silences of carriers", CarrierOperation, SECONDS
)
POLLS = Counters("linkstar_polls_total", "questions where a parcel is, by what they brought", CarrierEnd)
POLL_BUDGET_USED = Gauges(
    "linkstar_poll_budget_used_ratio", "share of a period's calls that a carrier's busiest account has used", OfCarrier
)
WALLET_BALANCE = Gauges("linkstar_wallet_balance_minor", "sum of all wallets, in minor units", OfCurrency)
WALLETS_OVERDRAWN = Gauge("linkstar_wallets_overdrawn", "wallets below their credit limit; must stay 0")

LANE_PARCELS = Gauges("linkstar_lane_parcels", "parcels that ended in the last four weeks", OfLane)
LANE_RATE = Gauges("linkstar_lane_rate", "share of a lane's parcels in the last four weeks, as estimated", LaneRate)
LANE_SCAN_AGE = Gauges("linkstar_lane_scan_age_seconds", "how old the last scans of open parcels are", LaneQuantile)
LANE_SCAN_GAP = Gauges("linkstar_lane_scan_gap_seconds", "from scan to scan, in working hours", LaneQuantile)


def exposition() -> tuple[bytes, str]:
    """Return the metrics in Prometheus's text format, and its content type."""
    return prometheus_client.generate_latest(REGISTRY), prometheus_client.CONTENT_TYPE_LATEST


def markdown() -> str:
    """Return the catalogue as docs/metrics.md."""
    head = "# Metrics\n\nServed by each service at `/metrics`. Generated by `python -m linkstar_runtime.metrics`.\n"
    table = "\n| Metric | Type | Labels | Tells |\n|---|---|---|---|\n"
    rows = (f"| `{m.name}` | {m.kind} | {', '.join(m.label_names) or '–'} | {m.meaning} |\n" for m in METRICS)
    return head + table + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(markdown())
