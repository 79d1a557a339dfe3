"""A seller's own packs: agreements about known services, which take their place, and carriers of the seller's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Annotated

from pydantic import Field, ValidationError

from linkstar_router.domain.calendars import load_calendars
from linkstar_router.domain.editions import priced_by
from linkstar_router.domain.manifest import ContractSpec, Spec
from linkstar_router.domain.packs import compiled, load_transit, manifest_files, manifests, read_document
from linkstar_router.domain.published import FOREVER, Shelf, TariffError
from linkstar_router.domain.surcharges import contract_of
from linkstar_router.domain.tariff import Edition, Pack, Service

__all__ = ["Agreement", "agreements", "extent_of", "with_own"]

_Word = Annotated[str, Field(min_length=1, max_length=200)]


class Terms(ContractSpec):
    """What is agreed for one service; `prices` names a file with its own base rates."""

    prices: str = ""


class Agreement(Spec):
    """What a seller agreed with a carrier, on top of the carrier's shipped list."""

    agreement: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
    carrier: _Word
    account: Annotated[str, Field(max_length=64, pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    source: _Word
    as_of: date
    valid_from: date
    valid_to: date | None = None
    services: Annotated[dict[str, Terms], Field(min_length=1)]


def agreements(shelf: Shelf) -> list[tuple[str, Agreement]]:
    """Return the agreements of a folder with their files; raises TariffError at the first fault."""
    found = []
    for file in manifest_files(shelf):
        content = read_document(shelf, file)
        if "agreement" in content:
            found.append((file, _parsed(file, content)))
    return found


def _parsed(file: str, content: dict[str, object]) -> Agreement:
    try:
        agreement = Agreement.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise TariffError("agreement_invalid", file, 0, f"{place}: {fault['msg']}", f"correct {place}") from error
    if agreement.valid_to is not None and agreement.valid_to < agreement.valid_from:
        what = f"it ends on {agreement.valid_to}, before it begins on {agreement.valid_from}"
        raise TariffError("agreement_invalid", file, 0, what, "correct valid_from or valid_to")
    return agreement


def with_own(
    services: Iterable[Service], shelf: Shelf, lists: Mapping[str, Service] | None = None
) -> tuple[Service, ...]:
    """Return the services with the packs of a shelf applied: agreements in the place of the list they are about, own
    carriers at the end. A service kept for reference is offered as long as there is an agreement about it.

    `lists` are the services as published, where `services` have agreements already: a later one takes the place of an
    earlier one, and adds nothing to it.
    """
    known = {service.key: service for service in services}
    published = known.copy() if lists is None else lists
    for file, agreement in agreements(shelf):
        for name, terms in agreement.services.items():
            key = f"{agreement.carrier}/{name}"
            if key not in known:
                near = sorted(each for each in known if each.startswith(f"{agreement.carrier}/")) or sorted(known)
                what = f"no service {key} is known"
                raise TariffError("service_unknown", file, 0, what, f"name one of {', '.join(near)}")
            known[key] = _agreed(shelf, known[key], published.get(key, known[key]), agreement, terms)
    transit = load_transit(shelf)
    for file, manifest in manifests(shelf):
        for spec in manifest.service:
            made = compiled(shelf, manifest, spec, transit)
            if made.calendar not in _calendars():
                what, names = f"there is no calendar {made.calendar}", ", ".join(sorted(_calendars()))
                raise TariffError("calendar_unknown", file, 0, what, f"use one of {names}")
            if made.key in known:
                what = f"{made.key} is the name of a service that exists"
                raise TariffError(
                    "service_exists", file, 0, what, "choose another name, or write an agreement about it"
                )
            known[made.key] = made
    return tuple(known.values())


@cache
def _calendars() -> frozenset[str]:
    return frozenset(load_calendars())


def _agreed(shelf: Shelf, service: Service, listed: Service, agreement: Agreement, terms: Terms) -> Service:
    since, until = agreement.valid_from.toordinal(), (agreement.valid_to or FOREVER).toordinal()
    running = [edition for edition in listed.editions if edition.since <= since <= edition.until][-1:]
    inside = [*running, *(edition for edition in listed.editions if since < edition.since <= until)]
    own = [_own(shelf, service, edition, agreement, terms) for edition in inside]
    others = () if service.reference else service.editions
    before = [replace(edition, until=min(edition.until, since - 1)) for edition in others if edition.since < since]
    after = _rest(others, until) if until < FOREVER.toordinal() else []
    clipped = [replace(edition, since=max(edition.since, since), until=min(edition.until, until)) for edition in own]
    return replace(service, editions=(*before, *clipped, *after), reference="")


def _rest(editions: Collection[Edition], until: int) -> list[Edition]:
    """Return the editions from the day after the agreement's end."""
    running = [edition for edition in editions if edition.since <= until < edition.until]
    resumed = [replace(edition, since=until + 1) for edition in running[-1:]]
    return [*resumed, *(edition for edition in editions if edition.since > until)]


def _own(shelf: Shelf, service: Service, edition: Edition, agreement: Agreement, terms: Terms) -> Edition:
    pack = _pack(service, edition.pack, agreement, terms)
    contract = contract_of(terms)
    if terms.prices:
        edition = priced_by(shelf, terms.prices, {"service": (service.service,)}, edition, service)
    return replace(
        edition, pack=pack, contract=contract, tariff=f"{pack.id}@{pack.valid_from.isoformat()}",
    )  # fmt: skip


def _pack(service: Service, base: Pack, agreement: Agreement, terms: Terms) -> Pack:
    told = agreement.source if terms.prices else f"{agreement.source}; on {base.source}"
    return replace(
        base, id=agreement.agreement, source=told[:300], as_of=agreement.as_of, valid_from=agreement.valid_from,
        valid_to=agreement.valid_to, rate_type="contract", file=terms.prices or base.file,
        synthetic=base.synthetic and not terms.prices, account=agreement.account,
    )  # fmt: skip


def extent_of(shelf: Shelf) -> tuple[date | None, date | None, list[str]]:
    """Return from when to when a folder's packs price something (None: without end), and which services."""
    found = [agreement for _, agreement in agreements(shelf)]
    services = [f"{agreement.carrier}/{name}" for agreement in found for name in agreement.services]
    since = [agreement.valid_from for agreement in found]
    until = [agreement.valid_to or FOREVER for agreement in found]
    for _, manifest in manifests(shelf):
        services += [f"{manifest.carrier}/{spec.service}" for spec in manifest.service]
        for spec in manifest.service:
            rates = [shelf.rates(sheet.file, sheet.rows)[0] for sheet in spec.lists]
            since += [rate.since for rate in rates]
            until += [rate.until or FOREVER for rate in rates]
    last = max(until, default=FOREVER)
    return min(since, default=None), None if last == FOREVER else last, sorted(services)
