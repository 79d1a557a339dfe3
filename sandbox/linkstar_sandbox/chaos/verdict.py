"""The account of a chaos run: which invariant each check proves, how many cases it examined, and the last line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from linkstar_sandbox.reader.account import settle_account
from linkstar_sandbox.reader.check import Check
from linkstar_sandbox.reader.evidence import Evidence
from linkstar_sandbox.reader.run_checks import run_checks
from linkstar_sandbox.reader.run_evidence import RunEvidence

__all__ = ["EXCUSED", "INVARIANTS", "NOT_EXERCISED", "Verdict", "all_checks"]

NOT_EXERCISED = "not_exercised"

INVARIANTS: Mapping[str, str] = {
    "every order handed in is accepted, rejected by name or a dead letter": "order",
    "every cancel is carried out or answered with an exception": "order",
    "no order is in two of accepted, rejected, dead letter": "order",
    "every order got the outcome, row and code it deserves": "order",
    "no sound row is refused, no sound record is a dead letter": "order",
    "no order, and no event of one, was never handed in": "order",
    "every received shipment is routed, cancelled or held with an exception": "consequence",
    "the newest route of every shipment has a label, a refusal, a cancel or an exception": "consequence",
    "every labelled parcel is in the carriers' ledger": "carrier",
    "every scan the carriers told is an event": "carrier",
    "a shipment's true end is its tracked status": "carrier",
    "every parcel that came back has a return that received it": "carrier",
    "what is tracked as delivered was truly delivered": "carrier",
    "no true scan is refused": "carrier",
    "one payload per event id": "payload",
    "one id per (tenant, aggregate, type, version)": "identity",
    "one event id per business fact": "identity",
    "at most one active label per shipment on the topic": "label",
    "at most one active label per shipment in the table": "label",
    "one parcel per tracking number": "label",
    "every label told is stored, for a route that was chosen": "label",
    "one label per ledger posting": "ledger",
    "every posting and every currency sums to zero": "ledger",
    "every label is paid by its posting, to the cent": "ledger",
    "every wallet is covered, and is the sum of its ledger": "ledger",
    "versions run 1, 2, 3, … by first appearance": "version",
    "versions of an order are dense over both its topics": "version",
    "versions of an order only rise on order-changes, by first appearance": "version",
    "every event lies under its order's key in its order's shard": "shard",
    "shipments-current holds the newest state of every tracked shipment": "stored",
    "orders: the newest event is what is stored": "stored",
    "routes-chosen: the newest event is what is stored": "stored",
    "labels: the newest event is what is stored": "stored",
    "tracking-updated: the newest event is what is stored": "stored",
    "returns-updated: the newest event is what is stored": "stored",
    "exceptions-raised: the newest event is what is stored": "stored",
    "routes told = routes decided": "stored",
    "every scan told is folded, and no other": "stored",
    "every acknowledged record is in the log, under its order's key": "input",
    "input = processed + duplicates + dead letters, record by record": "input",
    "what was answered with success is stored": "input",
    "dead letters are exactly the poison": "dead_letter",
    "every dead letter has its copy on the dead-letter topic, and no copy is without one": "dead_letter",
    "no quota is above its cap, and each is the sum of what live routes take": "quota",
    "Kafka's committed offset is never ahead of PostgreSQL's": "gauge",
    "stored offsets never go back": "offset",
    "epochs never go back": "epoch",
    "at rest every service stands at the end of its topics": "processed",
    "at rest no chunk waits in an outbox": "outbox",
}
"""The invariant each check belongs to."""

EXCUSED: Mapping[str, str] = {
    "every parcel that came back has a return that received it":
        "a way back ends later than the five business days that three minutes last; `make demo` exercises it",
}  # fmt: skip
"""The only checks that may go without a case in a whole run, and why."""


def all_checks(run: RunEvidence) -> list[Check]:
    """Everything that is demanded of a run."""
    return [*settle_account(_without_conflicts(run.topics)).checks, *run_checks(run)]


def _without_conflicts(topics: Evidence) -> Evidence:
    """The same, without the copies of order conflicts: their orders are accepted, the conflicts are judged apart."""
    return replace(topics, records=[r for r in topics.records if r.headers.get("dlq-code") != "ingest.order_conflict"])


class Verdict:
    """What the checks say, in the words of the last line."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self.checks = checks

    @property
    def violations(self) -> list[str]:
        """Every violation, with the name of its check."""
        return [f"{check.name}: {text}" for check in self.checks for text in check.violations]

    @property
    def unexercised(self) -> list[str]:
        """The checks that examined no case, by name, whether excused or not."""
        return [check.name for check in self.checks if not check.examined]

    def gaps(self) -> list[str]:
        """What keeps a whole run from being sound although nothing was violated."""
        return [f"{name}: examined no case" for name in self.unexercised if name not in EXCUSED]

    def summary(self) -> dict[str, Any]:
        """The keys of the last line that the checker answers for."""
        return {
            "lost": self._count("lost"),
            "duplicated": self._count("duplicated"),
            "out_of_order": sum(len(c.violations) for c in self.checks if INVARIANTS[c.name] == "version"),
            "examined": self._examined(),
            "not_exercised": self.unexercised,
        }

    def _count(self, kind: str) -> int:
        return sum(len(check.violations) for check in self.checks if check.kind == kind)

    def _examined(self) -> dict[str, int | str]:
        counts: Counter[str] = Counter()
        for check in self.checks:
            counts[INVARIANTS[check.name]] += check.examined
        return {name: count or NOT_EXERCISED for name, count in counts.items()}
