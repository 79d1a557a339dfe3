"""Counters, gauges and histograms with typed label sets: a missing or misspelt label does not pass mypy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import prometheus_client
from prometheus_client import CollectorRegistry

__all__ = ["METRICS", "REGISTRY", "Counter", "Counters", "Gauge", "Gauges", "Histogram", "Histograms", "Metric"]

REGISTRY = CollectorRegistry()
"""The process's registry: LinkStar's metrics and the process's own (memory, CPU, file handles, garbage collection)."""
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
prometheus_client.ProcessCollector(registry=REGISTRY)
prometheus_client.PlatformCollector(registry=REGISTRY)
prometheus_client.GCCollector(registry=REGISTRY)

Labels = TypeVar("Labels", bound=tuple[str, ...])
METRICS: list[Metric] = []
"""The catalogue, in the order of definition."""


class Metric:
    """What is common to all metrics: name, meaning and the names of the labels."""

    kind = ""

    def __init__(self, name: str, meaning: str, labels: type[tuple[str, ...]] | None = None) -> None:
        self.name = name
        self.meaning = meaning
        self.label_names: Sequence[str] = getattr(labels, "_fields", ())
        METRICS.append(self)

    def read(self, labels: Sequence[str] = ()) -> float:
        """Return the present value of a counter or gauge; 0 when it was never touched."""
        return REGISTRY.get_sample_value(self.name, dict(zip(self.label_names, labels, strict=True))) or 0.0


class Counter(Metric):
    """Counts what has happened since the process started."""

    kind = "counter"

    def __init__(self, name: str, meaning: str) -> None:
        super().__init__(name, meaning)
        self._series = prometheus_client.Counter(name, meaning, registry=REGISTRY)

    def inc(self, amount: float = 1) -> None:
        """Add `amount`."""
        self._series.inc(amount)


class Counters(Metric, Generic[Labels]):
    """A counter per set of labels."""

    kind = "counter"

    def __init__(self, name: str, meaning: str, labels: type[Labels]) -> None:
        super().__init__(name, meaning, labels)
        self._series = prometheus_client.Counter(name, meaning, self.label_names, registry=REGISTRY)

    def inc(self, labels: Labels, amount: float = 1) -> None:
        """Add `amount`."""
        self._series.labels(*labels).inc(amount)


class Gauge(Metric):
    """Tells how much there is now."""

    kind = "gauge"

    def __init__(self, name: str, meaning: str) -> None:
        super().__init__(name, meaning)
        self._series = prometheus_client.Gauge(name, meaning, registry=REGISTRY)

    def set(self, value: float) -> None:
        """Set the present value."""
        self._series.set(value)


class Gauges(Metric, Generic[Labels]):
    """A gauge per set of labels."""

    kind = "gauge"

    def __init__(self, name: str, meaning: str, labels: type[Labels]) -> None:
        super().__init__(name, meaning, labels)
        self._series = prometheus_client.Gauge(name, meaning, self.label_names, registry=REGISTRY)
        self._shown: set[Labels] = set()

    def set(self, labels: Labels, value: float) -> None:
        """Set the present value."""
        self._shown.add(labels)
        self._series.labels(*labels).set(value)

    def show_only(self, values: Mapping[Labels, float]) -> None:
        """Set the present values of these series, and forget all others: what is no longer measured is not shown."""
        for labels, value in values.items():
            self.set(labels, value)
        for labels in self._shown - values.keys():
            self._series.remove(*labels)
        self._shown &= values.keys()


class Histogram(Metric):
    """Tells how values are spread."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str, buckets: Sequence[float]) -> None:
        super().__init__(name, meaning)
        self._series = prometheus_client.Histogram(name, meaning, buckets=buckets, registry=REGISTRY)

    def observe(self, value: float) -> None:
        """Note one value."""
        self._series.observe(value)


class Histograms(Metric, Generic[Labels]):
    """A histogram per set of labels."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str, labels: type[Labels], buckets: Sequence[float]) -> None:
        super().__init__(name, meaning, labels)
        self._series = prometheus_client.Histogram(name, meaning, self.label_names, buckets=buckets, registry=REGISTRY)

    def observe(self, labels: Labels, value: float) -> None:
        """Note one value."""
        self._series.labels(*labels).observe(value)
