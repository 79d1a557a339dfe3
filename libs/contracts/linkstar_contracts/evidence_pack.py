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
from typing import Annotated, Any, Literal, NamedTuple

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
from linkstar_contracts.evidence_papers import PaperContent, PaperStanding, paper_faults, paper_standings

__all__ = ["EvidencePack", "PackFault", "PackSignature", "PackVerdict", "rewritten", "verified", "zipped"]

PACK_FILE = "evidence.json"
MOST_BYTES = 64 * 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackSignature(BaseModel):
    """Who made a pack: an Ed25519 signature over its `statement`. The public key is here only to name it; believe none but
    one that you had from elsewhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    public_key: Sha256
    value: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


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
    contents: dict[str, PaperContent] | None = None
    """What is shown of papers, by the number of their entry. Left out where there is none, as the signature is."""
    signature: PackSignature | None = None

    def sealed(self) -> EvidencePack:
        """Return the pack with its digest: the hash of all the rest but the signature."""
        return self.model_copy(update={"digest": self.proper_digest})

    @property
    def proper_digest(self) -> str:
        return sha256(canonical(self._told("digest", "signature"))).hexdigest()

    @property
    def statement(self) -> bytes:
        """What the signature is over: whose chain had this head when, and the digest of all that is told with it."""
        signed = ("format", "tenant", "shipment_id", "count", "head", "exported_at", "digest")
        return canonical({name: getattr(self, name) for name in signed})

    def file(self) -> bytes:
        """Return the pack as its JSON file."""
        return (json.dumps(self._told(), sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()

    def papers(self) -> list[PaperStanding]:
        """Return how its papers stand."""
        return paper_standings(self.entries, self.contents or {})

    def _told(self, *but: str) -> dict[str, Any]:
        told = self.model_dump(exclude=set(but))
        return {name: each for name, each in told.items() if each is not None}

    def faults(self) -> list[Fault]:
        """Return what is wrong with its chain."""
        return chain_faults(origin(self.tenant, self.shipment_id), self.head, self.count, self.entries)


class PackFault(NamedTuple):
    """What is wrong with a pack: a stable code, and where."""

    code: str
    told: str


@dataclass(frozen=True, slots=True)
class PackVerdict:
    """What verification found; `pack` is None when the file cannot be read as one."""

    pack: EvidencePack | None
    faults: tuple[PackFault, ...]

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
    # zipfile raises NotImplementedError for compressions it does not know, and RuntimeError for encrypted members.
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        return PackVerdict(None, (PackFault("zip_damaged", f"the ZIP is damaged: {error}"),))
    if rebuilt != content:
        unusual = PackFault("zip_unusual", "the ZIP holds bytes that no export writes")
        return PackVerdict(verdict.pack, (*verdict.faults, unusual))
    return verdict


def rewritten(earlier: EvidencePack, later: EvidencePack) -> PackFault | None:
    """Return the fault of a later pack that does not go on from where an earlier one of the same shipment ended.

    Both hold. Whoever rewrites a chain can make every hash fit but those that somebody else was given before.
    """
    if (earlier.tenant, earlier.shipment_id) != (later.tenant, later.shipment_id):
        return PackFault("shipment_other", "pack: the earlier one is about another shipment")
    heads = {entry.number: entry.hash for entry in later.entries} | {0: origin(later.tenant, later.shipment_id)}
    if heads.get(earlier.count) == earlier.head:
        return None
    return PackFault("chain_rewritten", f"chain: entry {earlier.count} was another one when the earlier pack was made")


def _verified(content: bytes, files: Mapping[str, bytes]) -> PackVerdict:
    try:
        pack = EvidencePack.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "file"
        told = f"this is not an evidence pack: {where}: {first['msg']}"
        return PackVerdict(None, (PackFault("pack_unreadable", told),))
    found = [_chain_fault(fault) for fault in pack.faults()]
    if pack.proper_digest != pack.digest:
        found.append(PackFault("digest_wrong", "pack: its digest is not that of its content"))
    if pack.file() != content:
        found.append(PackFault("pack_unusual", "pack: its bytes are not those an export writes"))
    papers = [PackFault(*fault) for fault in paper_faults(pack.entries, pack.contents or {}, files)]
    return PackVerdict(pack, (*found, *papers, *_file_faults(pack, files)))


def _chain_fault(fault: Fault) -> PackFault:
    about, where = ("entry", f"entry {fault.number}") if fault.number else ("chain", "chain")
    return PackFault(f"{about}_{fault.kind}", f"{where}: {fault.kind}")


def _file_faults(pack: EvidencePack, files: Mapping[str, bytes]) -> list[PackFault]:
    missing = [PackFault("file_missing", f"{name}: missing") for name in sorted(pack.files.keys() - files.keys())]
    added = [PackFault("file_added", f"{name}: added") for name in sorted(files.keys() - pack.files.keys())]
    both = sorted(pack.files.keys() & files.keys())
    changed = [name for name in both if sha256(files[name]).hexdigest() != pack.files[name]]
    return missing + added + [PackFault("file_changed", f"{name}: changed") for name in changed]


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
