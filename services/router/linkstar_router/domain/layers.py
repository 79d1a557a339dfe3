"""Imported packs on top of the shipped lists: the snapshot of a tenant, whose version names all that it prices from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import NamedTuple

from linkstar_router.domain.charts import CHART_FILE, Charts, charted, load_charts
from linkstar_router.domain.exchange import EXCHANGE_FILE, ExchangeRates, load_exchange
from linkstar_router.domain.own_packs import with_own
from linkstar_router.domain.pack_files import shelf_of
from linkstar_router.domain.packs import load_all_services, manifests
from linkstar_router.domain.published import SHIPPED, Shelf
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.domain.tariff import Edition, Service

__all__ = ["Layer", "layered"]

_LONGEST_TARIFF = 100


class Layer(NamedTuple):
    """One imported version of a pack. `name` is how decisions call it: `acme.2`, or `platform/lines.1`."""

    name: str
    digest: str
    texts: Mapping[str, str]


def layered(base: Snapshot, layers: Sequence[Layer]) -> tuple[Snapshot, list[tuple[Layer, Exception]]]:
    """Return the snapshot with the layers on top, the last one uppermost, and those that could not be applied.

    Packs are checked as they are imported: only one that was checked by an older release can fail here.
    """
    lists = {service.key: service for service in load_all_services()}
    services, applied, failed = dict(lists), list[Layer](), list[tuple[Layer, Exception]]()
    for layer in layers:
        try:
            _charts([layer])
            _exchange([layer])
            services = _with(services, layer, lists)
            applied.append(layer)
        except (ValueError, LookupError, ArithmeticError) as error:
            failed.append((layer, error))
    if not applied:
        return base, failed
    charts = _charts(applied)
    digest = blake2b("\n".join(f"{layer.name} {layer.digest}" for layer in applied).encode(), digest_size=8)
    return Snapshot(
        version=f"{base.version}+{digest.hexdigest()}", packs=tuple(layer.name for layer in applied),
        services=charted((service for service in services.values() if not service.reference), charts),
        areas=base.areas, charts=base.charts.with_charts(charts) if charts else base.charts,
        calendars=base.calendars, borders=base.borders, regions=base.regions,
        exchange=_exchange(applied) or base.exchange,
    ), failed  # fmt: skip


def _with(services: Mapping[str, Service], layer: Layer, lists: Mapping[str, Service]) -> dict[str, Service]:
    shelf = shelf_of(layer.texts, SHIPPED)
    replaced = _made_by(shelf) - lists.keys()
    below = {key: service for key, service in services.items() if key not in replaced}
    return {
        service.key: service if service is below.get(service.key) else _named(service, below.get(service.key), layer)
        for service in with_own(below.values(), shelf, lists)
    }


def _exchange(layers: Sequence[Layer]) -> ExchangeRates | None:
    """Return the rates that the uppermost layer with any brings."""
    found = [layer for layer in layers if EXCHANGE_FILE in layer.texts]
    return load_exchange(shelf_of(found[-1].texts, SHIPPED)) if found else None


def _charts(layers: Sequence[Layer]) -> Charts:
    """Return the zone charts of all layers; of two about a carrier the upper one holds alone."""
    found: dict[str, Mapping[tuple[int, int], str]] = {}
    for layer in layers:
        if CHART_FILE in layer.texts:
            found.update(load_charts(shelf_of(layer.texts, SHIPPED)))
    return found


def _made_by(shelf: Shelf) -> set[str]:
    """Return the services of a pack's own carriers."""
    return {f"{manifest.carrier}/{spec.service}" for _, manifest in manifests(shelf) for spec in manifest.service}


def _named(service: Service, below: Service | None, layer: Layer) -> Service:
    """Return the service with the layer's name in the tariff of every edition that it brought."""
    known = {edition.tariff for edition in below.editions} if below else set[str]()
    return replace(service, editions=tuple(_priced_by(service.editions, known, layer.name)))


def _priced_by(editions: Iterable[Edition], known: set[str], name: str) -> Iterable[Edition]:
    for edition in editions:
        own = edition.tariff not in known
        yield replace(edition, tariff=f"{name}:{edition.tariff}"[:_LONGEST_TARIFF]) if own else edition
