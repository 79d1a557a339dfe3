"""The proof of the fold: whatever set of facts a shipment's life is made of, any order and repetition ends in one timeline.

Lives are drawn step by step: labels whose numbers change (a parcel relabelled, or handed to another carrier), voids, scans
of every code, scans of a parcel that is not in the shipment, retractions before and after what they take back, odd clocks.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from unit.tracker.test_shipment_aggregate import RULES, apply, empty, state
from unit.tracker.tracked_facts import LABELLED, NUMBERS, label, scan, void

from linkstar_contracts.events import LabelCreated, LabelVoided, TrackingUpdated
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Shipment

FOREIGN = "449044304137899"
CODES = ["PU", "IT", "AR", "OD", "DE", "HL", "DY", "CD", "SIM-DM", "RS", "SIM-RT", "DL", "OC", "CA", "RC", "??"]
ORDERS = 3
"""Orders each life is told in, besides the one it was lived in."""


def agree(one: Shipment, other: Shipment) -> bool:
    """True when two shipments are in one state. What was never told, for want of a tracking number, has no latest state."""
    (shown, *known), (shown_there, *known_there) = state(one), state(other)
    return known == known_there and (None in (shown, shown_there) or shown == shown_there)


class Life(RuleBasedStateMachine):
    """Facts as they happen, and again in other orders when the life is over."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: list[LabelCreated | LabelVoided | Scan] = []
        self.labels = 0

    def scans(self) -> list[Scan]:
        return [fact for fact in self.facts if isinstance(fact, Scan)]

    @precondition(lambda self: self.labels < 4)
    @rule(numbers=st.sampled_from([NUMBERS, NUMBERS[:1], NUMBERS[1:], NUMBERS[::-1], ("pending",), (FOREIGN,)]))
    def labelled(self, numbers: tuple[str, ...]) -> None:
        self.labels += 1
        self.facts.append(label(self.labels, numbers))

    @precondition(lambda self: self.labels < 4)
    @rule()
    def voided(self) -> None:
        self.labels += 1
        self.facts.append(void(self.labels))

    @rule(
        code=st.sampled_from(CODES),
        hours=st.integers(-5, 60),
        number=st.sampled_from([*NUMBERS, FOREIGN]),
        city=st.sampled_from(["", "Memphis", "Reno"]),
    )
    def scanned(self, code: str, hours: int, number: str, city: str) -> None:
        self.facts.append(scan(code, hours, number=number, city=city))

    @rule(number=st.sampled_from(NUMBERS), hours=st.integers(3, 40))
    def scanned_again_and_again_at_one_place(self, number: str, hours: int) -> None:
        self.facts += [scan("AR", hours + each, number=number, city="Memphis") for each in (0, 9, 18)]

    @rule(code=st.sampled_from(["OD", "DL"]), number=st.sampled_from(NUMBERS))
    def scanned_in_one_minute(self, code: str, number: str) -> None:
        self.facts += [scan(each, 30, number=number) for each in ("PU", code, "AR")]

    @precondition(lambda self: self.scans())
    @rule(data=st.data(), hours=st.integers(0, 60))
    def retracted(self, data: st.DataObject, hours: int) -> None:
        target = data.draw(st.sampled_from(self.scans()))
        self.facts.append(scan("RC", hours, number=target.tracking_number, retracts=target))

    @rule(code=st.sampled_from(["DL", "RS"]), number=st.sampled_from(NUMBERS))
    def retracted_before_it_is_told(self, code: str, number: str) -> None:
        early = scan(code, 40, number=number)
        self.facts += [scan("RC", 41, number=number, retracts=early), early]

    def teardown(self) -> None:
        lived = self.told(self.facts)
        for seed in range(ORDERS):
            chance = Random(seed)
            again = self.facts + [chance.choice(self.facts) for _ in range(min(len(self.facts), 6))]
            chance.shuffle(again)
            other = self.told(again)
            assert agree(other, lived)
            assert other.scans == lived.scans
        by_time = sorted(self.facts, key=lambda fact: fact.scanned_at if isinstance(fact, Scan) else LABELLED)
        assert agree(self.told(by_time), lived)
        assert agree(self.told(by_time[::-1]), lived)

    def told(self, facts: list[LabelCreated | LabelVoided | Scan]) -> Shipment:
        """A shipment after these facts; its versions are dense, and nothing is told of a parcel that is not its own."""
        shipment, version = empty(), 0
        for fact in facts:
            for event in apply(shipment, fact):
                if isinstance(event, TrackingUpdated):
                    version += 1
                    assert event.version == version
                    assert shipment.label is not None
                    assert event.tracking_number in {parcel.tracking_number for parcel in shipment.label.numbered}
        return shipment


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=16, deadline=None)
TestLife = Life.TestCase


def test_a_label_redriven_after_its_void_replaces_an_older_one() -> None:
    facts = [void(4), label(2, NUMBERS), label(3, NUMBERS[:1])]
    shipment = empty()
    for fact in facts:
        apply(shipment, fact)
    assert shipment.label is not None
    assert [parcel.tracking_number for parcel in shipment.label.parcels] == [NUMBERS[0]]
    assert shipment.voided


def test_what_was_open_under_the_old_number_is_answered_before_the_new_one_is_known() -> None:
    shipment = empty()
    for fact in (label(1), scan("DE", 6), label(2, ("pending",))):
        apply(shipment, fact)
    assert [alarm.state.value for alarm in shipment.alarms.values()] == ["resolved"]


def test_a_scan_of_another_parcel_waits_beside_the_timeline_and_counts_when_the_number_becomes_ours() -> None:
    shipment = empty()
    for fact in (label(1, NUMBERS[:1]), scan("PU", 3), scan("DL", 30, number=FOREIGN)):
        apply(shipment, fact)
    assert shipment.parcels(RULES)[1].status.value == "accepted"
    told = [event for event in apply(shipment, label(2, (FOREIGN,))) if isinstance(event, TrackingUpdated)]
    assert [(event.tracking_number, event.parcel_status.value) for event in told][-1] == (FOREIGN, "delivered")
    assert shipment.parcels(RULES)[1].delivered_at == LABELLED + timedelta(hours=30)
