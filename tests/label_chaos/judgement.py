"""Judges the evidence of a campaign. Shares no code with the labeler: it trusts the carriers' ledgers and what was asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from label_chaos.evidence import Attempted, Evidence, Sold

__all__ = ["Verdict", "judge"]

_SETTLED = {"settled", "adjusted", "accepted", "disputed"}


@dataclass
class Verdict:
    """What was found wrong, and what was counted."""

    double_charged: list[str] = field(default_factory=list)
    """Orders for which two labels are live at a carrier that could have been asked."""
    unrepaired: list[str] = field(default_factory=list)
    """Labels a carrier bills for which no order of ours stands, and which nobody voided, told of or disputed."""
    lost_labels: list[str] = field(default_factory=list)
    """Orders without the one label they should have, at the carrier, in the tables and on the topic."""
    ledger: list[str] = field(default_factory=list)
    simulator_ledger: list[str] = field(default_factory=list)
    """Cents by which what we owe a carrier differs from the labels that are paid, or from what it billed."""
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def violations(self) -> list[str]:
        """Everything that is wrong."""
        return [
            f"{name}: {what}"
            for name in ("double_charged", "unrepaired", "lost_labels", "ledger", "simulator_ledger")
            for what in getattr(self, name)
        ]


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict."""
    verdict = Verdict()
    live = _live(evidence)
    _judge_doubles(evidence, live, verdict)
    _judge_orders(evidence, live, verdict)
    _judge_captures(evidence, verdict)
    _judge_books(evidence, verdict)
    verdict.counts.update(f"label {each.state}" for each in evidence.attempted)
    verdict.counts.update({f"rejected {code}": count for code, count in evidence.rejected.items()})
    verdict.counts["orphans"] = evidence.orphans
    verdict.counts["sales"] = len(evidence.sold)
    return verdict


def _live(evidence: Evidence) -> dict[tuple[str, str], Sold]:
    """What the carriers bill as far as nobody contests it: sold and not voided; where only handed-over parcels are billed,
    those that are the label of an order.
    """
    ours = {(each.carrier, each.carrier_id) for each in evidence.attempted if each.label == "active"}
    return {
        (sale.carrier, sale.carrier_id): sale
        for sale in evidence.sold
        if not sale.voided
        and (sale.carrier not in evidence.bills_when_handed_over or (sale.carrier, sale.carrier_id) in ours)
    }


def _judge_doubles(evidence: Evidence, live: dict[tuple[str, str], Sold], verdict: Verdict) -> None:
    order_of = {(each.carrier, name): each.order_id for each in evidence.attempted for name in each.asked_as}
    paid = {(each.carrier, each.carrier_id) for each in evidence.attempted if each.state in ("purchased", "kept")}
    kept = {(each.carrier, each.carrier_id) for each in evidence.attempted if each.state == "kept"}
    disputed = {(each.carrier, each.tracking_number) for each in evidence.billed if each.state == "disputed"}
    accounts = {each.order_id: each.account for each in evidence.wanted}
    of_order: dict[tuple[str, str], list[Sold]] = defaultdict(list)
    for place, sale in live.items():
        names = {order_of.get((sale.carrier, name), "") for name in sale.asked_as} - {""}
        if len(names) != 1:
            verdict.unrepaired.append(f"{sale.carrier} {sale.carrier_id} was asked for by {len(names)} orders")
        of_order[sale.carrier, min(names, default="")].append(sale)
        if names and sale.account != (routed := accounts.get(min(names), "")):
            verdict.unrepaired.append(f"{sale.carrier} {sale.carrier_id} was bought with {sale.account}, not {routed}")
        contested = all((sale.carrier, number) in disputed for number in sale.tracking_numbers)
        if place in paid and not contested:
            continue
        told = place in evidence.kept_orphans or place in kept
        verdict.counts["told" if told else "disputed" if contested else "stray"] += 1
        if contested and not told and sale.carrier in evidence.recovers:
            verdict.unrepaired.append(f"{sale.carrier} {sale.carrier_id} is disputed, and the carrier was never asked")
        elif not contested:
            verdict.unrepaired.append(f"{sale.carrier} {sale.carrier_id} ({sale.asked_as}) is billed and not disputed")
    verdict.unrepaired += [
        f"{carrier} {carrier_id} is paid as one that could not be voided, and it is not billed"
        for carrier, carrier_id in sorted(kept - live.keys())
    ]
    for (carrier, order_id), sales in of_order.items():
        if carrier in evidence.recovers and len(sales) > 1:
            verdict.double_charged.append(f"{order_id} has {len(sales)} live labels at {carrier}")
        elif len(sales) > 1:
            verdict.counts["doubles that only an invoice tells"] += 1


def _judge_orders(evidence: Evidence, live: dict[tuple[str, str], Sold], verdict: Verdict) -> None:
    by_order: dict[str, list[Attempted]] = defaultdict(list)
    for each in evidence.attempted:
        by_order[each.order_id].append(each)
    for order in evidence.wanted:
        active = [each for each in by_order[order.order_id] if each.label == "active"]
        verdict.counts[f"order {order.end}"] += 1
        if order.end != "label":
            verdict.lost_labels += [f"{order.order_id} is {order.end} and has a label" for _ in active]
        elif len(active) != 1:
            verdict.lost_labels.append(f"{order.order_id} has {len(active)} active labels")
        else:
            verdict.lost_labels += list(_flaws(order.created, active[0], live))
            verdict.double_charged += list(_dear(active[0], live, evidence))
        if sorted(order.versions) != list(range(1, len(order.versions) + 1)):
            verdict.lost_labels.append(f"{order.order_id} has label events {sorted(order.versions)}")
    verdict.lost_labels += [f"{each.order_id} is still {each.state}" for each in evidence.attempted if each.open]
    verdict.lost_labels += list(evidence.unsettled)


def _flaws(
    created: Mapping[int, tuple[str, ...]], label: Attempted, live: dict[tuple[str, str], Sold]
) -> Iterator[str]:
    """What is wrong with the one label of an order."""
    sale = live.get((label.carrier, label.carrier_id))
    told = created.get(label.route_version)
    if sale is None:
        yield f"{label.order_id}: label {label.carrier_id} is not live at {label.carrier}"
    elif sale.tracking_numbers != label.tracking_numbers:
        yield f"{label.order_id}: {label.tracking_numbers} is not what {label.carrier} sold: {sale.tracking_numbers}"
    if label.documents != len(label.tracking_numbers):
        yield f"{label.order_id}: {label.documents} of {len(label.tracking_numbers)} labels can be printed"
    if told != label.tracking_numbers:
        yield f"{label.order_id}: LabelCreated told {told}, the label is {label.tracking_numbers}"


def _dear(label: Attempted, live: Mapping[tuple[str, str], Sold], evidence: Evidence) -> Iterator[str]:
    """A carrier that said what it charges may not take more than a tenth above the route's price."""
    sale, price = live.get((label.carrier, label.carrier_id)), _price(label, evidence)
    told = label.answered and label.carrier in evidence.tell_prices
    if sale and told and sale.charged_minor * 10 > price * 11:
        yield f"{label.order_id}: {label.carrier} charges {sale.charged_minor} for a route of {price}"


def _price(label: Attempted, evidence: Evidence) -> int:
    return evidence.prices.get((label.carrier, len(label.tracking_numbers)), 0)


def _judge_captures(evidence: Evidence, verdict: Verdict) -> None:
    """Before any invoice we owe each carrier the routes' prices of the labels that are paid, and nothing else."""
    paid: Counter[str] = Counter()
    for each in evidence.attempted:
        paid[each.carrier] += _price(each, evidence) if each.state == "purchased" else 0
    for carrier in sorted({*paid, *evidence.captured_minor}):
        captured = evidence.captured_minor.get(carrier, 0)
        if captured != paid[carrier] and not any(each.state == "kept" for each in evidence.attempted):
            verdict.simulator_ledger.append(f"{carrier}: {captured} captured for labels of {paid[carrier]}")


def _judge_books(evidence: Evidence, verdict: Verdict) -> None:
    for name, law in evidence.books.get("laws", {}).items():
        if law["result"] == "violated":
            verdict.ledger.append(f"{name}: {', '.join(law['examples'])}")
    if evidence.books.get("ledger_sum") != 0:
        verdict.ledger.append(f"the ledger sums to {evidence.books.get('ledger_sum')}")
    verdict.ledger += [
        f"line {line.carrier} {line.tracking_number} is {line.state} ({line.kind})"
        for line in evidence.billed
        if line.state not in _SETTLED
    ]
    for carrier in sorted({*evidence.payable_minor, *evidence.invoiced_minor}):
        owed, billed = evidence.payable_minor.get(carrier, 0), evidence.invoiced_minor.get(carrier, 0)
        verdict.counts[f"billed_minor {carrier}"] = billed
        if owed != billed:
            verdict.simulator_ledger.append(f"{carrier}: we owe {owed}, it billed {billed}")
