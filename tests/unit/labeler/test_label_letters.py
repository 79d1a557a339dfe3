"""Names in any script: what the contracts let in is printed with letters, from typefaces that travel with the paper."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops
from pypdfium2 import PdfDocument
from unit.labeler.label_samples import AT, consignee, route

from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.printing import make_labels
from linkstar_labeler.domain.label_layout import Label, Text
from linkstar_labeler.domain.pdf import render_pdf
from linkstar_labeler.domain.pictures import picture
from linkstar_labeler.domain.png import render_png
from linkstar_labeler.domain.typefaces import LATIN, WIDE, runs, shown
from linkstar_labeler.domain.zpl import render_zpl

NAMES = [
    "王小明",
    "李雅婷 收",
    "Иван Петров",
    "Ελένη Παππά",
    "김민준",
    "やまだ たろう",
    "Łukasz Żółć",
    "Nguyễn Thị Ánh",
    "José Muñoz",
]
GRAPHIC = re.compile(r"\^FO(\d+),(\d+)\^GFA,(\d+),\3,(\d+),([0-9A-F]+)\^FS")


def named(name: str) -> Label:
    [label] = make_labels(CARRIERS["usps"], route(), consignee(name=name), ["9405803699300124287899"], AT)
    return label


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_written_with_embedded_letters(name: str) -> None:
    pdf = render_pdf([named(name)])
    assert shown(name) == name
    assert name in PdfDocument(pdf)[0].get_textpage().get_text_range()
    files = {(face, face == LATIN and letter.isascii()) for face, part in runs(name) for letter in part}
    assert pdf.count(b"/FontFile2") == len(files | {(LATIN, True)})


@pytest.mark.parametrize("name", NAMES)
def test_a_name_puts_ink_of_its_own_on_paper(name: str) -> None:
    """Each letter is drawn, and differently from its neighbour: missing letters would all be the same box."""
    pictures = {render_png(render_pdf([named(char)])) for char in name if char.isalpha()}
    assert len(pictures) == len({char for char in name if char.isalpha()})


@pytest.mark.parametrize(
    "name", [name for name in NAMES if {face for face, _ in runs(name.replace(" ", ""))} == {WIDE}]
)
def test_a_label_printer_gets_letters_it_may_not_have_as_a_picture(name: str) -> None:
    drawn = GRAPHIC.findall(render_zpl(named(name)))
    assert [(x, y) for x, y, *_ in drawn] == [("50", "265")]
    [(_, _, total, row, ink)] = drawn
    assert len(ink) == 2 * int(total)
    height = int(total) // int(row)
    bits = Image.frombytes("1", (int(row) * 8, height), bytes.fromhex(ink))
    page = Image.open(BytesIO(render_png(render_pdf([named(name)]))))
    paper = page.crop((50, 265, 50 + bits.width, 265 + height)).point(lambda value: value < 128, mode="1")
    same = ImageChops.logical_and(bits, paper).histogram()[-1]
    assert same > 0.4 * max(bits.histogram()[-1], paper.histogram()[-1])


def test_latin_names_stay_text_for_the_printer() -> None:
    assert not GRAPHIC.search(render_zpl(named("José Muñoz")))


def test_pictures_are_left_out_and_unknown_letters_marked() -> None:
    assert shown("Ada 🎉 Example 🚀") == "Ada Example"
    assert shown("🎉") == "?"
    assert shown("שלום") == "????"
    assert list(runs("Ada 王")) == [(LATIN, "Ada "), (WIDE, "王")]


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(exclude_categories=("Cs", "Cn", "Cc")), min_size=1, max_size=40))
def test_whatever_is_shown_has_a_letter_in_a_typeface(text: str) -> None:
    assert shown(shown(text)) == shown(text)
    assert bool(shown(text).strip()) == bool(text.strip())
    assert "".join(part for _, part in runs(text)) == shown(text)


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=("Cs", "Cn", "Cc")), min_size=1, max_size=40), st.integers(20, 60))
def test_a_picture_keeps_to_its_place(text: str, size: int) -> None:
    found = re.fullmatch(r"\^GFA,(\d+),\1,(\d+),([0-9A-F]*)\^FS", picture(Text(0, 0, size, 300, text)))
    assert found is not None
    total, row, ink = int(found[1]), int(found[2]), found[3]
    assert (len(ink), total) == (2 * total, row * size)
    assert row * 8 < 300 + 8
