"""What stands at the end of a campaign: the carriers' own ledgers, labeler's tables, the events, and the invoices' lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Attempted", "Billed", "Evidence", "Sold", "Wanted"]


@dataclass(frozen=True)
class Sold:
    """A shipment that a carrier sold, in the carrier's own words."""

    carrier: str
    account: str
    carrier_id: str
    asked_as: tuple[str, ...]
    """Our reference and idempotency key, as far as the carrier was given them."""
    tracking_numbers: tuple[str, ...]
    charged_minor: int
    voided: bool


@dataclass(frozen=True)
class Attempted:
    """A purchase as labeler's tables have it, with its label."""

    order_id: str
    route_version: int
    carrier: str
    state: str
    label: str
    carrier_id: str
    tracking_numbers: tuple[str, ...]
    asked_as: tuple[str, ...]
    """The references of its attempts, and its idempotency key."""
    open: bool
    answered: bool = True
    """No call of it went unanswered, so that labeler was told what the carrier charges: a look-up may not tell."""
    documents: int = 1
    """Of its parcels, how many have a print of the carrier that can be opened and is what it says it is."""


@dataclass(frozen=True)
class Wanted:
    """What became of an order as the dispatcher knows it: `end` is `label`, `cancelled` or `refused`."""

    order_id: str
    carrier: str
    end: str
    version: int
    created: Mapping[int, tuple[str, ...]]
    versions: Sequence[int]
    """Of the shipment's label events, each once."""
    account: str = ""
    """The account it was routed to."""


@dataclass(frozen=True)
class Billed:
    """A line of a carrier's invoice after it was imported and settled."""

    carrier: str
    tracking_number: str
    kind: str
    state: str


@dataclass
class Evidence:
    """Everything that is judged."""

    wanted: Sequence[Wanted] = ()
    sold: Sequence[Sold] = ()
    attempted: Sequence[Attempted] = ()
    kept_orphans: frozenset[tuple[str, str]] = frozenset()
    """Carrier and carrier's id of labels nobody wants, which the carrier bills all the same: told to operators."""
    billed: Sequence[Billed] = ()
    prices: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """What the routes said that so many parcels cost at a carrier."""
    tell_prices: frozenset[str] = frozenset()
    """Carriers whose answers say what they charge."""
    captured_minor: Mapping[str, int] = field(default_factory=dict)
    """What labeler's ledger owed each carrier before the invoices."""
    payable_minor: Mapping[str, int] = field(default_factory=dict)
    """What labeler's ledger owes each carrier after the invoices."""
    invoiced_minor: Mapping[str, int] = field(default_factory=dict)
    """What each carrier billed."""
    books: Mapping[str, Any] = field(default_factory=dict)
    """The report of `linkstar ledger check`."""
    unsettled: Sequence[str] = ()
    bills_when_handed_over: frozenset[str] = frozenset()
    """Carriers that take no label back and bill only parcels they were handed."""
    recovers: frozenset[str] = frozenset()
    """Carriers that can be asked what became of an attempt: by a key, a look-up or a list."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Routes given back, by code."""
    orphans: int = 0
    """Labels that were found to be nobody's, whatever became of them."""
