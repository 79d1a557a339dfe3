"""Reads labels back as scanners do: symbols of a picture by an independent decoder, symbols of ZPL from the data in the
printer's commands; then compares with what the shipment says.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from io import BytesIO

import zxingcpp
from PIL import Image

from linkstar_labeler.domain.label_layout import DOTS_PER_INCH, Label, lay_out
from linkstar_labeler.domain.symbols import GS, Symbol, Symbology

__all__ = ["agrees", "read_picture", "read_zpl", "scanned"]

_FIELD = re.compile(r"\^(B[C2X7D])([^^]*)\^FH\^FD([^^]*)\^FS")
_HEX = re.compile(r"_([0-9A-F]{2})")
_MAXICODE = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.MaxiCode)
_MAXICODE_DOTS = 232
_MARGIN = 4


def scanned(symbol: Symbol) -> str:
    """Return what a scanner reports of a symbol: GS1 elements parted by GS, a MaxiCode's primary message put in."""
    if symbol.symbology is Symbology.GS1_128:
        return GS.join(identifier + value for identifier, value in symbol.elements)
    if symbol.symbology is Symbology.MAXICODE:
        return _reported(symbol.primary[:-6], symbol.primary[-6:-3], symbol.primary[-3:], symbol.content)
    return symbol.content


def _reported(postcode: str, country: str, service: str, message: str) -> str:
    """A reader puts postcode, country and class behind the header `[)>RS01GS` and the year."""
    head, rest = message.split(GS, 1)
    return f"{head}{GS}{rest[:2]}{postcode}{GS}{country}{GS}{service}{GS}{rest[2:]}"


def agrees(label: Label, number: str, postcode: str, found: Collection[str]) -> bool:
    """Tell whether all symbols of the label were read, and say which parcel this is and where it goes (if that is asked)."""
    symbols = [symbol for symbol in (label.tracking, label.data, label.routing) if symbol]
    plain = re.sub("[^0-9A-Z]", "", postcode)
    texts = [re.sub("[^0-9A-Z]", "", text) for text in found]
    return (
        all(scanned(symbol) in found for symbol in symbols)
        and any(number in text for text in texts)
        and any(plain[:5] in text for text in texts)
    )


def read_picture(png: bytes, label: Label, dpi: int) -> set[str]:
    """Return what the symbols of a 4x6 inch picture hold. A MaxiCode is looked for where it is printed."""
    picture = Image.open(BytesIO(png))
    found = {_text(result) for result in zxingcpp.read_barcodes(picture)}
    for placed in lay_out(label).symbols:
        if placed.symbol.symbology is Symbology.MAXICODE:
            left, top = placed.x - _MARGIN, placed.y - _MARGIN
            right, bottom = left + _MAXICODE_DOTS + 2 * _MARGIN, top + _MAXICODE_DOTS
            scale = dpi / DOTS_PER_INCH
            cut = picture.crop((int(left * scale), int(top * scale), int(right * scale), int(bottom * scale)))
            results = zxingcpp.read_barcodes(cut, formats=_MAXICODE)
            found |= {_text(result) for result in results}
    return found


def _text(result: zxingcpp.Barcode) -> str:
    return bytes(result.bytes).decode()


def read_zpl(zpl: str) -> set[str]:
    """Return what a printer makes of the barcode commands, as a scanner would report it."""
    return {_printed(command, parameters, _plain(data)) for command, parameters, data in _FIELD.findall(zpl)}


def _plain(data: str) -> str:
    return _HEX.sub(lambda found: chr(int(found[1], 16)), data).encode("latin-1").decode()


def _printed(command: str, parameters: str, data: str) -> str:
    if command == "BC" and parameters.endswith(",N"):
        return data.removeprefix(">;>8").replace(">8", GS)
    if command == "BD":
        end = data.index("[)>")
        return _reported(data[6:end], data[3:6], data[:3], data[end:])
    return data
