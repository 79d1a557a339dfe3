"""`linkstar order ORDER`: all that ever happened to an order, read from every topic of the registry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from aiokafka import ConsumerRecord

from linkstar_cli.access import Access
from linkstar_cli.screen import CommandError, coded_errors, out
from linkstar_contracts.event import Event, read_headers
from linkstar_contracts.record import RecordError, parse_record
from linkstar_contracts.topics import PARTITIONS, TOPICS
from linkstar_runtime.shards import shard_of
from linkstar_sandbox.listing import Listing
from linkstar_sandbox.topic_log import all_partitions, read_to_end

READ_TIMEOUT_S = 60
TELLING = (
    "kind", "carrier", "service", "tracking_number", "code", "status", "sub_status", "state", "severity", "reason",
    "attempt", "guarantee", "what_happened", "detail", "text",
)  # fmt: skip
"""Fields worth a word in a one-line summary; none of them holds personal data."""


@dataclass(frozen=True)
class Fact:
    """One record about the order."""

    topic: str
    offset: int
    at: datetime | None
    type: str
    version: int
    summary: str


def order(
    order_id: Annotated[str, typer.Argument(help="the order id, e.g. shopify-1001")],
    tenant: Annotated[str | None, typer.Option(help="whose order; default: demo or LINKSTAR_TENANT")] = None,
) -> None:
    """Show the full event history of one order, from all topics."""
    with coded_errors():
        access = Access.find()
        key = f"{tenant or access.tenant}/{order_id}"
        facts = asyncio.run(read_history(access.bootstrap, key))
        if not facts:
            raise CommandError("unknown-order", f"No topic has a record with the key {key}.", "Check id and tenant.")
        out.print(_table(key, facts))


async def read_history(bootstrap: str, key: str) -> list[Fact]:
    """Every fact with this key, oldest first; where times are equal, in the order of an order's life."""
    rank = {name: position for position, topic in enumerate(TOPICS) for name in (topic.name, topic.dlq)}
    shard = shard_of(key, PARTITIONS)
    async with asyncio.timeout(READ_TIMEOUT_S):
        places = [each for each in await all_partitions(bootstrap) if each.partition == shard and each.topic in rank]
        facts = [_fact(record) async for record in read_to_end(bootstrap, places) if _is_about(record.key, key)]
    return sorted(facts, key=lambda fact: (fact.at is None, fact.at, rank[fact.topic], fact.offset))


def _is_about(record_key: bytes | None, key: str) -> bool:
    """True for the order itself, and for a shipment of it where the key names the shipment."""
    found = (record_key or b"").decode(errors="replace")
    return found == key or found.startswith(f"{key}~")


def _fact(record: ConsumerRecord) -> Fact:
    head = read_headers(record.headers)
    try:
        event = parse_record(record.headers, record.value)
        summary = ", ".join(_words(event))
    except RecordError as error:
        summary = f"unreadable: {error.code}"
    kind, version, at = (head.type, head.version, head.time) if head else ("?", 0, None)
    return Fact(record.topic, record.offset, at, kind, version, summary)


def _words(event: Event) -> Iterator[str]:
    route = getattr(event, "route", None)
    for name in TELLING:
        value = getattr(event, name, None) or getattr(route, name, None)
        if value not in (None, "", "order"):
            yield f"{name}={getattr(value, 'value', value)}"
    for parcel in getattr(event, "parcels", None) or ():
        if number := getattr(parcel, "tracking_number", None):
            yield f"tracking_number={number}"


def _table(key: str, facts: list[Fact]) -> Listing:
    columns = ("business time", "topic", "offset", "event", "v", "what")
    table = Listing(*columns, title=key, prose={"what"}, spare=("offset", "topic", "v"))
    for fact in facts:
        at = fact.at.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z") if fact.at else ""
        name = fact.type.removeprefix("linkstar.")
        table.add_row(at, fact.topic, str(fact.offset), name, str(fact.version), fact.summary)
    return table
