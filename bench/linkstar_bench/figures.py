"""The figures of a bench run: what was measured, and the few sums made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from typing import Any

from linkstar_bench.rounds import Round
from linkstar_bench.verdict import Verdict

__all__ = ["BARS", "Figures", "Flatness", "Series", "percentile"]

BARS = {"linkstar_orders_per_s": 1_000.0, "ratio_usual": 10.0, "flat_ratio": 1.25}
_PRODUCT = ("ingest", "router", "labeler", "tracker", "returns", "hop")


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the sorted values do not exceed."""
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, ceil(len(ordered) * share) - 1)]


@dataclass
class Series:
    """The rounds of one variant; its figure is the median round's."""

    rounds: list[Round] = field(default_factory=list)

    @property
    def orders_per_s(self) -> float:
        return median(each.burst.orders_per_s for each in self.rounds)

    @property
    def orders(self) -> int:
        """Orders of one round."""
        return self.rounds[0].burst.orders

    def cpu_us(self) -> dict[str, float]:
        """CPU per order by process: the median over the rounds."""
        each = [round_.burst.usage.us_per(round_.burst.orders) for round_ in self.rounds]
        return {_plain(name): median(spent[name] for spent in each) for name in each[0]}

    def resident_mib(self) -> dict[str, float]:
        """Memory at the end of the last round."""
        held = self.rounds[-1].burst.usage.resident_bytes
        return {_plain(name): size / 2**20 for name, size in held.items()}

    def bytes_per_order(self) -> dict[str, int]:
        each = [round_.storage.per(round_.burst.orders) for round_ in self.rounds]
        return {name: round(median(stored[name] for stored in each)) for name in each[0]}

    def verdict(self) -> Verdict:
        """All rounds' verdicts together."""
        found = Verdict()
        for each in (round_.verdict for round_ in self.rounds):
            found.lost, found.duplicated = found.lost + each.lost, found.duplicated + each.duplicated
            found.copies += each.copies
            for name, cases in each.examined.items():
                found.examined[name] = found.examined.get(name, 0) + cases
        return found


def _plain(process: str) -> str:
    return process.partition("-")[0]


@dataclass
class Flatness:
    """CPU and WAL per order, of each round, by how many orders of history the tables hold."""

    cpu_us: dict[int, list[float]] = field(default_factory=dict)
    wal_bytes: dict[int, list[float]] = field(default_factory=dict)
    fill_s: dict[int, float] = field(default_factory=dict)
    table_bytes: dict[int, int] = field(default_factory=dict)

    def medians(self, of: Mapping[int, Sequence[float]]) -> dict[int, float]:
        return {history: median(values) for history, values in of.items()}

    @property
    def ratio(self) -> float | None:
        """The worse of both ratios, the most expensive history against none; None if only one was measured."""
        ratios = [max(found.values()) / found[min(found)] for of in (self.cpu_us, self.wal_bytes)
                  if len(found := self.medians(of)) > 1]  # fmt: skip
        return max(ratios) if ratios else None


@dataclass
class Figures:
    """Everything a report tells."""

    seed: int
    series: dict[str, Series] = field(default_factory=dict)
    latency_s: dict[str, list[float]] = field(default_factory=dict)
    latency_rate: dict[str, float] = field(default_factory=dict)
    scaling: dict[int, float] = field(default_factory=dict)
    flatness: Flatness = field(default_factory=Flatness)
    more_verdicts: dict[str, Verdict] = field(default_factory=dict)
    """Of rounds that are in no series."""
    seconds: float = 0.0

    def ratio(self, above: str, below: str) -> float:
        """How many times the one variant's rate is the other's."""
        return self.series[above].orders_per_s / self.series[below].orders_per_s

    def verdicts(self) -> dict[str, Verdict]:
        return {name: series.verdict() for name, series in self.series.items()} | self.more_verdicts

    def sound(self) -> bool:
        """True if every variant was judged, and none lost or doubled anything."""
        return all(v.exercised and not v.lost and not v.duplicated for v in self.verdicts().values())

    def summary(self) -> dict[str, Any]:
        """The last line."""
        linkstar = self.series["linkstar"]
        spent = linkstar.cpu_us()
        waited = {name: values for name, values in self.latency_s.items() if values}
        flat = self.flatness.ratio
        return {
            "linkstar_orders_per_s": round(linkstar.orders_per_s, 1),
            "usual_orders_per_s": round(self.series["usual"].orders_per_s, 1),
            "relay_orders_per_s": round(self.series["relay"].orders_per_s, 1),
            "ratio_usual": round(self.ratio("linkstar", "usual"), 2),
            "ratio_relay": round(self.ratio("linkstar", "relay"), 3),
            "ratio_empty_hop": round(self.ratio("hop stage", "hop usual"), 2),
            "latency_ms": {
                f"p{share * 100:.0f}": round(percentile(waited["linkstar"], share) * 1e3, 1) for share in (0.5, 0.99)
            } if "linkstar" in waited else {},
            "cpu_us_per_order": {
                **{name: round(spent[name]) for name in spent if name in _PRODUCT},
                "kafka": round(spent["kafka"]), "postgres": round(spent["postgres"]),
            },
            "bytes_per_order": linkstar.bytes_per_order(),
            "flat_ratio": None if flat is None else round(flat, 3),
            "scaling": {str(replicas): round(rate) for replicas, rate in self.scaling.items()},
            "lost": sum(v.lost for v in self.verdicts().values()),
            "duplicated": sum(v.duplicated for v in self.verdicts().values()),
            "seconds": round(self.seconds),
        }  # fmt: skip

    def bars(self) -> dict[str, bool | None]:
        """Which bars are met; None for what was not measured."""
        found = self.summary()
        values = {name: found[name] for name in BARS}
        return {
            name: None if value is None else value <= bar if name == "flat_ratio" else value >= bar
            for (name, bar), value in zip(BARS.items(), values.values(), strict=True)
        }
