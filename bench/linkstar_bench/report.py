"""The report of a run: a Markdown page with every table, the bars met or not, and the plot beside it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import psutil

from linkstar_bench.comparison import HOP_BURN_US
from linkstar_bench.figures import BARS, Figures, Flatness, percentile
from linkstar_bench.linkstar import telemetry_in_use
from linkstar_bench.plot import bar_chart

__all__ = ["markdown", "table", "write_report"]

_TITLES = {
    "linkstar": "LinkStar", "usual": "the usual way", "relay": "bare relay", "hop stage": "one hop, fenced stage",
    "hop usual": "one hop, the usual way",
}  # fmt: skip
_HOW = """
One order here is the whole way: its record on `orders-inbound`, graded address, sealed consignee, route over every service,
label with number and money in double entry, the carrier's acceptance scan, and the tracking event that a downstream reader
consumes. All variants ran in turn on this machine, against the same Kafka (`acks=all`) and PostgreSQL (`fsync` on), with the
generator, the carrier and the reader on the same processors; their CPU stands in rows of its own and in `all`, in no other
figure. Rates are of whole rounds, from the first produce to the last order seen. Throughput, CPU and bytes are those of the
median of the rounds shown, flatness of the median of five; the single hop, the latency and each row of the scaling are one
round, and of the latency rounds nothing but the arrival of every order is judged.

The usual way is FastStream as its documentation shows it: one message, one handler call, one transaction, one confirmed
publish per event, at-least-once acknowledgement per message, four consumers per topic, no linger, a pool to match; tuned as
LinkStar is where it can be: the same codec, the same records skipped by their head, no casting of arguments, the garbage
collector spared. It calls LinkStar's own handlers, so tables and events are the same; it spares itself fence, outbox, dead
letters and tracing, and would lose an event in a crash between commit and publish. The bare relay reads the same topics and
writes real records of the same sizes with `getmany` and `send_batch`, same codec and fetch size, and does nothing else: a
ceiling, not a product.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def write_report(figures: Figures, directory: Path, at: datetime, command: str) -> Path:
    """Write `<date>.md` and `<date>.svg` and return the page's path."""
    directory.mkdir(parents=True, exist_ok=True)
    page = directory / f"{at:%Y-%m-%d}.md"
    bars = [(_TITLES[name], figures.series[name].orders_per_s) for name in ("usual", "linkstar", "relay")]
    chart = bar_chart("Orders per second, end to end", bars, "/s", logarithmic=True)
    page.with_suffix(".svg").write_text(chart)
    page.write_text(markdown(figures, at, command, page.with_suffix(".svg").name))
    return page


def markdown(figures: Figures, at: datetime, command: str, plot: str) -> str:
    """Return the page."""
    parts = [
        f"# Benchmark of {at:%Y-%m-%d}\n",
        f"`{command}`, seed {figures.seed}, {figures.seconds / 60:.0f} minutes on {_machine()}; {telemetry_in_use()}.\n",
        f"![orders per second]({plot})\n",
        _bars(figures), _rates(figures), _latency(figures), _cpu(figures), _memory_and_bytes(figures), _hop(figures),
        _scaling(figures.scaling), _flatness(figures.flatness), "## How it was measured\n" + _HOW,
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def _machine() -> str:
    memory, added_s = psutil.virtual_memory().total / 2**30, _adding_s()
    python = f"Python {platform.python_version()} (ten million additions in {added_s:.2f} s)"
    return f"{os.cpu_count()} processors, {memory:.0f} GiB, {python}"


def _adding_s() -> float:
    """Return how long a plain loop takes: builds of one Python version differ by a third, and so do hours of one machine."""
    began, total = time.process_time(), 0
    for number in range(10_000_000):
        total += number
    return time.process_time() - began


def _bars(figures: Figures) -> str:
    summary, met = figures.summary(), figures.bars()
    words = {True: "met", False: "**not met**", None: "not_exercised"}
    signs = {name: "≤" if name == "flat_ratio" else "≥" for name in BARS}
    return "## Bars\n\n" + table(
        ("figure", "measured", "bar", ""),
        [(name, summary[name], f"{signs[name]} {bar:g}", words[met[name]]) for name, bar in BARS.items()],
    )


def _rates(figures: Figures) -> str:
    rows = [
        (_TITLES[name], f"{series.orders_per_s:,.0f}",
         " · ".join(f"{r.burst.orders_per_s:,.0f}" for r in series.rounds), f"{series.orders:,}", series.verdict())
        for name, series in figures.series.items() if not name.startswith("hop")
    ]  # fmt: skip
    ratios = (
        f"LinkStar is {figures.ratio('linkstar', 'usual'):.1f} times as fast as the usual way and reaches "
        f"{figures.ratio('linkstar', 'relay'):.0%} of the bare relay.\n"
    )
    head = ("variant", "orders/s", "rounds", "orders per round", "offline verdict, all rounds")
    return "## Throughput\n\n" + table(head, rows) + "\n" + ratios


def _latency(figures: Figures) -> str:
    rows = [
        (_TITLES[name], f"{figures.latency_rate[name]:,.0f}", len(waited),
         *(f"{percentile(waited, share) * 1e3:,.0f}" for share in (0.5, 0.9, 0.99)))
        for name, waited in figures.latency_s.items()
    ]  # fmt: skip
    head = ("variant", "orders/s offered", "orders", "p50 ms", "p90 ms", "p99 ms")
    note = (
        "At half of what each can do, open loop, from the intended send to the reader; the carrier's part included.\n"
    )
    return "## Latency\n\n" + note + "\n" + table(head, rows) if rows else ""


def _cpu(figures: Figures) -> str:
    spent = {name: figures.series[name].cpu_us() for name in ("linkstar", "usual", "relay")}
    return "## CPU per order, microseconds\n\n" + table(
        ("process", *(_TITLES[name] for name in spent)), _side_by_side(spent, "{:,.0f}")
    )


def _memory_and_bytes(figures: Figures) -> str:
    held = {name: figures.series[name].resident_mib() for name in ("linkstar", "usual", "relay")}
    stored = {name: figures.series[name].bytes_per_order() for name in held}
    head = tuple(_TITLES[name] for name in held)
    return (
        "## Resident memory at the end, MiB\n\n" + table(("process", *head), _side_by_side(held, "{:,.0f}", total=False))
        + "\n## Stored bytes per order\n\n"
        + table(("where", *head), _side_by_side(stored, "{:,.0f}", total=False))
    )  # fmt: skip


def _side_by_side(
    columns: Mapping[str, Mapping[str, float]], form: str, *, total: bool = True
) -> Iterable[Sequence[object]]:
    names = dict.fromkeys(name for column in columns.values() for name in column)
    for name in names:
        yield name, *(form.format(column[name]) if name in column else "" for column in columns.values())
    if total:
        yield "all", *(form.format(sum(column.values())) for column in columns.values())


def _hop(figures: Figures) -> str:
    names = [name for name in ("hop stage", "hop usual") if name in figures.series]
    if len(names) < 2:
        return ""
    rows = [
        (_TITLES[name], f"{figures.series[name].orders_per_s:,.0f}", *_hop_cpu(figures.series[name].cpu_us()),
         figures.series[name].verdict())
        for name in names
    ]  # fmt: skip
    head = ("", "records/s", "service us", "Kafka us", "PostgreSQL us", "offline verdict")
    ratio = f"Wiring alone: {figures.ratio('hop stage', 'hop usual'):.1f} times.\n"
    return "## One hop with next to no logic\n\n" + table(head, rows) + "\n" + ratio


def _hop_cpu(spent: Mapping[str, float]) -> Sequence[str]:
    return [f"{spent.get(name, 0):,.0f}" for name in ("hop", "kafka", "postgres")]


def _scaling(rates: Mapping[int, float]) -> str:
    if not rates:
        return ""
    note = (
        f"A stage that burns {HOP_BURN_US} us per record, in 1, 2 and 4 replicas. The machine has {os.cpu_count()} "
        "processors, shared with broker and database: more replicas than processors can show only that nothing is lost "
        "by having them.\n"
    )
    return (
        "## Replicas\n\n"
        + note
        + "\n"
        + table(
            ("replicas", "records/s", "against one"),
            [(count, f"{rate:,.0f}", f"{rate / rates[min(rates)]:.2f}") for count, rate in rates.items()],
        )
    )


def _flatness(flat: Flatness) -> str:
    if flat.ratio is None:
        return ""
    cpu, wal = flat.medians(flat.cpu_us), flat.medians(flat.wal_bytes)
    least = min(cpu)
    rows = [
        (f"{size:,}", f"{flat.table_bytes[size] / 2**30:.1f}", f"{flat.fill_s[size]:.0f}", f"{cpu[size]:,.0f}",
         f"{cpu[size] / cpu[least]:.2f}", f"{wal[size]:,.0f}", f"{wal[size] / wal[least]:.2f}")
        for size in cpu
    ]  # fmt: skip
    note = (
        "History is in every table an order leaves a row in, by COPY from rows that real orders left, keys and indexes in "
        "full; long documents that are never read again are left out (see `linkstar_bench.history`). Medians of "
        f"{len(flat.cpu_us[least])} rounds; CPU is services, broker and database together.\n"
    )
    head = ("orders of history", "tables GiB", "filled in s", "CPU us/order", "ratio", "WAL bytes/order", "ratio")
    return "## Flatness\n\n" + note + "\n" + table(head, rows)
