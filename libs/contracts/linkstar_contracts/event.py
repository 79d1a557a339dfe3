"""The event envelope: CloudEvents 1.0 in Kafka's binary mode. Body = the event's JSON; everything else is a header.

Headers: `ce_specversion ce_id ce_type ce_source ce_subject ce_time ce_version ce_tenant content-type`, and `traceparent`
when the event belongs to a trace, and `ce_milestone` where the event has one. The record key is
`<tenant>/<root order id>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.text import OrderId, TenantId
from linkstar_contracts.values import Instant

__all__ = ["MAX_EVENT_BYTES", "Event", "Head", "Headers", "RawHeaders", "Version", "event_id", "read_headers"]

MAX_EVENT_BYTES = 256 * 1024
"""Largest encoded body of any event."""

Headers = list[tuple[str, bytes]]
RawHeaders = Iterable[tuple[str, bytes | None]] | Mapping[str, bytes | None]
"""Headers as any Kafka client hands them over; a header's value may be null."""
_MAX_VERSION = 1_000_000_000
_MAX_HEAD = 2048
_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
Version = Annotated[int, Field(ge=1, le=_MAX_VERSION)]


def event_id(tenant: str, aggregate_id: str, event_type: str, version: int) -> str:
    """Return the deterministic id of a business fact: the same fact has the same id, whoever computes it and when."""
    digest = blake2b(f"{tenant}|{aggregate_id}|{event_type}|{version}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


@lru_cache(maxsize=1024)
def _timed(utc: datetime) -> tuple[str, bytes]:
    """Return the header of a time in UTC. Most events of a batch share theirs."""
    return "ce_time", utc.isoformat().replace("+00:00", "Z").encode()


@lru_cache(maxsize=1024)
def _of_tenant(tenant: str) -> tuple[str, bytes]:
    """Return the header of a tenant."""
    return "ce_tenant", tenant.encode()


@lru_cache(maxsize=1024)
def _named(kind: str, source: str) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Return the headers that all events of one type and source have in common."""
    return ("ce_type", kind.encode()), ("ce_source", source.encode())


class Event(BaseModel):
    """Base of all events. Immutable; strictly typed when built; unknown fields are ignored when read.

    Subclasses set `TYPE` (`linkstar.<noun>.<participle>.v<N>`) and say which aggregate `version` counts.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )
    TYPE: ClassVar[str]

    tenant: TenantId
    order_id: OrderId
    """Root order: decides the record key and thereby the shard."""
    version: Version
    """Dense per aggregate: 1, 2, 3, …"""
    occurred_at: Instant
    """Business time of the fact, from the service's clock."""

    @property
    def aggregate_id(self) -> str:
        """Identity of the aggregate within its tenant; CloudEvents `subject`."""
        return self.order_id

    @property
    def series(self) -> tuple[str, str, str]:
        """What a reader keeps the highest `version` of: within a topic, anything not above it is a duplicate."""
        return self.TYPE, self.tenant, self.aggregate_id

    @property
    def ce_id(self) -> str:
        """CloudEvents `id`: deterministic."""
        return event_id(self.tenant, self.aggregate_id, self.TYPE, self.version)

    @property
    def key(self) -> str:
        """Kafka record key."""
        return f"{self.tenant}/{self.order_id}"

    @property
    def milestone(self) -> str:
        """How far its aggregate has come, in a word; it stands in the head, so that readers may skip without the body.

        Empty for events that have none.
        """
        return ""

    def headers(self, source: str, traceparent: str | None = None) -> Headers:
        """Return the CloudEvents headers, the trace last. `source` is a URI reference, such as `/linkstar/router`."""
        kind, origin = _named(self.TYPE, source)
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.ce_id.encode()),
            kind,
            origin,
            ("ce_subject", self.aggregate_id.encode()),
            _timed(self.occurred_at.astimezone(UTC)),
            ("ce_version", b"%d" % self.version),
            _of_tenant(self.tenant),
            ("content-type", b"application/json"),
        ]
        if milestone := self.milestone:
            headers.append(("ce_milestone", milestone.encode()))
        if traceparent:
            headers.append(("traceparent", traceparent.encode()))
        return headers

    def body(self) -> bytes:
        """Return the JSON body, UTF-8, without insignificant white space."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)


class Head(NamedTuple):
    """What can be known of a record without reading its body."""

    type: str
    id: str
    version: int
    tenant: str
    subject: str
    """Identity of the aggregate; empty when a foreign publisher left it out."""
    time: datetime | None
    traceparent: str | None
    milestone: str
    """Empty when the event has none, or its writer is older than this header."""


def _w3c(traceparent: str) -> str | None:
    """Return a `traceparent` of the form W3C gives it; any other belongs to no trace."""
    return traceparent if _TRACEPARENT.fullmatch(traceparent) else None


def read_headers(headers: RawHeaders) -> Head | None:
    """Read the CloudEvents headers of a record; None when it does not claim to be a CloudEvents 1.0 event of LinkStar.

    What is returned is short printable ASCII, so that it can be stored and logged before the body was looked at.
    """
    found = dict(headers)
    kind, identity, tenant = found.get("ce_type"), found.get("ce_id"), found.get("ce_tenant")
    if found.get("ce_specversion") != b"1.0" or not (kind and identity and tenant):
        return None
    version, time, trace = found.get("ce_version"), found.get("ce_time"), found.get("traceparent")
    try:
        head = Head(
            kind.decode("ascii"),
            identity.decode("ascii"),
            int(version) if version else 1,
            tenant.decode("ascii"),
            (found.get("ce_subject") or b"").decode("ascii"),
            datetime.fromisoformat(time.decode("ascii")) if time else None,
            _w3c(trace.decode("ascii")) if trace else None,
            (found.get("ce_milestone") or b"").decode("ascii"),
        )
    except ValueError:
        return None
    texts = f"{head.type}{head.id}{head.tenant}{head.subject}{head.traceparent}{head.milestone}"
    return head if texts.isprintable() and len(texts) <= _MAX_HEAD and 1 <= head.version <= _MAX_VERSION else None
