"""What a service does besides its price: how far it tracks, what proves delivery, what it pays for a loss."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field

from linkstar_contracts.text import SafeStr
from linkstar_contracts.values import Money, Value
from linkstar_router.domain.published import Shelf
from linkstar_router.domain.tariff import Service

__all__ = ["ServiceFacts", "facts_of"]

_FACTS = Shelf(files("linkstar_router") / "facts")


class ServiceFacts(Value):
    """Facts of one service with their source. `cover` is what the carrier pays at most for a lost parcel, unless more is
    insured; without it no cover is known, and what is not tracked end to end has none that could be proven.
    """

    tracked: Literal["end_to_end", "delivery_only", "none"]
    proof_of_delivery: Literal["signature", "photo", "scan", "none"]
    cover: Money | None = None
    not_carried: Annotated[tuple[Annotated[str, SafeStr(100)], ...], Field(max_length=20, strict=False)] = ()
    evidence: Annotated[str, SafeStr(40)]
    source: Annotated[str, SafeStr(200)]


def facts_of(service: Service) -> ServiceFacts | None:
    """Return the facts of a service, else those of its carrier's other services; None when nothing is known."""
    return _facts(service.carrier, service.service, service.cover_minor, service.currency)


@cache
def _facts(carrier: str, name: str, cover_minor: int, currency: str) -> ServiceFacts | None:
    row = _rows().get((carrier, name)) or _rows().get((carrier, "*"))
    if row is None:
        return None
    named = {key: row[key] for key in ("tracked", "proof_of_delivery", "evidence", "source")}
    covered = cover_minor and row["tracked"] == "end_to_end"
    cover = {"amount_minor": cover_minor, "currency": currency} if covered else None
    not_carried = tuple(text.strip() for text in row["not_carried"].split(";") if text.strip())
    return ServiceFacts.model_validate({**named, "cover": cover, "not_carried": not_carried})


@cache
def _rows() -> dict[tuple[str, str], dict[str, str]]:
    return {(row["carrier"], row["service"]): dict(row) for _, row in _FACTS.rows("services.csv")}
