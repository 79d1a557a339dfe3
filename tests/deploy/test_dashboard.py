"""The dashboard shows only what services export, and its panels can be laid out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from deploy.expressions import faults

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"
DASHBOARDS: list[dict[str, Any]] = [json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.json"))]
PANELS: list[dict[str, Any]] = [panel for dashboard in DASHBOARDS for panel in dashboard["panels"]]
GRAPHS = [panel for panel in PANELS if panel["type"] != "row"]
COLUMNS = 24


def _cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}


def _overlaps(panels: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    taken: dict[tuple[int, int], str] = {}
    found = []
    for panel in panels:
        found += sorted({(taken[cell], panel["title"]) for cell in _cells(panel) if cell in taken})
        taken |= dict.fromkeys(_cells(panel), panel["title"])
    return found


@pytest.mark.parametrize("panel", GRAPHS, ids=lambda panel: str(panel["title"]))
def test_a_panel_names_only_what_is_exported(panel: dict[str, Any]) -> None:
    assert panel["type"] in {"timeseries", "stat"}
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [target["refId"] for target in panel["targets"]] == [chr(65 + n) for n in range(len(panel["targets"]))]
    for target in panel["targets"]:
        assert faults(target["expr"]) == []


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: str(dashboard["uid"]))
def test_a_dashboard_can_be_laid_out(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert dashboard["title"]
    assert dashboard["schemaVersion"] >= 39
    assert {variable["name"] for variable in dashboard["templating"]["list"]} == {"datasource", "job"}
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    assert all(0 <= x < COLUMNS for panel in panels for x, _ in _cells(panel))
    assert _overlaps(panels) == []


def test_overlapping_panels_are_found() -> None:
    moved = [PANELS[1], {**PANELS[2], "gridPos": {**PANELS[2]["gridPos"], "x": 1}}]
    assert _overlaps(moved) == [(PANELS[1]["title"], PANELS[2]["title"])]


def test_each_stage_of_the_pipeline_is_shown() -> None:
    shown = " ".join(target["expr"] for panel in GRAPHS for target in panel["targets"])
    for signal in (
        "records_in", "lag_seconds", "lag_records", "batch_duration", "emit_duration", "event_age", "fenced",
        "dead_letters", "outbox_pending", "outbox_oldest_age", "rebalances", "rebalance_pause", "label.created",
        "wallet_balance", "scan.recorded", "exception.raised", "http_request", "shards_stopped",
    ):  # fmt: skip
        assert signal in shown, signal
