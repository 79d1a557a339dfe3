"""A service whose clock runs five virtual days ahead: the broker takes its events, because records bear the wall's time, and
business time travels in `ce_time`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import InvalidTimestampError
from integration.tracker.service_process import ServiceProcess, running_service
from unit.tracker.tracked_facts import label

from linkstar_contracts import topics
from linkstar_contracts.event import read_headers
from linkstar_sandbox.provision import provision_topics
from linkstar_sandbox.topic_log import all_partitions, read_to_end

pytestmark = pytest.mark.integration

AHEAD = timedelta(days=5)
NUMBER = "449044304139905"
EMITTED = (topics.CARRIER_SCANS, topics.TRACKING_UPDATED, topics.SHIPMENTS_CURRENT)


async def records_of(tracker: ServiceProcess) -> list[ConsumerRecord]:
    places = await all_partitions(tracker.bootstrap, tracker.prefix)
    return [record async for record in read_to_end(tracker.bootstrap, places)]


@pytest.fixture(scope="module")
def began() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def tracker(kafka_bootstrap: str, database_url: str, began: datetime) -> Iterator[ServiceProcess]:
    clock = {"LINKSTAR_CLOCK__ORIGIN": (began + AHEAD).isoformat(), "LINKSTAR_CLOCK__WALL0": began.isoformat()}
    with running_service("tracker", kafka_bootstrap, database_url, **clock) as process:
        yield process


async def test_events_of_five_days_ahead_leave_at_wall_time_and_are_consumed(
    tracker: ServiceProcess, began: datetime
) -> None:
    await tracker.publish((topics.LABELS, label(order="s-5", numbers=[NUMBER])))
    assert len(await tracker.events(topics.TRACKING_UPDATED, 1, "s-5")) == 1
    scan = {"carrier": "fedex", "tracking_number": NUMBER, "code": "PU", "scanned_at": (began + AHEAD).isoformat()}
    async with await tracker.client("*", "scans:write") as carrier:
        answer = await carrier.post("/v1/scans", json={"scans": [scan]})
    assert answer.json() == {"accepted": 1, "unmatched": 0, "rejected": []}
    told = await tracker.events(topics.TRACKING_UPDATED, 2, "s-5")
    assert [event.status.value for event in told] == ["pending", "accepted"], "its own event was consumed"
    written = {tracker.prefix + topic.name for topic in EMITTED}
    emitted = [record for record in await records_of(tracker) if record.topic in written]
    ended = datetime.now(UTC)
    assert {record.topic for record in emitted} == written
    for record in emitted:
        head = read_headers(record.headers)
        assert head is not None
        assert began + AHEAD <= head.time <= ended + AHEAD, head.type
        assert _milliseconds(began) <= record.timestamp <= _milliseconds(ended), head.type


async def test_the_broker_would_refuse_a_record_that_bears_business_time(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    await provision_topics(kafka_bootstrap, (topics.LABELS,), prefix=topic_prefix)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        ahead = _milliseconds(datetime.now(UTC) + AHEAD)
        with pytest.raises(InvalidTimestampError):
            await producer.send_and_wait(topic_prefix + topics.LABELS.name, b"{}", partition=0, timestamp_ms=ahead)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
