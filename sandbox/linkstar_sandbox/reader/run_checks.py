"""What must hold after any faults: input accounted for to the record, events equal to what is stored, offsets in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from linkstar_sandbox.reader.check import Check
from linkstar_sandbox.reader.evidence import Record
from linkstar_sandbox.reader.outcomes import accepted_orders
from linkstar_sandbox.reader.run_evidence import RunEvidence, Sample

__all__ = ["run_checks"]

_INPUT = "orders-inbound"
_SUBMITTED = "linkstar.order.submitted.v1"
_CHANGE = "linkstar.order.change-requested.v1"
_CANCEL = "linkstar.order.cancel-requested.v1"


def run_checks(run: RunEvidence) -> list[Check]:
    """Run all of them."""
    return [
        _acknowledged_input_is_in_the_log(run), _every_input_record_is_accounted_for(run), _answers_are_kept(run),
        _no_order_from_nowhere(run), _dead_letters_are_exactly_the_poison(run), _every_dead_letter_is_copied(run),
        *_events_equal_what_is_stored(run), _routes_are_decided(run), _labels_are_stored(run), _scans_are_folded(run),
        _wallets_are_covered(run), _quotas_hold(run), _gauge_is_never_ahead(run), _offsets_never_go_back(run),
        _epochs_never_go_back(run), _everything_is_processed(run), _outbox_is_empty(run),
    ]  # fmt: skip


# -- input -----------------------------------------------------------------------------------------------------------


def _acknowledged_input_is_in_the_log(run: RunEvidence) -> Check:
    check = Check("every acknowledged record is in the log, under its order's key", "lost")
    log = {(record.partition, record.offset): record.key for record in run.topics.on(_INPUT)}
    for each in run.handed_in:
        if each.offset is not None:
            key = log.get((each.partition, each.offset), "")
            check.case(
                key.endswith(f"/{each.order_id}"), f"{each.kind} of {each.order_id} is not at {each.offset}: {key}"
            )
    return check


def _every_input_record_is_accounted_for(run: RunEvidence) -> Check:
    check = Check("input = processed + duplicates + dead letters, record by record", "lost")
    dead = {(row.partition, row.offset) for row in run.letters if row.topic == _INPUT}
    accepted = {order_id for _, order_id in accepted_orders(run.topics)}
    for record in run.topics.on(_INPUT):
        taken = (record.partition, record.offset) in dead or _taken(run, record, accepted)
        check.case(taken, f"{record.type} of {record.key} at {record.partition}/{record.offset} had no effect")
    return check


def _taken(run: RunEvidence, record: Record, accepted: set[str]) -> bool:
    """True if the fact the record states is stored; whether by this record or by an equal one before it."""
    order_id = record.body.get("order_id", "")
    if record.type == _SUBMITTED:
        return order_id in accepted
    kind = {_CHANGE: "change", _CANCEL: "cancel"}.get(record.type, "")
    return (order_id, kind, record.body.get("request_id", "")) in run.requests


def _answers_are_kept(run: RunEvidence) -> Check:
    check = Check("what was answered with success is stored", "lost")
    for answer in run.answers:
        if answer.status >= 300:
            continue
        if answer.kind == "order":
            check.case(answer.order_id in run.stored_orders, f"order {answer.order_id} was answered and is gone")
        else:
            kept = (answer.order_id, answer.kind, answer.request_id) in run.requests
            check.case(kept, f"{answer.kind} {answer.request_id} of {answer.order_id} was answered and is gone")
    return check


def _no_order_from_nowhere(run: RunEvidence) -> Check:
    check = Check("no order, and no event of one, was never handed in", "duplicated")
    known = {each.order_id for each in run.handed_in} | {each.order_id for each in run.answers}
    for order_id in run.stored_orders:
        check.case(order_id in known, f"nobody handed in {order_id}, and it is stored")
    for record in run.topics.of("orders-received", "order.received"):
        check.case(record.order[1] in known, f"nobody handed in {record.order[1]}, and it was announced")
    return check


# -- dead letters ----------------------------------------------------------------------------------------------------


def _dead_letters_are_exactly_the_poison(run: RunEvidence) -> Check:
    check = Check("dead letters are exactly the poison", "broken")
    poison = {
        (_INPUT, each.partition, each.offset): each
        for each in run.handed_in if each.kind in ("poison", "conflict") and each.offset is not None
    }  # fmt: skip
    unsure = {each.order_id for each in run.handed_in if each.kind in ("poison", "conflict") and each.offset is None}
    keys = {(_INPUT, record.partition, record.offset): record.key for record in run.topics.on(_INPUT)}
    dead = {(row.topic, row.partition, row.offset): row for row in run.letters}
    for place, each in poison.items():
        check.case(place in dead, f"{each.flaw} of {each.order_id} at {place} is no dead letter")
    for place, row in dead.items():
        again = keys.get(place, "").partition("/")[2] in unsure
        check.case(place in poison or again, f"{row.service} buried {place} as {row.code}")
    return check


def _every_dead_letter_is_copied(run: RunEvidence) -> Check:
    check = Check("every dead letter has its copy on the dead-letter topic, and no copy is without one", "lost")
    rows = {(row.topic, row.partition, row.offset) for row in run.letters}
    copies = {
        (
            r.headers.get("orig-topic", ""),
            int(r.headers.get("orig-partition", -1)),
            int(r.headers.get("orig-offset", -1)),
        )
        for r in run.topics.dead_letters
    }
    for place in rows | copies:
        check.case(place in rows and place in copies, f"{place}: row {place in rows}, copy {place in copies}")
    return check


# -- events and tables -------------------------------------------------------------------------------------------------


def _events_equal_what_is_stored(run: RunEvidence) -> Iterator[Check]:
    """Each stored version has its event, and no event tells a version that was never stored."""
    for stream, newest in _newest_versions(run).items():
        check = Check(f"{stream}: the newest event is what is stored", "lost")
        stored = {(tenant, name): kept for (of, tenant, name), kept in run.versions.items() if of == stream}
        for name in sorted({*stored, *newest}):
            told, kept = newest.get(name, 0), stored.get(name, 0)
            if stream != "exceptions-raised" or name in stored:
                check.case(told == kept, f"{name[1]}: told up to version {told}, stored is {kept}")
        yield check


_Name = tuple[str, str]
_AGGREGATES: dict[str, tuple[tuple[str, ...], Callable[[Record], _Name]]] = {
    "orders": (("orders-received", "order-changes"), lambda record: record.order),
    "routes-chosen": (("routes-chosen",), lambda record: record.shipment),
    "labels": (("labels",), lambda record: record.shipment),
    "tracking-updated": (("tracking-updated",), lambda record: record.shipment),
    "returns-updated": (("returns-updated",), lambda record: (record.tenant, record.body["return_id"])),
    "exceptions-raised": (("exceptions-raised",), lambda record: (record.tenant, record.body["exception_id"])),
}


def _newest_versions(run: RunEvidence) -> dict[str, dict[_Name, int]]:
    found: dict[str, dict[_Name, int]] = {}
    for stream, (topics, name_of) in _AGGREGATES.items():
        newest: dict[_Name, int] = defaultdict(int)
        for topic in topics:
            for record in run.topics.on(topic):
                if topic != "orders-received" or record.body.get("kind") != "return":
                    newest[name_of(record)] = max(newest[name_of(record)], record.version)
        found[stream] = newest
    return found


def _routes_are_decided(run: RunEvidence) -> Check:
    check = Check("routes told = routes decided", "lost")
    told = {(*record.shipment, record.version) for record in run.topics.of("routes-chosen", "route.chosen")}
    for route in told | run.decisions:
        check.case(route in told and route in run.decisions, f"{route}: told {route in told}")
    return check


def _labels_are_stored(run: RunEvidence) -> Check:
    check = Check("every label told is stored, for a route that was chosen", "duplicated")
    routes = {(*record.shipment, record.version) for record in run.topics.of("routes-chosen", "route.chosen")}
    for record in run.topics.of("labels", "label.created"):
        label = (*record.shipment, record.body["route_version"])
        check.case(label in run.labels and label in routes, f"{label}: stored {label in run.labels}")
    return check


def _scans_are_folded(run: RunEvidence) -> Check:
    check = Check("every scan told is folded, and no other", "lost")
    told = {(*r.shipment, r.body["scan_id"]) for r in run.topics.of("carrier-scans", "scan.recorded")}
    for scan in told | run.scans:
        check.case(scan in told and scan in run.scans, f"scan {scan}: told {scan in told}, folded {scan in run.scans}")
    return check


def _wallets_are_covered(run: RunEvidence) -> Check:
    check = Check("every wallet is covered, and is the sum of its ledger", "broken")
    for wallet in run.wallets:
        covered = wallet.balance_minor + wallet.credit_limit_minor >= 0
        check.case(covered and wallet.balance_minor == wallet.legs_minor, f"{wallet}")
    return check


def _quotas_hold(run: RunEvidence) -> Check:
    check = Check("no quota is above its cap, and each is the sum of what live routes take", "broken")
    for day in run.pool_days:
        sound = 0 <= day.used <= day.cap and day.used == day.taken and not day.astray
        check.case(sound, f"{day}")
    return check


# -- offsets -----------------------------------------------------------------------------------------------------------


def _gauge_is_never_ahead(run: RunEvidence) -> Check:
    check = Check("Kafka's committed offset is never ahead of PostgreSQL's", "broken")
    for number, sample in enumerate(run.samples):
        for service, offsets in sample.committed.items():
            stored = sample.stored.get(service, {})
            for place, offset in offsets.items():
                kept = stored.get(place)
                check.case(
                    kept is None or offset <= kept,
                    f"sample {number}: {service} {place} committed {offset}, stored {kept}",
                )
    return check


def _offsets_never_go_back(run: RunEvidence) -> Check:
    check = Check("stored offsets never go back", "broken")
    _rising(check, run, lambda sample: {(s, p): o for s, places in sample.stored.items() for p, o in places.items()})
    return check


def _epochs_never_go_back(run: RunEvidence) -> Check:
    check = Check("epochs never go back", "broken")
    _rising(check, run, lambda sample: {(s, p): o for s, shards in sample.epochs.items() for p, o in shards.items()})
    return check


def _rising(check: Check, run: RunEvidence, values_of: Callable[[Sample], dict[tuple[str, str], int]]) -> None:
    highest: Counter[tuple[str, str]] = Counter()
    for number, sample in enumerate(run.samples):
        for name, value in values_of(sample).items():
            if name in highest:
                check.case(value >= highest[name], f"sample {number}: {name} fell from {highest[name]} to {value}")
            highest[name] = max(highest[name], value)


def _everything_is_processed(run: RunEvidence) -> Check:
    check = Check("at rest every service stands at the end of its topics", "lost")
    for service, offsets in (run.samples[-1].stored if run.samples else {}).items():
        for place, offset in offsets.items():
            check.case(offset == run.ends.get(place), f"{service} {place}: stands at {offset} of {run.ends.get(place)}")
    return check


def _outbox_is_empty(run: RunEvidence) -> Check:
    check = Check("at rest no chunk waits in an outbox", "lost")
    for service, rows in run.outbox_rows.items():
        check.case(rows == 0, f"{service} has {rows} rows in its outbox")
    return check
