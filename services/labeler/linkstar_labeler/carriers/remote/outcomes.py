"""From a call's end to an outcome of the protocol: what every connector does the same way."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from linkstar_carriers.oauth import REJECTED
from linkstar_carriers.replies import Unreadable
from linkstar_contracts.values import Consignee
from linkstar_labeler.domain.connector import (
    LabelRequest,
    NotSent,
    OutcomeUnknown,
    PickupRequest,
    Refused,
    VoidDeclined,
)
from linkstar_labeler.domain.interventions import Intervention

__all__ = ["NotSellable", "reading", "selling", "without_people"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class NotSellable(Exception):
    """The shipment cannot be written down for this carrier; nothing was sent. The detail holds no personal data."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


def reading(
    method: Callable[_P, Awaitable[_T]],
) -> Callable[_P, Coroutine[Any, Any, _T | OutcomeUnknown]]:
    """An answer that cannot be read leaves the outcome unknown: the carrier may have done what it was asked.

    What the carrier says of the people of a shipment does not leave the connector.
    """

    @functools.wraps(method)
    async def read(*args: _P.args, **kwargs: _P.kwargs) -> _T | OutcomeUnknown:
        try:
            return without_people(await method(*args, **kwargs), args)
        except Unreadable as fault:
            return OutcomeUnknown(fault.code, fault.detail)

    return read


def selling(
    method: Callable[_P, Awaitable[_T]],
) -> Callable[_P, Coroutine[Any, Any, _T | Refused | OutcomeUnknown]]:
    """As `reading`; and what cannot be written for the carrier, or not with these credentials, is refused."""
    readable = reading(method)

    @functools.wraps(method)
    async def sell(*args: _P.args, **kwargs: _P.kwargs) -> _T | Refused | OutcomeUnknown:
        try:
            return _refused(await readable(*args, **kwargs))
        except NotSellable as fault:
            return Refused(fault.code, fault.detail)

    return sell


def _refused(outcome: _T) -> _T | Refused:
    """Credentials that the carrier rejects will not become good by waiting: that is a refusal."""
    if isinstance(outcome, NotSent) and outcome.code == REJECTED:
        return Refused(outcome.code, outcome.detail)
    return outcome


def without_people(outcome: _T, asked: Iterable[object]) -> _T:
    """Return the outcome with the names, streets and contacts of those it is about struck from its detail."""
    if not isinstance(outcome, Refused | NotSent | OutcomeUnknown | VoidDeclined):
        return outcome
    detail = outcome.detail
    for private in sorted({text for person in _people(asked) for text in _private(person)}, key=len, reverse=True):
        detail = re.sub(re.escape(private), "***", detail, flags=re.IGNORECASE)
    return replace(outcome, detail=detail)


def _people(asked: Iterable[object]) -> Iterator[Consignee]:
    for item in asked:
        if isinstance(item, LabelRequest):
            yield from (item.sender, item.receiver)
        elif isinstance(item, PickupRequest):
            yield item.address
        elif isinstance(item, Intervention):
            yield from (item.requester, item.receiver) if item.receiver else (item.requester,)
        elif isinstance(item, Consignee):
            yield item


def _private(person: Consignee) -> Iterator[str]:
    whole = (person.company, person.street, person.street2, person.phone, person.email, person.tax_id, person.postcode)
    yield from (text for text in (*whole, person.name, *person.name.split()) if len(text) > 2)
