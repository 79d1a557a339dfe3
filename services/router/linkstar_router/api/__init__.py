"""HTTP of the router: quotes, stored decisions, price lists, routing rules, capacity pools."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from linkstar_router.api import capacity, decisions, quotes, rules, tariffs
from linkstar_router.domain.rules.catalogue import shipped_catalogue
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.store.packbook import Packbook
from linkstar_router.store.rulebook import Rulebook
from linkstar_router.store.termbook import Termbook
from linkstar_runtime.service import ServiceContext

__all__ = ["routes_from"]


def routes_from(snapshot: Snapshot, penalty_minor: int) -> Callable[[ServiceContext], APIRouter]:
    """Return the route factory of the service, answering from the shipped lists and what is imported."""

    def routes(context: ServiceContext) -> APIRouter:
        router, rulebook = APIRouter(prefix="/v1"), Rulebook(shipped_catalogue())
        packbook = Packbook(snapshot)
        termbook = Termbook(packbook, rulebook, context.database, context.clock)
        router.include_router(quotes.routes(context, termbook, penalty_minor))
        router.include_router(decisions.routes(context, packbook, rulebook))
        router.include_router(tariffs.routes(context, packbook, termbook))
        router.include_router(rules.routes(context, packbook, termbook, penalty_minor, shipped_catalogue()))
        router.include_router(capacity.routes(context, termbook, shipped_catalogue()))
        return router

    return routes
