"""A shipment's chain as it is kept, and the pack it is told in."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from linkstar_contracts.evidence_chain import EvidenceEntry, fact_hash, origin
from linkstar_contracts.evidence_pack import EvidencePack
from linkstar_contracts.evidence_papers import PaperContent
from linkstar_tracker.domain.evidence import told_at
from linkstar_tracker.domain.papers import TEXT, ending_of

__all__ = ["KeptChain", "KeptEntry", "OpenedPaper", "pack_of", "shown_beside", "shown_inside", "with_files"]

_UNKNOWN = "0" * 64
"""Stands for the hash of an entry that is no longer there."""


class KeptEntry(NamedTuple):
    """One entry as it lies in the database. A fact that is withheld is None; a scan from before the chain has number 0."""

    number: int
    kind: str
    hash: str
    recorded_at: datetime
    fact_sha256: str | None
    fact: bytes | None


class KeptChain(NamedTuple):
    """A shipment's chain; without an entry it has no head."""

    order_id: str
    head: str
    length: int
    entries: Sequence[KeptEntry]


class OpenedPaper(NamedTuple):
    """A paper with its salt, as it was opened; without a content it could not be."""

    entry: int
    kind: str
    content_type: str
    salt: bytes
    content: bytes | None

    @property
    def file(self) -> str:
        """The name of its file beside a pack."""
        return f"papers/{self.entry}-{self.kind}{ending_of(self.content_type)}"

    def shown(self, file: str = "") -> PaperContent:
        """Return what a pack shows: texts always in itself, others in the file if one is named."""
        salt = self.salt.hex()
        if self.content is None:
            return PaperContent(form="unreadable", content="", salt=salt)
        if self.content_type == TEXT:
            return PaperContent(form="text", content=self.content.decode(), salt=salt)
        if file:
            return PaperContent(form="file", content=file, salt=salt)
        return PaperContent(form="base64", content=base64.b64encode(self.content).decode(), salt=salt)


def pack_of(tenant: str, shipment_id: str, chain: KeptChain, now: datetime) -> EvidencePack:
    """Return the pack of a chain, without believing it: whatever was changed in the database shows when it is verified."""
    first = origin(tenant, shipment_id)
    pack = EvidencePack(
        tenant=tenant, order_id=chain.order_id, shipment_id=shipment_id, exported_at=told_at(now), count=chain.length,
        head=_whole(chain.head) if chain.head else first, entries=list(_entries(first, chain.entries)),
        unchained=[_read(each.fact) or {} for each in chain.entries if not each.number],
    )  # fmt: skip
    return pack.sealed()


def shown_inside(pack: EvidencePack, opened: Sequence[OpenedPaper]) -> EvidencePack:
    """Return the pack with the contents of these papers in itself."""
    return _with_contents(pack, {str(each.entry): each.shown() for each in opened})


def shown_beside(pack: EvidencePack, opened: Sequence[OpenedPaper]) -> tuple[EvidencePack, dict[str, bytes]]:
    """Return the pack, and the files of these papers to lie beside it."""
    files = {each.file: each.content for each in opened if each.content is not None and each.content_type != TEXT}
    return _with_contents(pack, {str(each.entry): each.shown(each.file) for each in opened}), files


def _with_contents(pack: EvidencePack, contents: Mapping[str, PaperContent]) -> EvidencePack:
    return pack.model_copy(update={"contents": contents}) if contents else pack


def with_files(pack: EvidencePack, files: Mapping[str, bytes]) -> EvidencePack:
    """Return the pack with the hashes of what shall lie beside it."""
    return pack.model_copy(update={"files": {name: sha256(each).hexdigest() for name, each in files.items()}}).sealed()


def _entries(first: str, kept: Sequence[KeptEntry]) -> Iterator[EvidenceEntry]:
    hashes = {0: first} | {each.number: _whole(each.hash) for each in kept if each.number}
    for each in kept:
        if each.number:
            fact = _read(each.fact)
            yield EvidenceEntry(
                number=each.number, kind=each.kind, recorded_at=told_at(each.recorded_at),
                previous=hashes.get(each.number - 1, _UNKNOWN),
                fact_sha256=fact_hash(fact or {}) if each.fact_sha256 is None else _whole(each.fact_sha256),
                hash=hashes[each.number], fact=fact,
            )  # fmt: skip


def _whole(stored: str) -> str:
    """Return a hash; what has not the length of one stands for none, and never fits."""
    return stored if len(stored) == len(_UNKNOWN) else _UNKNOWN


def _read(fact: bytes | None) -> dict[str, Any] | None:
    """Return a fact; what is no fact any more is told as it is."""
    if fact is None:
        return None
    try:
        read = json.loads(fact)
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {"unreadable": fact.decode()}
