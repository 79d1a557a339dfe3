"""Papers in a chain of evidence: an entry commits to a content without telling anything of it.

The commitment is the SHA-256 of a secret salt and the content. Whoever is shown both can check it; once the salt is
destroyed nobody can even try guesses, while the chain still holds.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from linkstar_contracts.evidence_chain import EvidenceEntry, Sha256

__all__ = [
    "ERASURE", "PAPER", "PaperContent", "PaperKind", "PaperStanding", "commitment", "paper_faults", "paper_standings",
]  # fmt: skip

PAPER, ERASURE = "paper", "erasure"
"""Kinds of entries: something was added; the contents of papers were destroyed."""


class PaperKind(StrEnum):
    """What a paper is about."""

    PROOF_OF_DELIVERY = "proof_of_delivery"
    PICTURE = "picture"
    WEIGHT = "weight"
    DECLARED_VALUE = "declared_value"
    PROMISE = "promise"
    COMMUNICATION = "communication"
    DOCUMENT = "document"


def commitment(salt: bytes, content: bytes) -> str:
    """Return what an entry says of a content."""
    return sha256(salt + content).hexdigest()


class PaperContent(BaseModel):
    """What a pack shows of a paper: text, bytes in base64, or the name of the file beside it. A content that lies in the
    database and cannot be opened there is `unreadable`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    form: Literal["text", "base64", "file", "unreadable"]
    content: str
    salt: Sha256

    def read(self, files: Mapping[str, bytes]) -> bytes | None:
        """Return the bytes; None where they are not there."""
        if self.form == "text":
            return self.content.encode(errors="replace")
        if self.form == "file":
            return files.get(self.content)
        try:
            return base64.b64decode(self.content, validate=True) if self.form == "base64" else None
        except binascii.Error:
            return None


class PaperStanding(NamedTuple):
    """How a paper stands in a pack: `shown`, `erased` as the chain records, or `withheld` by whoever gave the pack."""

    number: int
    kind: str
    standing: Literal["shown", "erased", "withheld"]


def paper_faults(
    entries: Sequence[EvidenceEntry], contents: Mapping[str, PaperContent], files: Mapping[str, bytes]
) -> list[tuple[str, str]]:  # fmt: skip
    """Return code and place of each content that is not the one its entry commits to."""
    papers = {str(entry.number): entry for entry in entries if entry.kind == PAPER}
    found = []
    for number, shown in contents.items():
        entry = papers.get(number)
        if entry is None:
            found.append(("paper_added", f"paper {number}: no entry of the chain is about it"))
        elif not _fits(entry, shown.read(files), bytes.fromhex(shown.salt)):
            found.append(("paper_changed", f"paper {number}: not the content that was recorded"))
    return found


def paper_standings(entries: Sequence[EvidenceEntry], contents: Mapping[str, PaperContent]) -> list[PaperStanding]:
    """Return how each paper of a chain stands."""
    erased = {number for entry in entries if entry.kind == ERASURE for number in _numbers(entry)}
    return [
        PaperStanding(entry.number, str((entry.fact or {}).get("kind", "unknown")),
                      "shown" if str(entry.number) in contents else "erased" if entry.number in erased else "withheld")
        for entry in entries
        if entry.kind == PAPER
    ]  # fmt: skip


def _numbers(erasure: EvidenceEntry) -> list[int]:
    numbers = (erasure.fact or {}).get("papers", [])
    return [each for each in numbers if isinstance(each, int)] if isinstance(numbers, list) else []


def _fits(entry: EvidenceEntry, content: bytes | None, salt: bytes) -> bool:
    fact = entry.fact or {}
    return content is not None and fact.get("commitment") == commitment(salt, content)
