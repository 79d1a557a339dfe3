"""What the tracker keeps of a label: enough to follow its parcels and to speak of them."""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Literal

import msgspec
from pydantic import BaseModel

from linkstar_contracts.assembly import assembled
from linkstar_contracts.events import LabelCreated
from linkstar_contracts.values import Money, Promise, sum_money

__all__ = ["PENDING_NUMBER", "TrackedLabel", "TrackedParcel"]

PENDING_NUMBER = "pending"
"""Stands for a tracking number that the carrier has not assigned yet."""


class TrackedParcel(msgspec.Struct, frozen=True):
    """A parcel and its tracking number."""

    number: int
    tracking_number: str


class TrackedLabel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The label whose scans make the timeline."""

    carrier: str
    service: str
    kind: Literal["order", "return"]
    country: str
    origin: str = ""
    zone: str = ""
    labelled_at: datetime
    parcels: tuple[TrackedParcel, ...]
    promise: Promise | None = None
    deliver_by: datetime | None = None
    declared: Money | None = None
    """Value of all parcels; None where they are in several currencies, or of a label kept before values were."""
    test: bool = False
    version: int = 0
    """Version of the label's event; 0 of a label kept before versions were."""
    traceparent: str | None = None
    """Trace of the label's event: what comes days later is linked to it."""

    @classmethod
    def of(cls, event: LabelCreated, traceparent: str | None = None) -> TrackedLabel:
        """Return what is kept of the event: fields of a validated event under their own types."""
        return cls(
            carrier=event.carrier,
            service=event.service,
            kind=event.kind,
            country=event.destination.country,
            origin=event.warehouse.country,
            zone=event.zone,
            labelled_at=event.occurred_at,
            parcels=tuple([TrackedParcel(p.number, p.tracking_number) for p in event.parcels]),
            promise=event.promise,
            deliver_by=event.options.deliver_by,
            declared=_declared(event),
            test=event.test,
            version=event.version,
            traceparent=traceparent,
        )

    @classmethod
    def read(cls, text: str) -> TrackedLabel:
        """Return the label whose `text` this is, of this version or an earlier one. Raises msgspec's DecodeError if it is
        none.
        """
        return _decode(text)

    @property
    def text(self) -> str:
        """The label as JSON, without what is as usual."""
        return _encode(self).decode()

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


def _restored(model: type[BaseModel], parts: dict[str, Any]) -> BaseModel:
    """Return a value of the contracts that was kept."""
    return _shared(model, tuple(parts.items()))


@lru_cache(maxsize=10_000)
def _shared(model: type[BaseModel], parts: tuple[tuple[str, Any], ...]) -> BaseModel:
    """Return a value that thousands of labels have in common, as it was validated when it came in."""
    return assembled(model, {**_usual(model), **dict(parts)})


@cache
def _usual(model: type[BaseModel]) -> dict[str, Any]:
    return {name: field.default for name, field in model.model_fields.items() if not field.is_required()}


_encode = msgspec.json.Encoder(enc_hook=vars).encode
_decode = msgspec.json.Decoder(TrackedLabel, dec_hook=_restored).decode
