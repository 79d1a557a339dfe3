"""`linkstar order` and `linkstar topics` on a real broker."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from linkstar_cli.history import read_history
from linkstar_cli.main import app
from linkstar_contracts.events import OrderReceived
from linkstar_contracts.topics import LABELS, ORDERS_RECEIVED
from linkstar_runtime.shards import shard_of
from linkstar_sandbox.provision import provision_topics

pytestmark = pytest.mark.integration
EXAMPLES = Path(__file__).parents[3] / "libs" / "contracts" / "examples"


def golden_order() -> OrderReceived:
    message = json.loads((EXAMPLES / "order-received" / "v1" / "minimal.json").read_text("utf-8"))
    return OrderReceived.model_validate_json(json.dumps(message["body"]))


async def test_history_holds_every_record_of_the_order_and_no_other(kafka_bootstrap: str) -> None:
    await provision_topics(kafka_bootstrap)
    event = golden_order().model_copy(update={"order_id": f"history-{uuid.uuid4().hex[:8]}"})  # others share the broker
    shard = shard_of(event.key, ORDERS_RECEIVED.partitions)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        for topic, key in ((ORDERS_RECEIVED.name, event.key), (ORDERS_RECEIVED.name, event.key + "9")):
            await producer.send_and_wait(
                topic, event.body(), key=key.encode(), partition=shard, headers=event.headers("/test")
            )
        await producer.send_and_wait(LABELS.dlq, b"\xff", key=event.key.encode(), partition=shard)
    facts = await read_history(kafka_bootstrap, event.key)
    assert [(fact.topic, fact.version) for fact in facts] == [(ORDERS_RECEIVED.name, event.version), (LABELS.dlq, 0)]
    assert facts[0].at is not None
    assert facts[1].summary.startswith("unreadable")


def test_commands_answer_without_a_terminal(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LINKSTAR_KAFKA__BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("LINKSTAR_HOME", str(tmp_path))
    shown = CliRunner().invoke(app, ["topics"])
    assert shown.exit_code == 0, shown.output
    assert ORDERS_RECEIVED.name in shown.output
    unknown = CliRunner().invoke(app, ["order", "nobody"])
    assert unknown.exit_code == 1
    assert "unknown-order" in unknown.output
    assert "not-running" in CliRunner().invoke(app, ["dlq", "list"]).output
