"""The chain of evidence of one shipment: each entry names the hash of the entry before it.

Whoever changes, removes, moves or adds an entry must recompute every later one, and then the head no longer fits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "EvidenceEntry",
    "Fault",
    "FaultKind",
    "Sha256",
    "canonical",
    "chain_faults",
    "entry_hash",
    "fact_hash",
    "link",
    "origin",
]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FaultKind = Literal["changed", "missing", "added", "moved", "foreign"]
MOST_ENTRIES = 100_000
"""No shipment has more; a file that claims more is not believed."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical(value: object) -> bytes:
    """Return the one JSON text of a value: keys sorted, no spaces, UTF-8."""
    return _encode(value).encode()


def fact_hash(fact: Mapping[str, Any]) -> str:
    """Return the hash that stands for a fact in its entry."""
    return sha256(canonical(fact)).hexdigest()


def origin(tenant: str, shipment_id: str) -> str:
    """Return what the first entry names as previous: no chain fits another shipment."""
    return sha256(f"linkstar.evidence.v1|{tenant}|{shipment_id}".encode()).hexdigest()


def link(previous: bytes, number: int, kind: str, recorded_at: str, fact_sha256: bytes) -> bytes:
    """Return the hash of an entry; the fact itself may be withheld, its hash cannot."""
    return sha256(previous + fact_sha256 + f"{number}|{kind}|{recorded_at}".encode()).digest()


def entry_hash(previous: str, number: int, kind: str, recorded_at: str, fact_sha256: str) -> str:
    """Return the hash of an entry from hashes as packs tell them."""
    return link(bytes.fromhex(previous), number, kind, recorded_at, bytes.fromhex(fact_sha256)).hex()


class EvidenceEntry(BaseModel):
    """One entry. A fact that is withheld is None; its hash stands for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    number: Annotated[int, Field(ge=1, le=MOST_ENTRIES)]
    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    recorded_at: Annotated[str, Field(max_length=40)]
    previous: Sha256
    fact_sha256: Sha256
    hash: Sha256
    fact: dict[str, Any] | None

    @property
    def sound(self) -> bool:
        """True when the hashes are those of what the entry says."""
        told = entry_hash(self.previous, self.number, self.kind, self.recorded_at, self.fact_sha256)
        return told == self.hash and (self.fact is None or fact_hash(self.fact) == self.fact_sha256)


class Fault(NamedTuple):
    """What is wrong with the entry of a number; 0 is the chain as a whole."""

    number: int
    kind: FaultKind


def chain_faults(first: str, head: str, count: int, entries: Sequence[EvidenceEntry]) -> list[Fault]:
    """Return what is wrong with a chain of `count` entries from `first` to `head`; nothing if it holds."""
    found, genuine, previous = _followed(head, count, entries)
    if previous not in (None, first):
        found.append(Fault(0, "foreign"))
    kept = set(genuine)
    found += [Fault(entry.number, "added") for place, entry in enumerate(entries) if place not in kept]
    found += [Fault(entries[place].number, "moved") for place in _out_of_order(genuine[::-1])]
    return sorted(set(found))


def _followed(head: str, count: int, entries: Sequence[EvidenceEntry]) -> tuple[list[Fault], list[int], str | None]:
    """Walk back from the head. Return faults, the places of the entries that belong to the chain, last first, and what
    the first of them names as previous; where an entry is missing, the next one is known by its number alone.
    """
    found: list[Fault] = []
    genuine: dict[int, None] = {}
    expected: str | None = head
    by_hash, by_number = _places(entries, "hash"), _places(entries, "number")
    for number in range(count, 0, -1):
        place = by_hash.get(expected, by_number.get(number))
        if place is None or place in genuine:
            found.append(Fault(number, "missing"))
            expected = None
            continue
        entry = entries[place]
        if not entry.sound or entry.number != number or expected not in (None, entry.hash):
            found.append(Fault(number, "changed"))
        genuine[place] = None
        expected = entry.previous
    return found, list(genuine), expected


def _places(entries: Iterable[EvidenceEntry], named: str) -> dict[object, int]:
    """Return the first place of each value."""
    places: dict[object, int] = {}
    for place, entry in enumerate(entries):
        places.setdefault(getattr(entry, named), place)
    return places


def _out_of_order(places: Sequence[int]) -> list[int]:
    return [later for earlier, later in pairwise(places) if later < earlier]
