"""A manifest and a pickup under lost answers, dead callers and late replies: nothing is made twice or wrongly believed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from linkstar_labeler.domain.connector import Manifest, NotSent, OutcomeUnknown, Refused
from linkstar_labeler.domain.leases import Lease
from linkstar_labeler.domain.manifests import DayManifest, Follow, MadeBy, ManifestKey, ManifestOutcome, ManifestState
from linkstar_labeler.domain.pickups import Pickup, PickupKey, PickupState
from linkstar_labeler.domain.purchase_steps import Patience

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
PATIENCE = Patience(lease_s=60, settle_s=50, give_up_s=1800)
LOST = OutcomeUnknown("timeout", "no answer")


def asked(state: ManifestState = ManifestState.CLOSING, made_by: MadeBy = MadeBy.CARRIER) -> DayManifest:
    key, lease = ManifestKey("acme", "M0000001"), Lease(NOW)
    return DayManifest(key, "US-NJ", "US", "usps", date(2026, 11, 23), made_by, state, lease)


class Closing(RuleBasedStateMachine):
    """A carrier that makes one form of the labels and names it ever after; callers that come, go, and come back late."""

    def __init__(self) -> None:
        super().__init__()
        self.manifest, self.now = asked(), NOW
        self.form, self.calls, self.count = "", [], 0
        self.answers: list[tuple[str, Manifest | Refused | NotSent | OutcomeUnknown]] = []

    @rule(waits=st.integers(1, 600))
    def rest(self, waits: int) -> None:
        self.now += timedelta(seconds=waits)

    @precondition(lambda self: self.manifest.lease.due_at)
    @rule()
    def take(self) -> None:
        assert self.manifest.lease.due_at
        self.now = max(self.now, self.manifest.lease.due_at)
        self.count += 1
        if self.manifest.take(self.now, f"t{self.count}", PATIENCE):
            self.calls.append(f"t{self.count}")

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), answered=st.booleans())
    def arrive(self, data: st.DataObject, answered: bool) -> None:
        token = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        self.form = self.form or f"EFN-{token}"
        self.answers.append((token, Manifest(self.form, None) if answered else LOST))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), kind=st.sampled_from(["lost", "not_sent", "refused"]))
    def fail(self, data: st.DataObject, kind: str) -> None:
        token = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        ends = {"lost": LOST, "not_sent": NotSent("429", "", 7.0), "refused": Refused("no", "")}
        self.answers.append((token, ends[kind]))

    @precondition(lambda self: self.answers)
    @rule(data=st.data(), waits=st.integers(0, 2000))
    def settle(self, data: st.DataObject, waits: int) -> None:
        token, outcome = self.answers.pop(data.draw(st.integers(0, len(self.answers) - 1)))
        self.now += timedelta(seconds=waits)
        held = self.manifest.state
        follow = self.manifest.finish(token, outcome, self.now, PATIENCE)
        assert not follow.release or held is ManifestState.CLOSING
        assert follow.hold == (held is not ManifestState.CLOSED and self.manifest.state is ManifestState.CLOSED)

    @invariant()
    def a_closed_manifest_is_the_carriers(self) -> None:
        if self.manifest.state is ManifestState.CLOSED:
            assert self.manifest.carrier_number == self.form

    @invariant()
    def labels_are_given_back_only_when_the_carrier_made_nothing_of_them(self) -> None:
        if self.manifest.state is ManifestState.REFUSED:
            assert not self.form

    @invariant()
    def what_is_open_is_looked_at_again(self) -> None:
        still = self.manifest.state in (ManifestState.CLOSING, ManifestState.UNKNOWN)
        assert still == (self.manifest.lease.due_at is not None)


TestClosing = Closing.TestCase
TestClosing.settings = settings(max_examples=200, stateful_step_count=20, deadline=None)


def test_a_carrier_that_cannot_be_reached_gives_the_labels_back_after_a_while() -> None:
    manifest, now, waited = asked(), NOW, 0
    while manifest.state is ManifestState.CLOSING:
        now = max(now, manifest.lease.due_at or now)
        assert manifest.take(now, "t", PATIENCE)
        manifest.finish("t", NotSent("no_connection", ""), now, PATIENCE)
        waited += 1
    assert (manifest.state, manifest.code) == (ManifestState.REFUSED, "carrier_unavailable")
    assert now - NOW > timedelta(seconds=PATIENCE.give_up_s)
    assert waited < 20


@pytest.mark.parametrize("later", [Refused("nothing_to_manifest", ""), NotSent("credentials_rejected", ""), LOST])
def test_after_a_lost_answer_no_word_but_a_manifest_ends_the_doubt(later: ManifestOutcome) -> None:
    manifest, now = asked(), NOW
    manifest.take(now, "t0", PATIENCE)
    assert manifest.finish("t0", LOST, now, PATIENCE) == Follow()
    for number in range(1, 9):
        assert manifest.lease.due_at
        assert manifest.lease.due_at - now <= timedelta(seconds=PATIENCE.backoff_max_s)
        now = manifest.lease.due_at + timedelta(hours=1)
        assert manifest.take(now, f"t{number}", PATIENCE)
        assert manifest.finish(f"t{number}", later, now, PATIENCE) == Follow()
        assert (manifest.state, manifest.code) == (ManifestState.UNKNOWN, later.code)
    manifest.take(now, "t9", PATIENCE)
    assert manifest.finish("t9", Manifest("EFN1", None), now, PATIENCE).hold
    assert (manifest.state, manifest.carrier_number) == (ManifestState.CLOSED, "EFN1")


def test_a_caller_that_does_not_come_back_leaves_a_doubt_that_settles_first() -> None:
    manifest = asked()
    assert manifest.take(NOW, "dead", PATIENCE)
    over = NOW + timedelta(seconds=PATIENCE.lease_s)
    assert not manifest.take(over, "next", PATIENCE)
    assert (manifest.state, manifest.lease.due_at) == (
        ManifestState.UNKNOWN, over + timedelta(seconds=PATIENCE.settle_s),
    )  # fmt: skip


def test_whoever_lost_the_lease_decides_nothing_but_a_manifest() -> None:
    manifest = asked()
    manifest.take(NOW, "dead", PATIENCE)
    manifest.take(NOW + timedelta(seconds=61), "unused", PATIENCE)
    manifest.take(NOW + timedelta(seconds=200), "alive", PATIENCE)
    due_at = manifest.lease.due_at
    for outcome in (Refused("no", ""), NotSent("429", ""), LOST):
        assert manifest.finish("dead", outcome, NOW, PATIENCE) == Follow()
        assert (manifest.lease.token, manifest.lease.due_at) == ("alive", due_at)
    assert manifest.finish("dead", Manifest("EFN1", None), NOW, PATIENCE).hold
    assert manifest.finish("alive", Refused("no", ""), NOW, PATIENCE) == Follow()
    assert manifest.state is ManifestState.CLOSED


def test_what_stays_unknown_ends_with_what_the_carrier_told_somebody() -> None:
    for number, state in (("EFN1", ManifestState.CLOSED), (None, ManifestState.REFUSED)):
        manifest = asked()
        assert manifest.answer(number) is None
        manifest.take(NOW, "t", PATIENCE)
        manifest.finish("t", LOST, NOW, PATIENCE)
        follow = manifest.answer(number)
        assert follow is not None
        assert (manifest.state, follow.release, follow.hold) == (state, number is None, number is not None)


def test_only_own_closed_manifests_are_reopened_and_only_before_the_driver_came() -> None:
    ours, carriers = (asked(ManifestState.CLOSED, by) for by in (MadeBy.LINKSTAR, MadeBy.CARRIER))
    assert (carriers.reopen(0), ours.reopen(1)) == ("manifest_final", "manifest_handed_over")
    assert [ours.reopen(0), ours.reopen(0), ours.state] == ["", "", ManifestState.REOPENED]
    assert asked(ManifestState.UNKNOWN).reopen(0) == "manifest_not_closed"


def pickup() -> Pickup:
    key, lease = PickupKey("acme", "P0000001"), Lease(NOW)
    return Pickup(key, "US-NJ", "US", "usps", date(2026, 11, 24), NOW, NOW, 3, 900, lease)


def test_a_booking_without_an_answer_is_never_repeated() -> None:
    for outcome in (LOST, None):
        booking = pickup()
        assert booking.take(NOW, "t1", PATIENCE)
        if outcome:
            booking.finish("t1", outcome, NOW, PATIENCE)
        else:
            assert not booking.take(NOW + timedelta(seconds=61), "t2", PATIENCE)
        assert (booking.state, booking.lease.due_at) == (PickupState.UNKNOWN, None)
        assert booking.cancel(told_carrier=False) == "cancel_with_carrier"
        booking.finish("t1", "WTC-late", NOW, PATIENCE)
        assert (booking.state, booking.confirmation) == (PickupState.BOOKED, "WTC-late")


def test_a_booking_that_was_not_sent_is_tried_again_and_one_refused_is_over() -> None:
    booking = pickup()
    booking.take(NOW, "t1", PATIENCE)
    booking.finish("t1", NotSent("429", "", 30.0), NOW, PATIENCE)
    assert (booking.state, booking.lease.due_at) == (PickupState.REQUESTED, NOW + timedelta(seconds=30))
    booking.take(NOW, "t2", PATIENCE)
    booking.finish("t1", Refused("zombie", ""), NOW, PATIENCE)
    assert booking.state is PickupState.REQUESTED
    booking.finish("t2", Refused("closed", "no collection"), NOW, PATIENCE)
    assert (booking.state, booking.code, booking.cancel(told_carrier=True)) == (
        PickupState.REFUSED, "closed", "pickup_refused",
    )  # fmt: skip
    assert not booking.answer("WTC1")


def test_a_confirmation_after_a_cancel_is_told() -> None:
    booking = pickup()
    booking.take(NOW, "t1", PATIENCE)
    assert booking.cancel(told_carrier=True) == "pickup_under_way"
    booking.take(NOW + timedelta(seconds=61), "t2", PATIENCE)
    assert booking.cancel(told_carrier=True) == ""
    booking.finish("t1", "WTC-late", NOW, PATIENCE)
    assert (booking.state, booking.confirmation, booking.code) == (PickupState.CANCELLED, "WTC-late", "confirmed_late")


def test_a_pickup_nobody_was_asked_for_is_cancelled_at_once() -> None:
    booking = pickup()
    assert [booking.cancel(told_carrier=False), booking.cancel(told_carrier=False)] == ["", ""]
    assert booking.lease.due_at is None
