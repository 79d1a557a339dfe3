"""The whole measurement, one after the other on one machine: alternating rounds, latency, single hop, scaling, flatness."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from linkstar_bench import variants
from linkstar_bench.figures import Figures, Series
from linkstar_bench.history import CHUNK_ORDERS, MARK, History
from linkstar_bench.machine import Machine
from linkstar_bench.orders import OrderRecord, build_orders
from linkstar_bench.rounds import Round, Variant, latencies, play, warm
from linkstar_bench.storage import read_storage
from linkstar_runtime.clock import Clock

__all__ = ["Comparison", "Size"]

HOP_BURN_US = 1_500
"""What a record costs in the stage made CPU-heavy: far more than everything else about it."""
REPLICAS = (1, 2, 4)


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int = 3
    linkstar_orders: int = 40_000
    usual_orders: int = 2_000
    relay_orders: int = 40_000
    hop_orders: int = 10_000
    hop_usual_orders: int = 2_000
    warm_orders: int = 1_000
    usual_warm_orders: int = 200
    latency_s: float = 20.0
    scaling_orders: int = 4_000
    histories: tuple[int, ...] = (0, 1_000_000, 5_000_000)
    flat_rounds: int = 5
    flat_orders: int = 4_000

    @classmethod
    def quick(cls) -> Size:
        """Small enough for a few minutes; its figures are for trying the harness, not for telling."""
        return cls(
            rounds=1, linkstar_orders=4_000, usual_orders=400, relay_orders=8_000, hop_orders=3_000,
            hop_usual_orders=500, warm_orders=500, usual_warm_orders=60, latency_s=6.0, scaling_orders=1_000,
            histories=(0, 20_000), flat_rounds=3, flat_orders=1_000,
        )  # fmt: skip


class Comparison:
    """One run. Each part adds to `figures` and says on standard output what it found."""

    def __init__(self, machine: Machine, size: Size, seed: int, now: datetime) -> None:
        self._machine, self._size, self._seed, self._now = machine, size, seed, now
        self._names, self._clock = 0, Clock()
        self.figures = Figures(seed)

    def _orders(self, count: int) -> tuple[str, list[OrderRecord]]:
        """New orders under a name that no earlier round had."""
        self._names += 1
        name = f"r{self._names:03}"
        return name, list(build_orders(count, self._seed, name, self._now))

    def rounds(self) -> None:
        """LinkStar, the usual way and the bare relay in turn."""
        size = self._size
        linkstar, usual = variants.linkstar(self._machine), variants.usual(self._machine)
        samples = self._machine.home.path / "samples"
        relay = None
        for _ in range(size.rounds):
            self._round(linkstar, linkstar.name, size.linkstar_orders, size.warm_orders)
            if relay is None:
                variants.save_samples(self._machine, linkstar.ground, samples)
                relay = variants.relayed(self._machine, samples)
            self._round(usual, usual.name, size.usual_orders, size.usual_warm_orders)
            self._round(relay, relay.name, size.relay_orders, size.warm_orders)

    def _round(self, variant: Variant, name: str, count: int, warm_up: int) -> None:
        _, first = self._orders(warm_up)
        called, orders = self._orders(count)
        with warm(self._machine, variant, first) as running:
            self._add(name, play(self._machine, variant, running, orders, called))

    def _add(self, name: str, played: Round) -> None:
        self.figures.series.setdefault(name, Series()).rounds.append(played)
        spent = sum(played.burst.usage.us_per(played.burst.orders).values())
        say(f"{name}: {played.burst.orders_per_s:,.0f} orders/s ({played.burst.orders} in {played.burst.seconds:.1f} s), "
            f"{spent:,.0f} us CPU per order in all; {played.verdict}")  # fmt: skip

    def latency(self) -> None:
        """Open-loop at half of what each variant can do."""
        for variant, warm_up in (
            (variants.linkstar(self._machine, "paced"), self._size.warm_orders),
            (variants.usual(self._machine, "pacedusual"), self._size.usual_warm_orders),
        ):
            name = "usual" if "usual" in variant.name else "linkstar"
            rate = self.figures.series[name].orders_per_s / 2
            _, first = self._orders(warm_up)
            _, orders = self._orders(int(rate * self._size.latency_s))
            with warm(self._machine, variant, first) as running:
                waited = latencies(running, variant, orders, rate)
            self.figures.latency_s[name], self.figures.latency_rate[name] = waited, rate
            say(f"{name} at {rate:,.0f} orders/s: median {waited[len(waited) // 2] * 1e3:,.0f} ms end to end")

    def single_hop(self) -> None:
        """One hop with next to no logic: what the wiring alone costs."""
        first, orders = self._hop_input(self._size.hop_orders)
        for name, variant, count in (
            ("hop stage", variants.hop_stage(self._machine), len(orders)),
            ("hop usual", variants.hop_usual(self._machine), self._size.hop_usual_orders),
        ):
            with warm(self._machine, variant, first[: self._size.usual_warm_orders]) as running:
                self._add(name, play(self._machine, variant, running, orders[:count], ""))

    def _hop_input(self, count: int) -> tuple[list[OrderRecord], list[OrderRecord]]:
        """Records of orders-received that LinkStar made in the first round."""
        found = variants.hop_orders(self._machine, "linkstar", count + self._size.usual_warm_orders)
        return found[count:], found[:count]

    def scaling(self) -> None:
        """More replicas of a stage whose every record costs CPU."""
        first, orders = self._hop_input(self._size.scaling_orders)
        for replicas in REPLICAS:
            variant = variants.hop_stage(self._machine, replicas, HOP_BURN_US)
            with warm(self._machine, variant, first) as running:
                played = play(self._machine, variant, running, orders, "")
            rate = self.figures.scaling[replicas] = played.burst.orders_per_s
            self.figures.more_verdicts[f"{replicas} replicas"] = played.verdict
            say(
                f"{replicas} replicas of a stage of {HOP_BURN_US} us per record: {rate:,.0f} records/s; {played.verdict}"
            )

    def flatness(self) -> None:
        """The same load on tables that hold more and more history."""
        variant = variants.linkstar(self._machine, "flat")
        marked = build_orders(CHUNK_ORDERS, self._seed, MARK, self._now)
        with warm(self._machine, variant, marked):
            say("history: a thousand orders worked through")
        history = asyncio.run(History.read(variant.ground.database))
        say(f"history goes into {len(history.tables)} tables: {', '.join(table.name for table in history.tables)}")
        for size in self._size.histories:
            began = self._clock.monotonic()
            asyncio.run(history.grow(size))
            found = self.figures.flatness
            found.fill_s[size] = self._clock.monotonic() - began
            found.table_bytes[size] = asyncio.run(
                read_storage(variant.ground.database, self._machine.home.kafka, "-")
            ).table_bytes  # fmt: skip
            say(f"{size:,} orders of history: {found.table_bytes[size] / 2**30:.1f} GiB in {found.fill_s[size]:.0f} s")
            _, first = self._orders(self._size.warm_orders)
            with warm(self._machine, variant, first) as running:
                for _ in range(self._size.flat_rounds):
                    called, orders = self._orders(self._size.flat_orders)
                    played = play(self._machine, variant, running, orders, called)
                    self.figures.more_verdicts[f"flatness {called}"] = played.verdict
                    self._flat_round(size, played)

    def _flat_round(self, history: int, played: Round) -> None:
        """CPU is the product's and its servers', without the load's own."""
        ours = ("carrier", "driver")
        spent = played.burst.usage.us_per(played.burst.orders)
        cpu = sum(used for name, used in spent.items() if name not in ours)
        wal = played.storage.per(played.burst.orders)["wal"]
        self.figures.flatness.cpu_us.setdefault(history, []).append(cpu)
        self.figures.flatness.wal_bytes.setdefault(history, []).append(wal)
        say(f"  {cpu:,.0f} us CPU, {wal:,} bytes of WAL per order, {played.burst.orders_per_s:,.0f} orders/s; "
            f"{played.verdict}")  # fmt: skip


def say(line: str) -> None:
    """Tell progress at once."""
    print(line, flush=True)
