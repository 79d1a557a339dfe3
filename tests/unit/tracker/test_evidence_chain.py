"""Evidence: whatever is done to a pack is found, and named where it was done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.tracker.tracked_facts import LABELLED, label, scan, void

from linkstar_contracts.events import Place
from linkstar_contracts.evidence_chain import (
    EvidenceEntry,
    Fault,
    canonical,
    chain_faults,
    entry_hash,
    fact_hash,
    origin,
)
from linkstar_contracts.evidence_pack import EvidencePack, verified, zipped
from linkstar_tracker.domain.evidence import SCAN, Recorded, Trail, scan_fact, told_at
from linkstar_tracker.domain.evidence_case import KeptChain, KeptEntry, pack_of, with_files
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Rules, Shipment

RULES = Rules.shipped()


def kept(entry: Recorded) -> KeptEntry:
    return KeptEntry(entry.number, entry.kind, entry.hash.hex(), LABELLED, sha256(entry.fact).hexdigest(), entry.fact)


def chain(scans: int = 4) -> KeptChain:
    """A label, scans, and the void of the label."""
    shipment = Shipment("demo", "s-1", "s-1", 3)
    shipment.label_created(label(), RULES, LABELLED)
    for hours in range(scans):
        shipment.trail.keep("demo", "s-1", SCAN, LABELLED, scan_fact(scan("IT", hours)))
    shipment.label_voided(void(), RULES, LABELLED)
    trail = shipment.trail
    assert trail.head
    return KeptChain("s-1", trail.head.hex(), trail.count, [kept(entry) for entry in trail.papers])


def pack() -> EvidencePack:
    return pack_of("demo", "s-1", chain(), LABELLED)


def faults(entries: list[EvidenceEntry]) -> list[Fault]:
    whole = pack()
    return chain_faults(origin("demo", "s-1"), whole.head, whole.count, entries)


PACK = pack().file()
ZIP = zipped(with_files(pack(), {"summary.pdf": b"%PDF"}).file(), {"summary.pdf": b"%PDF"})
ENTRIES = pack().entries
PLACES = st.integers(0, len(ENTRIES) - 1)


def test_what_was_exported_holds() -> None:
    assert verified(PACK).holds
    assert verified(ZIP).holds
    assert [entry.kind for entry in ENTRIES] == ["label", *["scan"] * 4, "void"]
    [parcel] = (ENTRIES[0].fact or {})["parcels"]
    assert parcel["weight"] == {"unit": "lb", "value": "1"}
    assert parcel["declared_value"] == {"amount_minor": 725, "currency": "USD"}
    assert parcel["label_sha256"] == "0" * 64


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([PACK, ZIP]), st.data(), st.integers(1, 255))
def test_every_changed_byte_is_found(good: bytes, data: st.DataObject, by: int) -> None:
    place = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[place] ^= by
    assert not verified(bytes(bad)).holds


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([PACK, ZIP]), st.data())
def test_bytes_left_out_or_put_in_are_found(good: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(good) - 1))
    assert not verified(good[:place] + good[place + 1 :]).holds
    assert not verified(good[:place] + b" " + good[place:]).holds
    assert not verified(good[:place]).holds


@given(PLACES)
def test_a_removed_entry_is_named(place: int) -> None:
    assert faults(ENTRIES[:place] + ENTRIES[place + 1 :]) == [Fault(place + 1, "missing")]


@given(PLACES, PLACES)
def test_two_entries_that_change_places_are_found(one: int, other: int) -> None:
    entries = list(ENTRIES)
    entries[one], entries[other] = entries[other], entries[one]
    assert {fault.kind for fault in faults(entries)} == (set() if one == other else {"moved"})


@given(PLACES, st.integers(1, len(ENTRIES)))
def test_an_added_entry_is_named_though_its_own_hashes_fit(place: int, number: int) -> None:
    previous = ENTRIES[place - 1].hash if place else origin("demo", "s-1")
    fact = {"code": "DL"}
    invented = EvidenceEntry(
        number=number, kind="scan", recorded_at="2026-06-08T15:00:00.000000+00:00", previous=previous,
        fact_sha256=fact_hash(fact), fact=fact,
        hash=entry_hash(previous, number, "scan", "2026-06-08T15:00:00.000000+00:00", fact_hash(fact)),
    )  # fmt: skip
    assert faults([*ENTRIES[:place], invented, *ENTRIES[place:]]) == [Fault(number, "added")]


@given(PLACES, st.sampled_from(["fact", "recorded_at", "kind", "previous", "fact_sha256", "hash", "number"]))
def test_a_changed_entry_is_named(place: int, part: str) -> None:
    new = {"fact": {"code": "DL"}, "recorded_at": "2026", "kind": "note", "number": ENTRIES[place].number + 1}
    entries = list(ENTRIES)
    entries[place] = entries[place].model_copy(update={part: new.get(part, "f" * 64)})
    assert Fault(place + 1, "changed") in faults(entries)


def test_a_chain_made_anew_from_the_changed_entry_on_does_not_reach_the_head() -> None:
    entries, previous = [], origin("demo", "s-1")
    for entry in ENTRIES:
        fact = (entry.fact or {}) | ({"text": "Delivered to neighbour"} if entry.number == 3 else {})
        told = entry_hash(previous, entry.number, entry.kind, entry.recorded_at, fact_hash(fact))
        entries.append(
            entry.model_copy(update={"fact": fact, "fact_sha256": fact_hash(fact), "previous": previous, "hash": told})
        )
        previous = told
    assert Fault(len(entries), "changed") in faults(entries)


def test_a_fact_may_be_withheld_and_no_chain_fits_another_shipment() -> None:
    withheld = [entry.model_copy(update={"fact": None}) for entry in ENTRIES]
    assert faults(withheld) == []
    whole = pack()
    assert chain_faults(origin("demo", "s-2"), whole.head, whole.count, whole.entries) == [Fault(0, "foreign")]


def test_a_row_changed_or_deleted_in_the_database_shows_in_the_pack() -> None:
    true = chain()
    changed = [*true.entries]
    changed[2] = changed[2]._replace(fact=b'{"code":"DL"}', fact_sha256=None)
    assert verified(pack_of("demo", "s-1", true._replace(entries=changed), LABELLED).file()).faults == (
        ("entry_changed", "entry 3: changed"),
    )
    shortened = true._replace(entries=true.entries[:-1])
    assert verified(pack_of("demo", "s-1", shortened, LABELLED).file()).faults == (
        ("entry_missing", "entry 6: missing"),
    )


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


@given(TEXTS, TEXTS, TEXTS, st.none() | TEXTS.filter(bool), st.integers(0, 10**6))
def test_a_scan_is_recorded_as_its_canonical_json(
    code: str, text: str, city: str, retracts: str | None, s: int
) -> None:
    at = datetime(2026, 6, 8, tzinfo=UTC) + timedelta(milliseconds=s)
    place = Place.model_construct(city=city, region="NY", postcode="10001", country="US")
    told = Scan("0f", "ups", "1Z", code, at, text, place, "2026-06-08", "America/New_York", "poll", retracts)
    assert scan_fact(told) == canonical({
        "scan_id": "0f", "carrier": "ups", "tracking_number": "1Z", "code": code, "text": text, "scanned_at": told_at(at),
        "scanned_local": "2026-06-08", "timezone": "America/New_York", "place": place.model_dump(), "source": "poll",
        "retracts": retracts,
    })  # fmt: skip


def test_the_chain_depends_on_what_was_told_before() -> None:
    one, other = Trail(), Trail()
    one.add("demo", "s-1", SCAN, "now", b"{}")
    other.add("demo", "s-2", SCAN, "now", b"{}")
    assert one.head != other.head
