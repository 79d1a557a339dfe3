"""Labels printed and read back, in every format: how long it takes, and how many a scanner reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from statistics import fmean
from time import perf_counter
from typing import NamedTuple

from linkstar_bench.labeler.reading import agrees, read_picture, read_zpl
from linkstar_bench.labeler.shipments import PrintedShipment, ship
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.domain.label_layout import Label
from linkstar_labeler.domain.pdf import render_pdf
from linkstar_labeler.domain.png import render_png
from linkstar_labeler.domain.zpl import render_zpl

__all__ = ["READERS", "Tally", "print_and_read", "speeds"]

_SCANNER_DPI, _PRINTER_DPI = 300, 203
_TRIES = 5

READERS: dict[str, Callable[[Label], set[str]]] = {
    "pdf": lambda label: read_picture(render_png(render_pdf([label]), 0, _SCANNER_DPI), label, _SCANNER_DPI),
    "png": lambda label: read_picture(render_png(render_pdf([label]), 0, _PRINTER_DPI), label, _PRINTER_DPI),
    "zpl": lambda label: read_zpl(render_zpl(label)),
}
"""Prints a label in a format and reads it: PDF as a 300 dpi printer shows it, PNG as it is served, ZPL by its commands."""


class Tally(NamedTuple):
    """How many labels were read whole, by carrier and format, of how many."""

    read: Counter[tuple[str, str]]
    total: int
    missed: list[str]


def print_and_read(per_carrier: int, seed: int) -> Tally:
    """Print and read the labels of `per_carrier` shipments of each carrier in each format."""
    tally = Tally(Counter(), 0, [])
    for shipment in _all(per_carrier, seed):
        for label, number in zip(shipment.labels, shipment.numbers, strict=True):
            for form, read in READERS.items():
                tally = tally._replace(total=tally.total + 1)
                if agrees(label, number, shipment.routing_postcode, read(label)):
                    tally.read[shipment.route.route.carrier, form] += 1
                else:
                    tally.missed.append(f"{label.reference} {number} {form}")
    return tally


def speeds(per_carrier: int, seed: int) -> dict[str, float]:
    """Return milliseconds per label as PDF and as ZPL: the mean over all carriers' labels of each one's best of five."""
    labels = [label for shipment in _all(per_carrier, seed) for label in shipment.labels]
    render_pdf(labels)
    return {
        "pdf_ms": round(fmean(_best_ms(partial(render_pdf, [label])) for label in labels), 3),
        "zpl_ms": round(fmean(_best_ms(partial(render_zpl, label)) for label in labels), 4),
    }


def _all(per_carrier: int, seed: int) -> list[PrintedShipment]:
    return [shipment for carrier in CARRIERS for shipment in ship(carrier, per_carrier, seed)]


def _best_ms(work: Callable[[], object]) -> float:
    return min(_ms(work) for _ in range(_TRIES))


def _ms(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return (perf_counter() - began) * 1_000
