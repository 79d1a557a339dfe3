"""An evidence pack: what is known of one shipment for a claim or an appeal, in a file that anyone can verify.

A pack is a JSON file, or a ZIP of it with a summary and further files. Its bytes are the only ones that say the same, so
that a changed byte is found wherever it lies.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from linkstar_contracts.evidence_chain import (
    MOST_ENTRIES,
    EvidenceEntry,
    Fault,
    Sha256,
    canonical,
    chain_faults,
    origin,
)  # fmt: skip

__all__ = ["EvidencePack", "PackVerdict", "verified", "zipped"]

PACK_FILE = "evidence.json"
MOST_BYTES = 64 * 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)


class EvidencePack(BaseModel):
    """The pack. `head` and `count` are the chain's when it was exported; `files` are the hashes of what lies beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["linkstar.evidence.v1"] = "linkstar.evidence.v1"
    tenant: str
    order_id: str
    shipment_id: str
    exported_at: str
    count: Annotated[int, Field(ge=0, le=MOST_ENTRIES)]
    head: Sha256
    entries: list[EvidenceEntry]
    unchained: list[dict[str, Any]] = []
    """Facts recorded before there was a chain; only the pack's digest guards them."""
    files: dict[str, Sha256] = {}
    digest: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""

    def sealed(self) -> EvidencePack:
        """Return the pack with its digest: the hash of all the rest."""
        return self.model_copy(update={"digest": self.proper_digest})

    @property
    def proper_digest(self) -> str:
        return sha256(canonical(self.model_dump(exclude={"digest"}))).hexdigest()

    def file(self) -> bytes:
        """Return the pack as its JSON file."""
        return (json.dumps(self.model_dump(), sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()

    def faults(self) -> list[Fault]:
        """Return what is wrong with its chain."""
        return chain_faults(origin(self.tenant, self.shipment_id), self.head, self.count, self.entries)


@dataclass(frozen=True, slots=True)
class PackVerdict:
    """What verification found; `pack` is None when the file cannot be read as one."""

    pack: EvidencePack | None
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return self.pack is not None and not self.faults


def zipped(pack: bytes, files: Mapping[str, bytes]) -> bytes:
    """Return the pack's JSON with the files beside it as a ZIP, the same bytes each time."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {PACK_FILE: pack, **dict(sorted(files.items()))}.items():
            archive.writestr(_member(name), content)
    return out.getvalue()


def verified(content: bytes) -> PackVerdict:
    """Verify a pack, JSON or ZIP, from nothing but its bytes."""
    if not content.startswith(b"PK"):
        return _verified(content, {})
    try:
        files = _unzipped(content)
        rest = {name: each for name, each in files.items() if name != PACK_FILE}
        verdict = _verified(files.get(PACK_FILE, b""), rest)
        rebuilt = zipped(files.get(PACK_FILE, b""), rest)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        return PackVerdict(None, (f"the ZIP is damaged: {error}",))
    if rebuilt != content:
        return PackVerdict(verdict.pack, (*verdict.faults, "the ZIP holds bytes that no export writes"))
    return verdict


def _verified(content: bytes, files: Mapping[str, bytes]) -> PackVerdict:
    try:
        pack = EvidencePack.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "file"
        return PackVerdict(None, (f"{PACK_FILE} is not an evidence pack: {where}: {first['msg']}",))
    told = [
        f"entry {fault.number}: {fault.kind}" if fault.number else f"chain: {fault.kind}" for fault in pack.faults()
    ]
    if pack.proper_digest != pack.digest:
        told.append("pack: its digest is not that of its content")
    if pack.file() != content:
        told.append("pack: its bytes are not those an export writes")
    return PackVerdict(pack, (*told, *_file_faults(pack, files)))


def _file_faults(pack: EvidencePack, files: Mapping[str, bytes]) -> list[str]:
    missing = [f"{name}: missing" for name in sorted(pack.files.keys() - files.keys())]
    added = [f"{name}: added" for name in sorted(files.keys() - pack.files.keys())]
    both = sorted(pack.files.keys() & files.keys())
    return missing + added + [f"{n}: changed" for n in both if sha256(files[n]).hexdigest() != pack.files[n]]


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.create_system, member.external_attr = 3, 0o644 << 16
    return member


def _unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > MOST_BYTES:
            raise zipfile.BadZipFile("too large")
        return {member.filename: archive.read(member) for member in members}
