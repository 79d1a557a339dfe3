"""Labels as a carrier would send them: the smallest documents that are truly PDF, PNG, GIF or ZPL."""

from __future__ import annotations

import base64
import struct
import zlib

__all__ = ["HUGE_BYTES", "printed_label"]

HUGE_BYTES = 20 * 1024 * 1024


def printed_label(kind: str, *texts: str, huge: bool = False, wrong: bool = False) -> str:
    """Return a label of the kind (`pdf`, `png`, `gif`, `zpl`) with the text on it, in Base64; a huge one weighs 20 MB.

    Several texts make one ZPL document of several labels.
    """
    if wrong:
        return base64.b64encode(b"BM not the label that was asked for").decode()
    draw = {"pdf": _pdf, "png": _png, "zpl": _zpl, "gif": _gif}[kind]
    content = b"".join(draw(text) for text in texts)
    return base64.b64encode(content).decode() + ("A" * HUGE_BYTES if huge else "")


def _zpl(text: str) -> bytes:
    return f"^XA^FO50,50^BCN,200^FD{text}^FS^XZ".encode()


def _png(_text: str) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\xff" * 8 for _ in range(8)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _gif(text: str) -> bytes:
    """One pixel, in a colour of the text's own, so that labels can be told apart."""
    colour = zlib.crc32(text.encode()).to_bytes(4, "big")[:3]
    head = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + colour + b"\x00\x00\x00"
    return head + b"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b"


def _pdf(text: str) -> bytes:
    drawn = f"BT /F1 12 Tf 20 400 Td ({text}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
    )
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 5\n0000000000 65535 f \n%strailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        table, len(out),
    )  # fmt: skip
