"""The independent reader: silent about a sound run, and each check catches the error planted for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from unit.sandbox.reader_world import HAPPY, T0, event, parcel, raised, returned, scanned, shipped, sound_world

from linkstar_sandbox.reader.account import settle_account
from linkstar_sandbox.reader.evidence import Evidence, ExpectedOrder, Leg, Record, Refusal, StoredLabel, TrueScan
from linkstar_sandbox.reader.outcomes import final_states

Plant = Callable[[Evidence], Evidence]


def violated(evidence: Evidence) -> set[str]:
    return {check.name for check in settle_account(evidence).checks if check.violations}


def without(*offsets: tuple[str, str]) -> Plant:
    """Remove the records of (topic, shipment)."""
    return lambda world: replace(world, records=[r for r in world.records if (r.topic, r.shipment[1]) not in offsets])


def also(*records: Record) -> Plant:
    return lambda world: replace(world, records=[*world.records, *records])


def label(order_id: str, version: int, **changes: object) -> Record:
    body = {**shipped(order_id, "N7")[2].body, **changes}
    known = {name: body.pop(name) for name in ("tenant", "order_id", "version", "occurred_at")}
    return event("labels", "label.created", str(known["order_id"]), version, 7, **body)


def altered(record: Record, **body: object) -> Record:
    full = {**record.body, **body}
    return replace(record, body=full, value=json.dumps(full).encode())


GOOD_TRACKED = scanned("good", "N1", HAPPY)
LATE = timedelta(hours=99)

PLANTED: Sequence[tuple[str, Plant]] = [
    ("every order handed in is accepted, rejected by name or a dead letter",
     lambda w: replace(w, expected=[*w.expected, ExpectedOrder("gone", "a.csv", "accepted")])),
    ("every cancel is carried out or answered with an exception", without(("order-changes", "off"))),
    ("every received shipment is routed, cancelled or held with an exception", without(("exceptions-raised", "far"))),
    ("the newest route of every shipment has a label, a refusal, a cancel or an exception",
     without(("exceptions-raised", "poor"))),
    ("every labelled parcel is in the carriers' ledger", lambda w: replace(w, parcels=w.parcels[1:])),
    ("every scan the carriers told is an event", without(("carrier-scans", "good"))),
    ("a shipment's true end is its tracked status", without(("tracking-updated", "good"))),
    ("every parcel that came back has a return that received it", without(("returns-updated", "rts~R1"))),
    ("one payload per event id", also(altered(GOOD_TRACKED[1], status="lost"))),
    ("one id per (tenant, aggregate, type, version)", also(replace(GOOD_TRACKED[1], id="another"))),
    ("one event id per business fact",
     also(replace(event("routes-chosen", "route.chosen", "good", 2, 8, decision_id="d-good")))),
    ("one event id per business fact", also(replace(GOOD_TRACKED[0], id="another", subject="another"))),
    ("at most one active label per shipment on the topic", also(label("good", 2, route_version=2))),
    ("at most one active label per shipment in the table",
     lambda w: replace(w, labels=[*w.labels, StoredLabel("demo", "good", 2, True)])),
    ("one parcel per tracking number",
     also(label("rts", 2, route_version=2, parcels=[{"number": 1, "tracking_number": "N1"}]))),
    ("one label per ledger posting", also(label("rts", 2, route_version=2, posting_id="p-N1"))),
    ("no order is in two of accepted, rejected, dead letter",
     lambda w: replace(w, refusals=[*w.refusals, Refusal("a.csv", 2, "good", "sku_unknown")])),
    ("versions of an order only rise on order-changes, by first appearance",
     also(event("order-changes", "order.changed", "off", 1, 6))),
    ("versions of an order are dense over both its topics",
     also(event("order-changes", "order.changed", "good", 3, 4))),
    ("every posting and every currency sums to zero", lambda w: replace(w, legs=w.legs[1:])),
    ("every posting and every currency sums to zero",
     lambda w: replace(w, legs=[*w.legs, Leg("x", "wallet", "USD", 1), Leg("x", "carrier", "EUR", -1)])),
    ("every label is paid by its posting, to the cent",
     lambda w: replace(w, legs=[replace(leg, amount_minor=leg.amount_minor * 2) for leg in w.legs])),
    ("every event lies under its order's key in its order's shard",
     also(replace(GOOD_TRACKED[1], partition=(GOOD_TRACKED[1].partition + 1) % 12, topic="order-changes"))),
    ("what is tracked as delivered was truly delivered",
     lambda w: replace(w, parcels=[replace(p, delivered_at=None) for p in w.parcels])),
    ("shipments-current holds the newest state of every tracked shipment", without(("shipments-current", "good"))),
    ("every order got the outcome, row and code it deserves",
     lambda w: replace(w, refusals=[Refusal("a.csv", 8, "bad", "sku_unknown")])),
    ("no sound row is refused, no sound record is a dead letter",
     also(Record("labels-dlq", 3, 0, "demo/good", b"{}"))),
    ("no true scan is refused",
     lambda w: replace(w, parcels=[
         *w.parcels, parcel("more", "N8", {}, scans=(TrueScan("03", T0 + LATE, "accepted", False, "scan_in_future"),)),
     ])),
]  # fmt: skip


def swap_first_two_versions(world: Evidence) -> Evidence:
    good = [r for r in world.records if (r.topic, r.shipment[1]) == ("tracking-updated", "good")]
    rest = [r for r in world.records if r not in good]
    return replace(world, records=[*rest, *reversed(good)])


def test_a_sound_run_has_no_violation_and_exercises_every_check() -> None:
    account = settle_account(sound_world())
    assert {check.name: check.violations for check in account.checks if check.violations} == {}
    not_exercised = {check.name for check in account.checks if check.verdict == "not_exercised"}
    assert not_exercised == set()
    assert account.faults == []


def test_the_counts_keep_their_equations() -> None:
    counts = settle_account(sound_world()).counts
    assert counts == {
        "orders": 9, "accepted": 7, "rejected": 1, "dead_lettered": 1, "routed": 5, "labelled": 4, "delivered": 1,
        "returned": 1, "cancelled": 1, "open": 4, "exceptions": 3, "lost": 0, "duplicated": 0,
    }  # fmt: skip


def test_final_states_are_exclusive() -> None:
    finals = {order: str(final) for (_, order), final in final_states(sound_world()).items()}
    assert finals == {
        "good": "delivered", "kept": "returned", "rts": "open", "off": "cancelled", "poor": "open", "far": "open",
        "nowhere": "open",
    }  # fmt: skip


@pytest.mark.parametrize(("check", "plant"), PLANTED)
def test_each_check_catches_its_planted_error(check: str, plant: Plant) -> None:
    world = plant(sound_world())
    assert check in violated(world)
    assert settle_account(world).faults


def test_versions_out_of_order_and_with_holes_are_caught() -> None:
    name = "versions run 1, 2, 3, … by first appearance"
    assert name in violated(swap_first_two_versions(sound_world()))
    assert name in violated(also(event("labels", "label.voided", "good", 3, 9, route_version=1))(sound_world()))


def test_no_check_is_without_a_planted_error() -> None:
    planted = {name for name, _ in PLANTED} | {"versions run 1, 2, 3, … by first appearance"}
    assert {check.name for check in settle_account(sound_world()).checks} == planted


def test_repeats_on_the_wire_are_allowed() -> None:
    world = sound_world()
    repeated = replace(world, records=[*world.records, *world.records])
    assert violated(repeated) == set()


def test_a_shipment_of_several_parcels_ends_when_all_have_ended() -> None:
    late = parcel("good", "N9", {"03": "accepted"}, parcel=2)
    world = sound_world()
    world = replace(world, parcels=[*world.parcels, late])
    assert (
        violated(without(("tracking-updated", "good"))(world)) & {"a shipment's true end is its tracked status"}
        == set()
    )


def test_a_resolved_exception_excuses_nothing() -> None:
    plant = also(*raised("route.none.far", "route.no_candidate", "far", "open", "resolved")[1:])
    assert "every received shipment is routed, cancelled or held with an exception" in violated(plant(sound_world()))


def test_an_open_return_is_not_a_returned_order() -> None:
    finals = final_states(also(*returned("good~R1", "good", "approved"))(sound_world()))
    assert finals["demo", "good"] == "delivered"


def test_a_run_that_delivered_nothing_does_not_pass() -> None:
    refused = Evidence(
        expected=[ExpectedOrder("bad", "a.csv", "rejected", 9, "sku_unknown")],
        refusals=[Refusal("a.csv", 9, "bad", "sku_unknown")],
    )
    assert settle_account(refused).faults == ["nothing was delivered"]


def test_a_check_without_cases_says_so() -> None:
    verdicts = {check.verdict for check in settle_account(Evidence()).checks}
    assert verdicts == {"not_exercised"}
