"""Imported zone charts: their zones price and say so, beyond them the estimate stands, and faults name their row."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from unit.router.conftest import ask_for

from linkstar_router.domain.checks import check
from linkstar_router.domain.decision import decide
from linkstar_router.domain.layers import Layer, layered
from linkstar_router.domain.pack_files import read_pack, shelf_of
from linkstar_router.domain.published import SHIPPED
from linkstar_router.domain.snapshot import Snapshot, shipped

COLUMNS = "carrier,origin_from,origin_to,destination_from,destination_to,zone,confidence,source"
NEAR = "ups,900,905,100,102,005,high,chart 900"


def world(*rows: str) -> Snapshot:
    made, failed = layered(shipped(), [Layer("zones.1", "d", {"zone_charts.csv": "\n".join((COLUMNS, *rows))})])
    assert failed == []
    return made


def zones(snapshot: Snapshot, postcode: str) -> dict[str, tuple[str, str]]:
    candidates = decide(snapshot, ask_for(postcode=postcode)).candidates
    return {each.offer.service.key: tuple(each.course.zone) for each in candidates}


def test_a_zone_of_the_chart_takes_the_place_of_the_estimate() -> None:
    estimated, found = zones(shipped(), "10001"), zones(world(NEAR), "10001")
    assert estimated["ups/ground"] == ("8", "distance_estimate")
    assert {service: zone for service, zone in found.items() if zone != estimated[service]} == {
        service: ("5", "table") for service in estimated if service.startswith("ups/")
    }


def test_beyond_the_chart_the_estimate_stands() -> None:
    assert zones(world(NEAR), "10301") == zones(shipped(), "10301")


def test_a_layer_whose_chart_cannot_be_read_is_left_out_whole() -> None:
    old = Layer("old.1", "d", {"zone_charts.csv": "carrier,zone\nups,5\n"})
    made, failed = layered(shipped(), [old])
    assert (made, [layer.name for layer, _ in failed]) == (shipped(), ["old.1"])


def test_the_zone_decides_on_the_price() -> None:
    far, near = (
        {each.offer.service.key: each.rated.net for each in decide(world, ask_for()).candidates}["ups/ground"]
        for world in (shipped(), world(NEAR))
    )
    assert near < far


def test_a_chart_alone_is_a_pack(tmp_path: Path) -> None:
    (tmp_path / "zone_charts.csv").write_text(f"{COLUMNS}\n{NEAR}\n")
    assert check(shelf_of(read_pack(tmp_path), SHIPPED), date(2026, 11, 23)) == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("ups,903,903,102,103,6,high,chart 900", "chart_contradicts"),
        ("ups,905,900,200,200,6,high,chart 900", "chart_reversed"),
        ("usps,900,900,200,200,6,high,chart 900", "carrier_unknown"),
        ("ups,90,90,200,200,6,high,chart 900", "bad_value"),
        ("ups,900,900,200,200,five,high,chart 900", "bad_value"),
    ],
)
def test_a_fault_is_told_with_its_row(tmp_path: Path, row: str, code: str) -> None:
    (tmp_path / "zone_charts.csv").write_text("\n".join((COLUMNS, NEAR, row)))
    found = check(shelf_of(read_pack(tmp_path), SHIPPED), date(2026, 11, 23))
    assert code in {finding.code for finding in found}
    assert {(finding.file, finding.row) for finding in found} == {("zone_charts.csv", 3)}
