"""What is printed is read back by an independent decoder, in every format, and says what the shipment says."""

from __future__ import annotations

from pathlib import Path

import pytest

from linkstar_bench.labeler.paper import READERS, print_and_read
from linkstar_bench.labeler.reading import agrees, read_picture, read_zpl, scanned
from linkstar_bench.labeler.shipments import HOME, PrintedShipment, ship
from linkstar_bench.labeler.specimens import DPI, specimen, write_specimens
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.domain.label_layout import Label
from linkstar_labeler.domain.symbols import Symbology
from linkstar_labeler.domain.zpl import render_zpl

DOCS = Path(__file__).parents[3] / "docs"


def symbols(label: Label) -> set[str]:
    return {scanned(symbol) for symbol in (label.tracking, label.data, label.routing) if symbol}


def one_of_each_service(carrier: str) -> list[PrintedShipment]:
    return ship(carrier, len(CARRIERS[carrier].services), seed=2)


def test_every_carrier_is_shipped_with() -> None:
    assert set(HOME) == set(CARRIERS)
    tally = print_and_read(0, seed=1)
    assert (tally.total, tally.missed) == (0, [])


@pytest.mark.parametrize("form", list(READERS))
@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_a_label_is_read_whole(carrier: str, form: str) -> None:
    """Every service from ZPL, one shipment from paper; `make bench-labeler` reads twenty of each."""
    shipments = one_of_each_service(carrier)
    for shipment in shipments if form == "zpl" else shipments[:1]:
        for label, number in zip(shipment.labels, shipment.numbers, strict=True):
            assert agrees(label, number, shipment.routing_postcode, READERS[form](label))


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_another_parcels_label_does_not_pass(carrier: str) -> None:
    """The comparison can fail: for a wrong number, a wrong place, and a symbol that is missing."""
    first, second = ship(carrier, 2, seed=3)
    label, number, found = first.labels[0], first.numbers[0], read_zpl(render_zpl(first.labels[0]))
    assert agrees(label, number, first.routing_postcode, found)
    assert not agrees(label, second.numbers[0], first.routing_postcode, found)
    assert not agrees(label, number, "ZZ99 9ZZ", found)
    assert not agrees(second.labels[0], number, first.routing_postcode, found)
    assert all(not agrees(label, number, "", found - {missing}) for missing in symbols(label))


def test_printer_commands_are_read_as_scanners_report() -> None:
    [shipment] = ship("ups", 1, seed=1)
    label = shipment.labels[0]
    assert label.data is not None
    assert label.data.symbology is Symbology.MAXICODE
    assert read_zpl(render_zpl(label)) == symbols(label)


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_the_specimen_in_the_documentation_is_of_today(carrier: str) -> None:
    """What its symbols hold, not its bytes; `make specimens` draws it anew."""
    picture, shipment = (DOCS / "labels" / f"{carrier}.png").read_bytes(), specimen(carrier)
    [label], [number] = shipment.labels, shipment.numbers
    assert agrees(label, number, shipment.routing_postcode, read_picture(picture, label, DPI))
    assert len(picture) < 20_000


def test_specimens_are_written_of_every_carrier(tmp_path: Path) -> None:
    assert [path.name for path in write_specimens(tmp_path)] == [f"{carrier}.png" for carrier in CARRIERS]
    assert {path.name for path in (DOCS / "labels").iterdir()} == {path.name for path in tmp_path.iterdir()}
    page = (DOCS / "labels.md").read_text()
    assert all(f"](labels/{carrier}.png)" in page for carrier in CARRIERS)
    assert all("SPECIMEN" in label.notice for carrier in CARRIERS for label in specimen(carrier).labels)
