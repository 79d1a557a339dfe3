"""LinkStar's own manifest: what a driver counts, and a barcode that a scanner reads."""

from __future__ import annotations

from datetime import UTC, datetime

import pypdfium2
import zxingcpp

from linkstar_labeler.domain.manifest_sheet import Sheet, sheet_pdf
from linkstar_labeler.domain.manifests import ManifestedLabel, totals


def label(number: int, **changed: object) -> ManifestedLabel:
    given = {"shipment_id": f"订单-{number}", "route_version": 1, "service": "ground_advantage",
             "tracking_numbers": (f"94001{number:017d}",), "weight_g": 681} | changed  # fmt: skip
    return ManifestedLabel(**given)  # type: ignore[arg-type]


def sheet(number: str, labels: list[ManifestedLabel]) -> Sheet:
    closed_at = datetime(2026, 11, 23, 20, tzinfo=UTC)
    return Sheet(number, "usps", "US-NJ", "2026-11-23", closed_at, "platform", labels)


def test_every_parcel_is_a_line_and_struck_labels_are_none() -> None:
    labels = [label(n) for n in range(100)]
    labels += [label(100, left_out="160040"), label(101, state="voided"), label(102, tracking_numbers=("A1", "A2"))]
    document = pypdfium2.PdfDocument(sheet_pdf(sheet("M0000042", labels)))
    texts = [document[page].get_textpage().get_text_range() for page in range(len(document))]
    whole = "\n".join(texts)
    assert len(document) == 3
    assert all(whole.count(each.tracking_numbers[0]) == (not each.struck) for each in labels)
    assert "A2" in whole
    assert "订单-7" in whole
    assert "Total: 101 labels, 102 parcels, 68.781 kg" in texts[-1]
    assert totals(labels) == (101, 102, 101 * 681)
    assert all("Page " in text for text in texts)
    assert "Driver's signature" in texts[-1]
    assert "Driver's signature" not in texts[0]


def test_the_number_is_read_by_a_scanner() -> None:
    for number in ("M0000042", "9275090123456789012345678901234567"):
        page = pypdfium2.PdfDocument(sheet_pdf(sheet(number, [label(1)])))[0]
        found = zxingcpp.read_barcodes(page.render(scale=300 / 72).to_pil())
        assert [each.text for each in found] == [number]


def test_the_same_manifest_prints_the_same_bytes_and_an_empty_one_prints() -> None:
    assert sheet_pdf(sheet("M1", [label(1)])) == sheet_pdf(sheet("M1", [label(1)]))
    assert len(pypdfium2.PdfDocument(sheet_pdf(sheet("M1", [])))) == 1
