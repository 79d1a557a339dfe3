"""Topics as Kubernetes manifests of the Strimzi operator: what the registry says, on three replicas of which two must
have a record before it counts as written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from linkstar_contracts.asyncapi import as_yaml
from linkstar_contracts.topics import TOPICS

__all__ = ["CLUSTER", "MIN_INSYNC_REPLICAS", "REPLICAS", "topic_manifests"]

CLUSTER = "linkstar"
"""Name of the `Kafka` resource whose topic operator creates the topics."""
REPLICAS = 3
MIN_INSYNC_REPLICAS = 2


def topic_manifests() -> str:
    """Return one YAML document per topic and per dead-letter topic."""
    return "".join(f"---\n{as_yaml(manifest)}" for manifest in _manifests())


def _manifests() -> Iterator[dict[str, Any]]:
    for topic in TOPICS:
        for name, config in ((topic.name, topic.config()), (topic.dlq, topic.dlq_config())):
            yield _manifest(name, topic.partitions, config)


def _manifest(name: str, partitions: int, config: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": {"name": name, "labels": {"strimzi.io/cluster": CLUSTER}},
        "spec": {
            "partitions": partitions,
            "replicas": REPLICAS,
            "config": {**config, "min.insync.replicas": str(MIN_INSYNC_REPLICAS)},
        },
    }
