"""What a pack proves: by itself, with a public key that was had from elsewhere, and beside an earlier pack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from linkstar_cli.screen import CommandError
from linkstar_contracts.evidence_pack import EvidencePack, PackFault, PackVerdict, rewritten, verified
from linkstar_runtime.signatures import holds

__all__ = ["Proof", "proven", "read_keys", "read_pack"]

_KEY = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True, slots=True)
class Proof:
    """A verdict with what was compared: the keys that were given, and an earlier pack."""

    verdict: PackVerdict
    keys: Sequence[str] = ()
    earlier: tuple[Path, EvidencePack] | None = None

    @property
    def faults(self) -> tuple[PackFault, ...]:
        pack = self.verdict.pack
        return (*self.verdict.faults, *(self._compared(pack) if pack else ()))

    def told(self, pack: EvidencePack) -> Iterator[str]:
        """What is proven of a pack that holds, and what is not."""
        if signed := self._signed(pack):
            yield f"signed {pack.exported_at} by the key you gave, {signed[:12]}: made by whoever holds it, and not changed"
        elif pack.signature:
            key = pack.signature.public_key[:12]
            yield f"signed, it says, by key {key}: not checked. Give --key to prove who made it"
        else:
            yield "not signed: whoever can write a file can have made it"
        if self.earlier:
            file, before = self.earlier
            yield f"goes on from {file}: the first {before.count} entries are those it had"
        else:
            yield "a history rewritten before it was exported shows beside an earlier pack only: --earlier"

    def _compared(self, pack: EvidencePack) -> Iterator[PackFault]:
        if pack.signature is None:
            if self.keys:
                yield PackFault("signature_missing", "pack: it is not signed")
        elif not _signed_as_named(pack):
            yield PackFault("signature_wrong", "pack: the key it names has not signed it as it is")
        elif self.keys and not self._signed(pack):
            yield PackFault("signature_foreign", "pack: it is signed by another key than you gave")
        if self.earlier and (fault := rewritten(self.earlier[1], pack)):
            yield fault

    def _signed(self, pack: EvidencePack) -> str | None:
        """Return the key, one of those given, that signed the pack."""
        named = pack.signature.public_key if pack.signature else ""
        return named if named in self.keys and _signed_as_named(pack) else None


def _signed_as_named(pack: EvidencePack) -> bool:
    signature = pack.signature
    return signature is not None and holds(
        bytes.fromhex(signature.public_key), bytes.fromhex(signature.value), pack.statement
    )


def proven(content: bytes, key: str | None = None, earlier: Path | None = None) -> Proof:
    """Return what a pack's bytes prove. An earlier pack that does not hold itself proves nothing, and is refused."""
    keys = read_keys(key) if key else ()
    if earlier is None:
        return Proof(verified(content), keys)
    before = Proof(verified(read_pack(earlier)), keys)
    if before.verdict.pack is None or before.faults:
        told = "; ".join(fault.told for fault in before.faults)
        raise CommandError("earlier-broken", f"{earlier}: {told}", "Give an earlier pack that holds.")
    return Proof(verified(content), keys, (earlier, before.verdict.pack))


def read_keys(named: str) -> list[str]:
    """Return the public keys of a file, or the one that is given as 64 hexadecimal digits."""
    if _KEY.fullmatch(named):
        return [named]
    found = _KEY.findall(read_pack(Path(named)).decode("utf-8", "replace"))
    if not found:
        raise CommandError("key-unreadable", f"{named} holds no public key.", "`linkstar evidence key` shows it.")
    return found


def read_pack(file: Path) -> bytes:
    """Return a file's bytes."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandError("file-unreadable", f"{file}: {error.strerror}", "Name a file that can be read.") from error
