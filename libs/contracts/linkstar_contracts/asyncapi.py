"""The AsyncAPI 3.0 document of LinkStar's topics, made from the topic registry and the event classes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from linkstar_contracts.event import Event
from linkstar_contracts.events import EVENTS
from linkstar_contracts.schemas import JsonSchema, event_name, is_door, schema_of
from linkstar_contracts.topics import TOPICS, Topic

__all__ = ["as_yaml", "asyncapi_document"]

_HEADERS: dict[str, dict[str, Any]] = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": {"description": "Deterministic: the same fact has the same id."},
    "ce_source": {"description": "The service that wrote the record, such as `/linkstar/router`."},
    "ce_subject": {"description": "Identity of the aggregate whose `version` is counted."},
    "ce_time": {"format": "date-time", "description": "Business time, equal to `occurred_at`."},
    "ce_version": {"pattern": "^[1-9][0-9]*$", "description": "Equal to `version`."},
    "ce_tenant": {"description": "Equal to `tenant`."},
    "ce_milestone": {
        "enum": ["labelled", "accepted", "delivered", "cancelled"],
        "description": "How far the shipment has come: lets a reader skip `tracking-updated` records by their headers.",
    },
    "content-type": {"const": "application/json"},
    "traceparent": {"description": "W3C Trace Context, when the event belongs to a trace."},
}
_OPTIONAL_HEADERS = {"traceparent", "ce_milestone"}
_PLAIN_KEY = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z][A-Za-z0-9_.-]*", re.IGNORECASE)


def asyncapi_document(version: str) -> dict[str, Any]:
    """Return the document; `version` is that of the contracts."""
    messages = {event_name(event): _message(event) for event in EVENTS.values()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "LinkStar events",
            "version": version,
            "description": (
                "Every topic of LinkStar. Records are CloudEvents 1.0 in Kafka's binary mode: the body is JSON, everything "
                "else a header. Generated from the topic registry by `make contracts`."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operations()),
        "components": {"messages": messages, "schemas": _schemas()},
    }


def as_yaml(value: Any, indent: str = "") -> str:
    """Return `value` as block-style YAML; every text is quoted as in JSON, which YAML reads alike."""
    if isinstance(value, dict) and value:
        return "".join(f"{indent}{_yaml_key(name)}:{_nested(part, indent)}" for name, part in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{indent}-{_nested(part, indent)}" for part in value)
    return f"{indent}{json.dumps(value, ensure_ascii=False)}\n"


def _yaml_key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _nested(value: Any, indent: str) -> str:
    if isinstance(value, dict | list) and value:
        return "\n" + as_yaml(value, indent + "  ")
    return " " + as_yaml(value)


def _channel(topic: Topic) -> dict[str, Any]:
    settings = topic.config()
    configuration = {
        "cleanup.policy": [settings.get("cleanup.policy", "delete")],
        "max.message.bytes": int(settings["max.message.bytes"]),
        **({} if topic.compacted else {"retention.ms": topic.retention_ms}),
    }
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {
            event_name(event): {"$ref": f"#/components/messages/{event_name(event)}"} for event in topic.events
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": "0.5.0",
            }
        },
        "x-record-key": topic.key,
        "x-dead-letter-topic": topic.dlq,
        "x-clear-personal-data": topic.personal_data,
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for topic in TOPICS:
        for action, services in (("send", topic.producers), ("receive", topic.consumers)):
            for service in services:
                summary = f"{service} {'writes' if action == 'send' else 'reads'} {topic.name}."
                channel = {"$ref": f"#/channels/{topic.name}"}
                yield f"{service}-{action}s-{topic.name}", {"action": action, "channel": channel, "summary": summary}


def _message(event: type[Event]) -> dict[str, Any]:
    headers: dict[str, Any] = {name: {"type": "string", **rest} for name, rest in _HEADERS.items()}
    headers["ce_type"] = {"type": "string", "const": event.TYPE}
    if event.milestone is Event.milestone:
        del headers["ce_milestone"]
    required = sorted(headers.keys() - _OPTIONAL_HEADERS)
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": _first_sentence(event),
        "contentType": "application/json",
        "headers": {"type": "object", "required": required, "properties": dict(sorted(headers.items()))},
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string", "maxLength": 103}, "bindingVersion": "0.5.0"}},
    }


def _first_sentence(event: type[Event]) -> str:
    return (event.__doc__ or event.__name__).split(". ")[0].split(".\n")[0].rstrip(".") + "."


def _schemas() -> dict[str, JsonSchema]:
    """Return all payload schemas, values shared; a value that doors read more strictly has a second schema `Door…`."""
    shared: dict[str, JsonSchema] = {}
    for event in EVENTS.values():
        schema = schema_of(event)
        prefix = "Door" if is_door(event) else ""
        for name, definition in schema.pop("$defs", {}).items():
            shared[prefix + name] = _pointed(definition, prefix)
        body = {name: part for name, part in schema.items() if name not in {"$schema", "$id"}}
        shared[event.__name__] = _pointed(body, prefix)
    return dict(sorted(shared.items()))


def _pointed(node: Any, prefix: str) -> Any:
    """Point references from the schema's own definitions to the document's components."""
    if isinstance(node, list):
        return [_pointed(part, prefix) for part in node]
    if not isinstance(node, dict):
        return node
    return {
        name: part.replace("#/$defs/", f"#/components/schemas/{prefix}") if name == "$ref" else _pointed(part, prefix)
        for name, part in node.items()
    }
