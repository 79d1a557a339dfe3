"""The AsyncAPI document: valid by the project's own JSON Schema, complete, and true to the schemas and the registry."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from contracts.golden import GOLDENS, ROOT, Golden
from jsonschema import Draft7Validator

from linkstar_contracts.asyncapi import as_yaml
from linkstar_contracts.events import EVENTS
from linkstar_contracts.topics import TOPICS

SPECS = "@asyncapi/specs@6.11.1"
SPECS_SHA256 = "01af8744dc33c0c7eb2e908f6a955319ee58b70ecadc9387d1aeb16c0cd28928"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def asyncapi_schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """AsyncAPI's own schema of its 3.0.0 documents, from its npm package, checked by hash."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: the structural tests stand alone")
    folder = tmp_path_factory.mktemp("asyncapi")
    packed = subprocess.run([npm, "pack", "--silent", SPECS], cwd=folder, capture_output=True, text=True, timeout=60)
    if packed.returncode:
        pytest.skip(f"{SPECS} cannot be fetched: the structural tests stand alone")
    archive = folder / packed.stdout.split()[-1]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == SPECS_SHA256
    with tarfile.open(archive) as package:
        member = package.extractfile("package/schemas/3.0.0.json")
        assert member is not None
        schema: dict[str, Any] = json.load(member)
    return schema


def test_is_valid_asyncapi_3(document: dict[str, Any], asyncapi_schema: dict[str, Any]) -> None:
    found = [
        f"{list(fault.absolute_path)}: {fault.message[:200]}"
        for fault in Draft7Validator(asyncapi_schema).iter_errors(document)
    ]
    assert found == []


def test_the_referee_would_notice(document: dict[str, Any], asyncapi_schema: dict[str, Any]) -> None:
    damaged = json.loads(json.dumps(document))
    damaged["channels"]["labels"]["bindings"]["kafka"]["partitions"] = "many"
    assert not Draft7Validator(asyncapi_schema).is_valid(damaged)


def test_every_topic_is_a_channel_with_its_messages(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert list(document["channels"]) == [topic.name for topic in TOPICS]
    carried = {
        name: [document["components"]["messages"][message]["name"] for message in channel["messages"]]
        for name, channel in document["channels"].items()
    }
    assert carried == {topic.name: [event.TYPE for event in topic.events] for topic in TOPICS}


def test_every_party_of_the_registry_has_its_operation(document: dict[str, Any]) -> None:
    stated = {(name, one["action"], one["channel"]["$ref"]) for name, one in document["operations"].items()}
    assert stated == {
        (f"{party}-{action}s-{topic.name}", action, f"#/channels/{topic.name}")
        for topic in TOPICS
        for action, parties in (("send", topic.producers), ("receive", topic.consumers))
        for party in parties
    }


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def test_references_lead_somewhere_and_nothing_is_left_over(document: dict[str, Any]) -> None:
    named = set(references(document))
    for reference in named:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    unused = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} - named
    assert unused == set()
    assert len(document["components"]["messages"]) == len(EVENTS)


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_payload_and_header_schemas_accept_the_golden_messages(document: dict[str, Any], golden: Golden) -> None:
    (message,) = [one for one in document["components"]["messages"].values() if one["name"] == golden.event_class.TYPE]
    Draft7Validator({**document, **message["payload"]}).validate(golden.body)
    Draft7Validator(message["headers"]).validate(golden.headers)
    with_unknown = {**golden.body, "unheard_of": 1}
    assert Draft7Validator({**document, **message["payload"]}).is_valid(with_unknown) is not golden.topic.door


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, {"b": None}], "no": [], "é: x": {}, "t": "a: 'b' \n\"c\" # ✓", "n": [[True, 1.5], "12"]},
        [],
        {},
        "null",
    ],
    ids=str,
)
def test_yaml_is_read_back_as_written(value: Any) -> None:
    assert yaml.safe_load(as_yaml(value)) == value


def test_committed_file_says_who_writes_it() -> None:
    assert Path(ROOT, "docs/asyncapi.yaml").read_text("utf-8").startswith("# Generated by `make contracts`")
