"""Labels that stand in carriers' replies, taken out as documents; what is none has a code."""

from __future__ import annotations

import base64
import binascii
import io

from PIL import Image

from linkstar_carriers.replies import Node, Unreadable
from linkstar_labeler.domain.connector import Document

__all__ = ["printed"]

_MAGIC = {
    "application/pdf": b"%PDF-", "image/png": b"\x89PNG\r\n\x1a\n", "application/zpl": b"^XA", "image/gif": b"GIF8",
}  # fmt: skip
_MOST_PIXELS = 4_000_000


def printed(place: Node, media_type: str) -> Document:
    """Return the label that stands in the reply as Base64; what is not of the wanted kind is unreadable.

    GIF becomes PNG, pixel by pixel; one that lies on its side is put upright.
    """
    if not place:
        raise Unreadable("label_missing", place.path)
    try:
        content = base64.b64decode("".join(str(place.value).split()), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("bad_label", f"{place.path} is not Base64") from None
    head = content[:1024] if media_type == "application/zpl" else content[:16]
    if _MAGIC[media_type] not in head:
        raise Unreadable("wrong_label_format", f"{place.path} is no {media_type}")
    return (
        Document("image/png", _as_png(content, place.path))
        if media_type == "image/gif"
        else Document(media_type, content)
    )


def _as_png(content: bytes, path: str) -> bytes:
    try:
        with Image.open(io.BytesIO(content), formats=("GIF",)) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise Unreadable("bad_label", f"{path} has too many pixels")
            out = io.BytesIO()
            upright = image if image.height >= image.width else image.transpose(Image.Transpose.ROTATE_270)
            upright.save(out, "PNG")
    except (OSError, SyntaxError, ValueError):
        raise Unreadable("bad_label", f"{path} is a broken picture") from None
    return out.getvalue()
