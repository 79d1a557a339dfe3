"""Counts what a soak handed in and what came of it, in one pass: an hour of events need not fit into memory."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from aiokafka import ConsumerRecord

from linkstar_sandbox.load.history import Publication
from linkstar_sandbox.reader.check import Check

__all__ = ["SoakAccount"]

_ORDER_TOPICS = frozenset({"orders-received", "order-changes"})
_PARTIAL = _ORDER_TOPICS | frozenset(
    {"shipments-current", "carrier-scans", "exceptions-raised", "settlements-requested"}
)
"""Further topics that do not carry an aggregate's whole stream; versions only rise there."""
_INPUT = "orders-inbound"
_RECEIVED, _EXCEPTION = "linkstar.order.received.v1", "linkstar.exception.raised.v1"
_WAY = frozenset({_RECEIVED, "linkstar.route.chosen.v1", "linkstar.label.created.v1", "linkstar.shipment.updated.v1"})


class SoakAccount:
    """Takes every record of every topic once, each partition in its order, then judges."""

    def __init__(self) -> None:
        self._payloads: dict[tuple[str, str], bytes] = {}
        self._facts: dict[tuple[str, str, str, int], str] = {}
        self._reached: dict[tuple[str, str, str], int] = {}
        self._order_versions: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._stages: dict[str, set[str]] = defaultdict(set)
        self._exceptions: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
        self._dead: set[tuple[int, int]] = set()
        self.events = 0
        self.identity = Check("one payload and one id per fact", "duplicated")
        self.order = Check("versions run 1, 2, 3 … by first appearance, or rise where a topic holds a part", "broken")
        self.dense = Check("versions of an order are dense over both its topics", "broken")

    def take(self, record: ConsumerRecord) -> None:
        """Note one record."""
        headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
        if record.topic.endswith("-dlq"):
            if headers.get("orig-topic") == _INPUT:
                self._dead.add((int(headers["orig-partition"]), int(headers["orig-offset"])))
            return
        if record.topic == _INPUT or record.value is None or "ce_id" not in headers:
            return
        self.events += 1
        order_id = (record.key or b"").decode("utf-8", "replace").partition("/")[2]
        self._stages[order_id].add(headers["ce_type"])
        if self._is_new(record, headers):
            self._follow(record.topic, headers)
            if headers["ce_type"] == _EXCEPTION:
                self._note_exception(order_id, record.value, headers)

    def _note_exception(self, order_id: str, body: bytes, headers: dict[str, str]) -> None:
        """Keep the newest state of each exception of the order."""
        newest, state = self._exceptions[order_id], (int(headers["ce_version"]), json.loads(body)["state"])
        newest[headers["ce_subject"]] = max(newest.get(headers["ce_subject"], state), state)

    def _is_new(self, record: ConsumerRecord, headers: dict[str, str]) -> bool:
        """Judge identity: one payload per id, one id per (aggregate, type, version). True at first sight."""
        place, digest = (record.topic, headers["ce_id"]), blake2b(record.value, digest_size=8).digest()
        if place in self._payloads:
            self.identity.case(self._payloads[place] == digest, f"{headers['ce_id']} has two payloads")
            return False
        self._payloads[place] = digest
        fact = (headers["ce_tenant"], headers["ce_subject"], headers["ce_type"], int(headers["ce_version"]))
        known = self._facts.setdefault(fact, headers["ce_id"])
        self.identity.case(known == headers["ce_id"], f"{fact} has two ids")
        return True

    def _follow(self, topic: str, headers: dict[str, str]) -> None:
        place, version = (topic, headers["ce_tenant"], headers["ce_subject"]), int(headers["ce_version"])
        before = self._reached.get(place, 0)
        if topic in _ORDER_TOPICS:
            self._order_versions[place[1:]].add(version)
        right = version > before if topic in _PARTIAL else version == before + 1
        self.order.case(right, f"{topic}: version {version} of {place[2]} came after {before}")
        self._reached[place] = max(before, version)

    def judge(self, handed_in: Iterable[Publication]) -> list[Check]:
        """Return all checks; every order handed in must have gone its whole way, every poison must be dead."""
        orders, poison, clean = set(), [], Check("exactly the poison is dead", "lost")
        for each in handed_in:
            if each.kind == "order":
                orders.add(each.order_id)
            elif each.kind == "poison" and each.offset is not None:
                poison.append((each.partition, each.offset))
        for place in poison:
            clean.case(place in self._dead, f"poison at {place} is no dead letter")
        clean.case(len(self._dead) <= len(set(poison)), f"{len(self._dead)} dead letters, {len(set(poison))} poisoned")
        whole = Check("every order is received, routed, labelled and tracked, or held with an open exception", "lost")
        for order_id in orders:
            whole.case(self._whole(order_id), f"{order_id} got as far as {self._told(order_id)}")
        for (_, subject), found in self._order_versions.items():
            self.dense.case(found == set(range(1, len(found) + 1)), f"{subject} has versions {sorted(found)}")
        return [whole, clean, self.identity, self.order, self.dense]

    def _whole(self, order_id: str) -> bool:
        """True if it went all the way, or is received and held: one of its exceptions is open in its newest state."""
        stages = self._stages.get(order_id, set())
        held = any(state == "open" for _, state in self._exceptions.get(order_id, {}).values())
        return stages >= _WAY or (held and _RECEIVED in stages)

    def _told(self, order_id: str) -> list[str]:
        return sorted(self._stages.get(order_id, ()))


def last_line(figures: dict[str, Any], checks: Iterable[Check]) -> str:
    """The account as one line of JSON, in the keys of the chaos run."""
    found = list(checks)
    counts = {kind: sum(len(c.violations) for c in found if c.kind == kind) for kind in ("lost", "duplicated")}
    violations = [f"{check.name}: {text}" for check in found for text in check.violations]
    examined = {check.name: check.examined or "not_exercised" for check in found}
    return json.dumps({**figures, **counts, "examined": examined, "violations": violations[:50]})
