"""Papers in packs: shown, erased or withheld; signed packs in which every altered field is found; chains rewritten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from unit.tracker.tracked_facts import LABELLED, label, scan

from linkstar_cli.evidence_proof import proven
from linkstar_cli.screen import CommandError
from linkstar_contracts.evidence_chain import canonical
from linkstar_contracts.evidence_pack import EvidencePack, PackSignature, verified, zipped
from linkstar_contracts.evidence_papers import ERASURE, PAPER, PaperKind, commitment
from linkstar_runtime.data_keys import DataKey
from linkstar_runtime.master_keys import MasterKeys, VaultError
from linkstar_runtime.vault import Vault
from linkstar_tracker.domain.claim_windows import Moments, longest_window, windows_of
from linkstar_tracker.domain.evidence import SCAN, scan_fact
from linkstar_tracker.domain.evidence_case import (
    KeptChain,
    KeptEntry,
    OpenedPaper,
    pack_of,
    shown_beside,
    shown_inside,
    with_files,
)
from linkstar_tracker.domain.papers import Paper, PaperError, erasure_fact, judged
from linkstar_tracker.domain.shipment import Rules, Shipment

PICTURE = b"\xff\xd8\xff\xe0 a door"
LETTER = b"Left with Mrs Smith, 12 Main St"
RULES, KEY = Rules.shipped(), DataKey(bytes(range(32)))
SIGNER = Vault(MasterKeys([bytes(32)])).signer("evidence")
PUBLIC = SIGNER.public_key.hex()


def chain(*, erased: bool = False, told: str = "IT") -> KeptChain:
    """A label, a scan, a picture and a letter; then their erasure."""
    shipment = Shipment("demo", "s-1", "s-1", 3)
    shipment.label_created(label(), RULES, LABELLED)
    trail = shipment.trail
    trail.keep("demo", "s-1", SCAN, LABELLED, scan_fact(scan(told, 2)))
    for paper in (
        Paper(PaperKind.PICTURE, "image/jpeg", PICTURE),
        Paper(PaperKind.COMMUNICATION, "text/plain", LETTER),
    ):
        committed = commitment(KEY.salt(paper.kind.value, paper.content), paper.content)
        trail.keep("demo", "s-1", PAPER, LABELLED, paper.fact(1, committed))
    if erased:
        trail.keep("demo", "s-1", ERASURE, LABELLED, erasure_fact(1, [4, 3], "claim_window"))
    entries = [
        KeptEntry(p.number, p.kind, p.hash.hex(), LABELLED, sha256(p.fact).hexdigest(), p.fact) for p in trail.papers
    ]
    return KeptChain("s-1", trail.head.hex() if trail.head else "", trail.count, entries)


OPENED = [
    OpenedPaper(3, "picture", "image/jpeg", KEY.salt("picture", PICTURE), PICTURE),
    OpenedPaper(4, "communication", "text/plain", KEY.salt("communication", LETTER), LETTER),
]


def signed(pack: EvidencePack) -> EvidencePack:
    value = SIGNER.sign(pack.statement).hex()
    return pack.model_copy(update={"signature": PackSignature(public_key=PUBLIC, value=value)})


@cache
def good() -> EvidencePack:
    return signed(shown_inside(pack_of("demo", "s-1", chain(), LABELLED), OPENED).sealed())


def codes(content: bytes, key: str | None = None) -> set[str]:
    return {fault.code for fault in proven(content, key).faults}


def test_contents_inside_and_beside_hold_and_are_told() -> None:
    beside, files = shown_beside(pack_of("demo", "s-1", chain(), LABELLED), OPENED)
    assert files == {"papers/3-picture.jpg": PICTURE}
    archive = zipped(signed(with_files(beside, files)).file(), files)
    for content in (good().file(), archive):
        assert codes(content, PUBLIC) == set()
        pack = verified(content).pack
        assert pack
        assert [(p.number, p.standing) for p in pack.papers()] == [(3, "shown"), (4, "shown")]


def test_after_the_key_is_gone_the_pack_holds_and_tells_its_papers_as_erased() -> None:
    erased = signed(pack_of("demo", "s-1", chain(erased=True), LABELLED + timedelta(days=90)))
    assert codes(erased.file(), PUBLIC) == set()
    assert [(p.number, p.standing) for p in erased.papers()] == [(3, "erased"), (4, "erased")]
    withheld = pack_of("demo", "s-1", chain(), LABELLED)
    assert {p.standing for p in withheld.papers()} == {"withheld"}
    for text in (b"Smith", sha256(LETTER).hexdigest().encode(), sha256(PICTURE).hexdigest().encode()):
        assert text not in erased.file()


def test_a_commitment_tells_nothing_without_its_salt_and_the_same_content_is_known_again() -> None:
    other = DataKey(bytes(32))
    assert KEY.salt("picture", PICTURE) == KEY.salt("picture", PICTURE)
    assert len({KEY.salt("picture", PICTURE), KEY.salt("document", PICTURE), other.salt("picture", PICTURE)}) == 3
    sealed = KEY.seal(LETTER, "demo|s-1|paper|4")
    assert (KEY.open(sealed, "demo|s-1|paper|4"), LETTER in sealed) == (LETTER, False)
    for key, place in ((other, "demo|s-1|paper|4"), (KEY, "demo|s-2|paper|4")):
        with pytest.raises(VaultError):
            key.open(sealed, place)


def altered(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every leaf of a document, each with another value of its kind."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from altered(each, (*path, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from altered(each, (*path, place))
    elif isinstance(value, str):
        yield path, ("f" if value[:1] != "f" else "e") + value[1:] if value else "x"
    else:
        yield path, 7 if value in (None, False, True) else value + 1


def replaced(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(document))
    at = copy
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return copy


FIELDS = list(altered(json.loads(good().file())))


def written(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def test_every_altered_field_is_found_with_a_code() -> None:
    document = json.loads(good().file())
    assert written(document) == good().file()
    assert len(FIELDS) > 90
    for path, value in FIELDS:
        found = codes(written(replaced(document, path, value)), PUBLIC)
        assert found & {
            "pack_unreadable", "entry_changed", "entry_missing", "chain_foreign", "digest_wrong", "paper_changed",
            "paper_added", "signature_wrong", "signature_foreign",
        }, path  # fmt: skip


def test_a_pack_made_anew_by_another_is_found_by_the_key_alone() -> None:
    """Whoever can write files recomputes every hash; the signature is what he cannot make."""
    document = json.loads(good().file())
    for path, value in FIELDS:
        if path[0] in {"exported_at", "order_id", "tenant", "count", "head"}:
            forged = EvidencePack.model_validate(replaced(document, path, value)).sealed()
            assert "signature_wrong" in codes(forged.file(), PUBLIC), path
    unsigned = good().model_copy(update={"signature": None, "order_id": "s-2"}).sealed()
    assert (codes(unsigned.file()), codes(unsigned.file(), PUBLIC)) == (set(), {"signature_missing"})
    stranger = Vault(MasterKeys([bytes(31) + b"1"])).signer("evidence")
    value = PackSignature(public_key=stranger.public_key.hex(), value=stranger.sign(unsigned.statement).hex())
    forged = unsigned.model_copy(update={"signature": value})
    assert (codes(forged.file()), codes(forged.file(), PUBLIC)) == (set(), {"signature_foreign"})


def test_a_chain_rewritten_and_signed_is_found_beside_an_earlier_pack(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    before.write_bytes(good().file())
    grown = signed(pack_of("demo", "s-1", chain(erased=True), LABELLED)).file()
    assert proven(grown, PUBLIC, before).faults == ()
    history = signed(pack_of("demo", "s-1", chain(erased=True, told="DL"), LABELLED)).file()
    assert codes(history, PUBLIC) == set(), "its maker holds the key"
    assert [fault.code for fault in proven(history, PUBLIC, before).faults] == ["chain_rewritten"]
    shorter = tmp_path / "grown.json"
    shorter.write_bytes(grown)
    assert [fault.code for fault in proven(good().file(), None, shorter).faults] == ["chain_rewritten"]
    before.write_bytes(good().file()[:-1])
    with pytest.raises(CommandError):
        proven(grown, None, before)


def test_packs_from_before_papers_and_signatures_still_hold() -> None:
    shipment = Shipment("demo", "s-1", "s-1", 3)
    shipment.trail.keep("demo", "s-1", SCAN, LABELLED, canonical({"code": "IT"}))
    [entry] = shipment.trail.papers
    kept = KeptEntry(1, SCAN, entry.hash.hex(), LABELLED, sha256(entry.fact).hexdigest(), entry.fact)
    old = pack_of("demo", "s-1", KeptChain("s-1", entry.hash.hex(), 1, [kept]), LABELLED)
    assert old.digest == "a7dda47a2b2ad1f679493e66b1b8539fdc75b0c1ee602e1f03c13b43821e53cc"
    assert {"contents", "signature"}.isdisjoint(json.loads(old.file()))


@pytest.mark.parametrize(
    ("told", "content", "code"),
    [
        ("image/jpeg", PICTURE, ""), ("IMAGE/JPEG; x=1", PICTURE, ""), ("application/pdf", b"%PDF-1.7 x", ""),
        ("image/png", b"\x89PNG\r\n\x1a\n", ""), ("image/webp", b"RIFF\x00\x00\x00\x00WEBP", ""),
        ("image/heic", b"\x00\x00\x00\x18ftypheic", ""), ("text/plain; charset=utf-8", "已签收\n".encode(), ""),
        ("image/png", PICTURE, "content_type_wrong"), ("text/plain", PICTURE, "content_type_wrong"),
        ("text/html", b"<script>", "content_type_wrong"), ("text/plain", b"a\x00b", "content_type_wrong"),
        ("", b"MZ\x90", "content_type_wrong"), ("text/plain", b"", "paper_empty"),
        ("text/plain", b"x" * 16_385, "paper_too_large"), ("image/jpeg", PICTURE + bytes(4 << 20), "paper_too_large"),
    ],
)  # fmt: skip
def test_a_paper_is_judged_by_its_bytes(told: str, content: bytes, code: str) -> None:
    if not code:
        assert judged(PaperKind.DOCUMENT, told, content).content_type == told.partition(";")[0].lower()
        return
    with pytest.raises(PaperError) as refused:
        judged(PaperKind.DOCUMENT, told, content)
    assert refused.value.code == code


def test_claim_windows_are_counted_from_their_anchor_and_every_carrier_has_some() -> None:
    moments = Moments(LABELLED, LABELLED + timedelta(days=3), LABELLED + timedelta(days=5))
    loss, _, missing = windows_of("ups")
    assert (loss.kind, loss.closes_at(moments)) == ("loss", LABELLED + timedelta(days=63))
    assert (missing.kind, missing.closes_at(moments)) == ("missing", LABELLED + timedelta(days=65))
    assert missing.closes_at(moments._replace(delivered_at=None)) == LABELLED + timedelta(days=63)
    assert windows_of("usps")[0].opens_at(Moments(LABELLED)) == LABELLED + timedelta(days=15)
    assert [window.standing for window in windows_of("unheard-of")] == ["assumed"] * 3
    assert (longest_window("royal-mail"), longest_window("evri")) == (timedelta(days=80), timedelta(days=28))
