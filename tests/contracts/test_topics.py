"""The topic registry is complete and keeps the rules that other parts rely on."""

from __future__ import annotations

import re

import pytest
from contracts.golden import GOLDENS

from linkstar_contracts import topics
from linkstar_contracts.event import MAX_EVENT_BYTES
from linkstar_contracts.events import EVENTS
from linkstar_contracts.record import MAX_DOOR_BYTES
from linkstar_contracts.topics import MAX_MESSAGE_BYTES, PARTITIONS, RETENTION_DAYS, TOPICS, Topic, topics_of

DAY_MS = 24 * 3600 * 1000
PARTIES = {"upstream", "ingest", "router", "labeler", "tracker", "returns"}
each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


def test_every_topic_of_the_module_is_registered_once() -> None:
    defined = [value for value in vars(topics).values() if isinstance(value, Topic)]
    assert sorted(topic.name for topic in defined) == sorted({topic.name for topic in TOPICS})
    assert len(defined) == len(TOPICS)


def test_every_event_travels_on_exactly_one_topic() -> None:
    assert {event.TYPE: len(topics_of(event)) for event in EVENTS.values()} == dict.fromkeys(EVENTS, 1)
    assert {event for topic in TOPICS for event in topic.events} == set(EVENTS.values())


def test_event_types_are_well_formed() -> None:
    assert all(re.fullmatch(r"linkstar\.[a-z]+\.[a-z-]+\.v[1-9][0-9]*", name) for name in EVENTS)
    assert len({event.__name__ for event in EVENTS.values()}) == len(EVENTS)


@each_topic
def test_name_collides_with_no_metric_name_and_no_dead_letter_topic(topic: Topic) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", topic.name)
    assert not topic.name.endswith("-dlq")
    assert topic.dlq == f"{topic.name}-dlq"


@each_topic
def test_partitions_are_equal_everywhere(topic: Topic) -> None:
    assert topic.partitions == PARTITIONS


@each_topic
def test_retention_is_one_of_the_allowed(topic: Topic) -> None:
    assert topic.retention_ms // DAY_MS in RETENTION_DAYS
    assert topic.retention_ms % DAY_MS == 0
    settings = topic.config()
    assert ("retention.ms" in settings) is not topic.compacted
    assert settings.get("cleanup.policy") == ("compact" if topic.compacted else None)


@each_topic
def test_dead_letters_outlive_a_week_and_fit(topic: Topic) -> None:
    kept_ms = int(topic.dlq_config()["retention.ms"])
    assert kept_ms >= (3 if topic.personal_data else 7) * DAY_MS
    assert topic.dlq_config()["max.message.bytes"] == topic.config()["max.message.bytes"]
    assert "cleanup.policy" not in topic.dlq_config()


def test_only_the_orders_door_holds_clear_personal_data_and_briefly() -> None:
    clear = [topic for topic in TOPICS if topic.personal_data]
    assert [topic.name for topic in clear] == ["orders-inbound"]
    assert all(int(config["retention.ms"]) == 3 * DAY_MS for config in (clear[0].config(), clear[0].dlq_config()))


def test_consignee_in_clear_stands_on_that_topic_only() -> None:
    elsewhere = [golden for golden in GOLDENS if not golden.topic.personal_data and "consignee" in golden.body]
    assert elsewhere
    assert all(golden.body["consignee"].keys() == {"key_id", "token"} for golden in elsewhere)


@each_topic
def test_parties_are_known_and_doors_are_where_foreigners_write(topic: Topic) -> None:
    assert set(topic.producers) <= PARTIES
    assert topic.producers
    assert set(topic.consumers) <= PARTIES - {"upstream"}
    assert topic.door is ("upstream" in topic.producers)


@each_topic
def test_keys_follow_the_declared_form(topic: Topic) -> None:
    found = [(golden.key, golden.body) for golden in GOLDENS if golden.topic is topic]
    assert found
    for key, body in found:
        wanted = topic.key
        for name in ("tenant", "order_id", "shipment_id"):
            wanted = wanted.replace(f"<{name}>", str(body.get(name)))
        assert key == wanted


def test_sizes_leave_room_for_what_is_added_on_the_way() -> None:
    assert MAX_DOOR_BYTES * 2 < MAX_EVENT_BYTES < MAX_MESSAGE_BYTES // 2
