"""What the tracker keeps of a label: enough to follow its parcels and to speak of them."""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic_core import from_json

from linkstar_contracts.assembly import assembled
from linkstar_contracts.events import LabelCreated
from linkstar_contracts.text import CountryCode, SafeStr, Token
from linkstar_contracts.values import Instant, Money, Promise, Value, sum_money

__all__ = ["PENDING_NUMBER", "TrackedLabel", "TrackedParcel"]

PENDING_NUMBER = "pending"
"""Stands for a tracking number that the carrier has not assigned yet."""


class TrackedParcel(Value):
    """A parcel and its tracking number."""

    number: int
    tracking_number: Annotated[str, SafeStr(40, 1)]


class TrackedLabel(Value):
    """The label whose scans make the timeline."""

    carrier: Token
    service: Token
    kind: Literal["order", "return"]
    country: CountryCode
    origin: Annotated[str, SafeStr(2)] = ""
    zone: Annotated[str, SafeStr(16)] = ""
    labelled_at: Instant
    parcels: tuple[TrackedParcel, ...]
    promise: Promise | None = None
    deliver_by: Instant | None = None
    declared: Money | None = None
    """Value of all parcels; None where they are in several currencies, or of a label kept before values were."""
    test: bool = False
    version: int = 0
    """Version of the label's event; 0 of a label kept before versions were."""
    traceparent: Annotated[str, SafeStr(80)] | None = None
    """Trace of the label's event: what comes days later is linked to it."""

    @classmethod
    def of(cls, event: LabelCreated, traceparent: str | None = None) -> TrackedLabel:
        """Return what is kept of the event: fields of a validated event under their own types."""
        parcels = [{"number": p.number, "tracking_number": p.tracking_number} for p in event.parcels]
        return assembled(cls, {
            "carrier": event.carrier,
            "service": event.service,
            "kind": event.kind,
            "country": event.destination.country,
            "origin": event.warehouse.country,
            "zone": event.zone,
            "labelled_at": event.occurred_at,
            "parcels": tuple([assembled(TrackedParcel, parcel) for parcel in parcels]),
            "promise": event.promise,
            "deliver_by": event.options.deliver_by,
            "declared": _declared(event),
            "test": event.test,
            "version": event.version,
            "traceparent": traceparent,
        })  # fmt: skip

    @classmethod
    def read(cls, text: str) -> TrackedLabel:
        """Return the label whose `model_dump_json` this is, of this version or an earlier one: its parts are not validated
        again, which takes three times as long.
        """
        told = from_json(text)
        promise, deliver_by, declared = told.get("promise"), told.get("deliver_by"), told.get("declared")
        told["labelled_at"] = datetime.fromisoformat(told["labelled_at"])
        told["parcels"] = tuple([_restored(TrackedParcel, parcel) for parcel in told["parcels"]])
        told["promise"] = _shared(Promise, tuple(promise.items())) if promise else None
        told["declared"] = _shared(Money, tuple(declared.items())) if declared else None
        told["deliver_by"] = datetime.fromisoformat(deliver_by) if deliver_by else None
        return _restored(cls, told)

    @property
    def lane(self) -> str:
        """Carrier and countries, service, and zone: what parcels under way have in common."""
        return f"{self.carrier} {self.origin}-{self.country}|{self.service}|{self.zone}"

    @property
    def numbered(self) -> tuple[TrackedParcel, ...]:
        """The parcels whose tracking number is known."""
        return tuple([parcel for parcel in self.parcels if parcel.tracking_number != PENDING_NUMBER])

    def parcel_of(self, tracking_number: str) -> int | None:
        """Return the parcel that travels under this number."""
        for parcel in self.parcels:
            if parcel.tracking_number == tracking_number != PENDING_NUMBER:
                return parcel.number
        return None


def _declared(event: LabelCreated) -> Money | None:
    values = [parcel.declared_value for parcel in event.parcels]
    if len(values) == 1:
        return values[0]
    if len({value.currency for value in values}) > 1:
        return None
    return sum_money(values, values[0].currency)


V = TypeVar("V", bound=Value)


def _restored(model: type[V], parts: dict[str, Any]) -> V:
    try:
        return assembled(model, parts)
    except KeyError:
        return assembled(model, {**_defaults(model), **parts})


@lru_cache(maxsize=10_000)
def _shared(model: type[V], parts: tuple[tuple[str, Any], ...]) -> V:
    """Return a value that thousands of labels have in common."""
    return _restored(model, dict(parts))


@cache
def _defaults(model: type[Value]) -> dict[str, Any]:
    return {name: field.default for name, field in model.model_fields.items() if not field.is_required()}
