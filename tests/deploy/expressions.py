"""What a PromQL expression names: metrics with the labels asked of them, and labels grouped or joined by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import promql_parser
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from linkstar_runtime import metrics
from linkstar_runtime.instruments import METRICS, REGISTRY

SCRAPED = frozenset({"job", "instance"})
"""Labels that Prometheus itself adds."""
VARIABLES = {"$__rate_interval": "5m", "$job": "linkstar-router"}
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


@dataclass(frozen=True)
class Use:
    """One series an expression asks for, and every label the expression expects of it."""

    metric: str
    labels: frozenset[str]


def uses(text: str) -> list[Use]:
    """Return what an expression asks for; raises ValueError when it does not parse."""
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return list(_uses(promql_parser.parse(text), frozenset()))


def _uses(node: Any, wanted: frozenset[str]) -> Iterator[Use]:
    match type(node).__name__:
        case "VectorSelector":
            yield Use(node.name, wanted | {matcher.name for matcher in node.matchers.matchers})
        case "MatrixSelector":
            yield from _uses(node.vector_selector, wanted)
        case "AggregateExpr":
            grouped = frozenset(node.modifier.labels) if node.modifier else frozenset()
            yield from _uses(node.expr, grouped)
        case "Call":
            quantile = frozenset({"le"}) if node.func.name == "histogram_quantile" else frozenset()
            for argument in node.args:
                yield from _uses(argument, wanted | quantile)
        case "BinaryExpr":
            matching = node.modifier.matching if node.modifier else None
            joined = frozenset(matching.labels) if matching else frozenset()
            yield from _uses(node.lhs, wanted | joined)
            yield from _uses(node.rhs, (wanted if not joined else frozenset()) | joined)
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            yield from _uses(node.expr, wanted)
        case "NumberLiteral" | "StringLiteral":
            return
        case other:
            raise ValueError(f"{other} is not understood here")


@cache
def known_series() -> dict[str, frozenset[str]]:
    """Return every series a service exports, with its labels: the typed catalogue and the process's own."""
    series = {"up": SCRAPED}
    for metric in METRICS:
        for suffix in SUFFIXES[metric.kind]:
            own = {*metric.label_names} | ({"le"} if suffix == "_bucket" else set())
            series[metric.name + suffix] = SCRAPED | own
    for family in text_string_to_metric_families(generate_latest(REGISTRY).decode()):
        for sample in family.samples:
            if not sample.name.startswith("linkstar_"):
                series.setdefault(sample.name, SCRAPED | frozenset(sample.labels))
    return series


def faults(text: str) -> list[str]:
    """Return what an expression names that no service exports."""
    known, found = known_series(), []
    for use in uses(text):
        if use.metric not in known:
            found.append(f"no metric {use.metric}")
        else:
            found += [f"{use.metric} has no label {name}" for name in sorted(use.labels - known[use.metric])]
    return found


def set_in_code(constant: str, sources: str) -> bool:
    """True when some service code sets this constant of the catalogue."""
    return re.search(rf"\b{constant}\.(set|show_only|inc|observe)\(", sources) is not None


def constants() -> dict[str, str]:
    """Return the catalogue's constants by metric name."""
    return {value.name: name for name, value in vars(metrics).items() if value in METRICS}
