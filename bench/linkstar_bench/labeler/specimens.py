"""One label of every carrier as a picture for the documentation, marked so that nobody takes it for postage."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from linkstar_bench.labeler.shipments import PrintedShipment, ship
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.domain.pdf import render_pdf
from linkstar_labeler.domain.png import render_png

__all__ = ["DPI", "specimen", "write_specimens"]

DPI = 203
_MARK = "SPECIMEN - NO POSTAGE"


def specimen(carrier: str) -> PrintedShipment:
    """Return the shipment whose label stands for this carrier; always the same."""
    [shipment] = ship(carrier, 1, seed=1)
    return shipment._replace(labels=[label._replace(notice=_MARK) for label in shipment.labels])


def write_specimens(directory: Path) -> list[Path]:
    """Write `<carrier>.png` for every carrier, in black and white and a few kilobytes each."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for carrier in CARRIERS:
        picture = Image.open(BytesIO(render_png(render_pdf(specimen(carrier).labels), 0, DPI)))
        path = directory / f"{carrier}.png"
        picture.point(lambda value: 255 if value > 127 else 0, mode="1").save(path, optimize=True)
        written.append(path)
    return written
