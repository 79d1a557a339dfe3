"""A place that stops scanning, on real PostgreSQL: one incident, silent parcels held back, and told if they stay silent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from integration.tracker.tracking_counter import Counter, opened_counter
from unit.tracker.test_lane_silences import LANE, TRUST, counts
from unit.tracker.tracked_facts import LABELLED, label, scan

from linkstar_contracts.event import Event
from linkstar_contracts.events import ExceptionRaised, IncidentRaised
from linkstar_performance.outages import Suspicion
from linkstar_performance.thresholds import Patience
from linkstar_runtime.handling import Received
from linkstar_tracker import store
from linkstar_tracker.domain.foresight import Foresight
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.silences import expect
from linkstar_tracker.jobs.outages import looking

pytestmark = pytest.mark.integration

PER_HOUR, STOPS, RESUMES, LOST = 4, 48, 92, 187


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened_counter(database_url, tmp_path) as opened:
        yield opened


def number(parcel: int) -> str:
    return f"4490443041{parcel:05d}"


def at(parcel: int) -> float:
    """When a parcel reaches Memphis, where it stays for twelve hours; six hours after that it is delivered."""
    return parcel // PER_HOUR


class World:
    """Parcels that come to Memphis hour by hour, and leave it unless nothing is scanned there."""

    def __init__(self, counter: Counter) -> None:
        self.desk = counter.desk
        foresight = Foresight(expect([*counts(), *counts(lane=f"accepted|{LANE}")], Patience(30, least=0.2), TRUST))
        self.desk.tracking._rules.foresight.renew(foresight)
        self.look = looking(foresight, Suspicion())
        self.done: set[tuple[str, int]] = set()
        self.events: list[Event] = []

    async def begin(self, parcels: int) -> None:
        await self.desk.labels(*(label(1, [number(n)], order=f"s-{n}") for n in range(parcels)))

    async def hour(self, hour: int, parcels: int) -> None:
        self.desk.clock.advance(LABELLED + timedelta(hours=hour) - self.desk.clock.now())
        out = STOPS <= hour < RESUMES
        for code, city, later in (("AR", "Memphis", 0), ("IT", "Reno", 12), ("DL", "Reno", 18)):
            due = [n for n in range(parcels) if at(n) + later <= hour and (code, n) not in self.done]
            if out:
                due = [n for n in due if code == "DL" and ("IT", n) in self.done]
            if code != "AR":
                due = [n for n in due if n != LOST and ("AR", n) in self.done]
            self.done |= {(code, n) for n in due}
            await self.scans([(f"s-{n}", scan(code, hour, number=number(n), city=city)) for n in due])
        async with self.desk.database.transaction() as tx:
            self.events += [event for event in await self.look(range(12), tx) if isinstance(event, Event)]
        self.events += [event for event in await self.desk.timer(hour) if isinstance(event, Event)]

    async def scans(self, told: Sequence[tuple[str, Scan]]) -> None:
        events = [scan.event("demo", order, order) for order, scan in told]
        if events:
            async with self.desk.database.transaction() as tx:
                async for _ in self.desk.tracking.on_carrier_scans([Received(e, e.key, 3) for e in events], tx):
                    pass


def silent(events: Sequence[Event]) -> list[ExceptionRaised]:
    return [e for e in events if isinstance(e, ExceptionRaised) and e.code.value == "track.silent"]


async def test_one_incident_stands_for_all_parcels_at_a_place(counter: Counter) -> None:
    world, parcels = World(counter), PER_HOUR * STOPS
    await world.begin(parcels)
    for hour in range(RESUMES):
        await world.hour(hour, parcels)
    [incident] = [event for event in world.events if isinstance(event, IncidentRaised)]
    assert (incident.place, incident.state.value, incident.key) == (
        "Memphis, US", "open", f"demo/{incident.order_id}"
    )  # fmt: skip
    assert LABELLED + timedelta(hours=STOPS + 12) <= incident.occurred_at <= LABELLED + timedelta(hours=STOPS + 24)
    assert incident.seen_scans < incident.expected_scans / 2
    early = silent(world.events)
    assert all(event.occurred_at <= incident.occurred_at for event in early), "their limit of 24 hours has long passed"
    assert len(early) <= 3 * PER_HOUR, "of 48 parcels there"
    [shown] = (await counter.client.get("/v1/incidents", params={"lang": "zh"})).json()["incidents"]
    assert (shown["exception_id"], shown["told"]) == (incident.exception_id, "站点或线路无扫描")
    assert "Memphis, US" in await counter.linkstar("tracking", "incidents")
    for hour in range(RESUMES, RESUMES + 60):
        await world.hour(hour, parcels)
    assert [e.state.value for e in world.events if isinstance(e, IncidentRaised)] == ["open", "resolved"]
    [told] = [event for event in silent(world.events)[len(early) :] if event.state.value == "open"]
    assert (told.shipment_id, told.evidence) == (f"s-{LOST}", (incident.exception_id,))
    assert (await counter.client.get("/v1/incidents")).json()["incidents"] == []
    counted = (await counter.client.get("/v1/watch/policy")).json()["counted"]
    assert (counted["since"], counted["parcels"], counted["alerts"]) == ("2026-05-11", parcels, len(early) + 1)
    assert counted["alerts_per_1000"] == round((len(early) + 1) * 1000 / parcels, 1)
    async with world.desk.database.transaction() as tx:
        assert await store.lane_courses(tx, [99]) == {}
