"""What may be added to a shipment's evidence, judged by its bytes, and what its chain records of it."""

from __future__ import annotations

import re
from typing import NamedTuple

from linkstar_contracts.evidence_chain import canonical
from linkstar_contracts.evidence_papers import PaperKind

__all__ = [
    "MOST_PAPERS", "MOST_PAPER_BYTES", "TEXT", "Paper", "PaperError", "bound_to", "ending_of",
    "erasure_fact", "judged",
]  # fmt: skip

MOST_BYTES = 4 * 1024 * 1024
MOST_TEXT_BYTES = 16 * 1024
MOST_PAPERS = 100
"""In one case, as are the bytes below: a pack of all of them is still read by `verify`."""
MOST_PAPER_BYTES = 24 * 1024 * 1024

TEXT = "text/plain"
_BEGINNINGS = {
    "application/pdf": re.compile(rb"%PDF-1\.|%PDF-2\."),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "image/heic": re.compile(rb"....ftyp(heic|heix|mif1)", re.DOTALL),
}
_ENDINGS = {
    "application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/heic": ".heic",
    TEXT: ".txt",
}  # fmt: skip
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class PaperError(Exception):
    """A content that is not taken: `code` is stable."""

    def __init__(self, code: str, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.code, self.detail, self.fix = code, detail, fix


class Paper(NamedTuple):
    """A content that may be added; its type is what its bytes show."""

    kind: PaperKind
    content_type: str
    content: bytes

    def fact(self, case: int, commitment: str) -> bytes:
        """Return what the chain records of it: nothing that tells anything of a person."""
        return canonical({
            "kind": self.kind.value, "content_type": self.content_type, "bytes": len(self.content), "case": case,
            "commitment": commitment,
        })  # fmt: skip


def judged(kind: PaperKind, told_type: str, content: bytes) -> Paper:
    """Return the paper, or raise PaperError: the type that is told must be the one the bytes show."""
    if not content:
        raise PaperError("paper_empty", "the body is empty", "Send the text or the file as the body.")
    found = next((name for name, begins in _BEGINNINGS.items() if begins.match(content)), None) or _text(content)
    if found is None or found != told_type.partition(";")[0].strip().lower():
        known = ", ".join(_ENDINGS)
        detail = f"the bytes are {'those of ' + found if found else 'of no known type'}"
        raise PaperError("content_type_wrong", detail, f"Send one of {known}, and name it in Content-Type.")
    most = MOST_TEXT_BYTES if found == TEXT else MOST_BYTES
    if len(content) > most:
        raise PaperError("paper_too_large", f"it has more than {most} bytes", "Send a smaller one.")
    return Paper(kind, found, content)


def _text(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else TEXT


def bound_to(tenant: str, shipment_id: str, entry: int) -> str:
    """Return what a sealed content is bound to: it opens in no other place."""
    return f"{tenant}|{shipment_id}|paper|{entry}"


def ending_of(content_type: str) -> str:
    """Return the ending of files of this type."""
    return _ENDINGS.get(content_type, ".bin")


def erasure_fact(case: int, papers: list[int], reason: str) -> bytes:
    """Return that the key of a case was destroyed, and with it the contents of these entries."""
    return canonical({"case": case, "papers": sorted(papers), "reason": reason})
