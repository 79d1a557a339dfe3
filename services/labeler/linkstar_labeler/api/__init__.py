"""HTTP of labeler: labels to print and void, the wallet and its ledger."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from linkstar_labeler.api import (
    accounts,
    hand_overs,
    invoices,
    labels,
    manifests,
    pickups,
    printing,
    rebates,
    statements,
    unused_labels,
    wallet,
)
from linkstar_labeler.api.press import Press
from linkstar_labeler.handlers import AccountConnectors, Settler
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]


def routes(settler: Settler, connectors: AccountConnectors) -> Callable[[ServiceContext], APIRouter]:
    """Return what builds the router of a running service."""

    def build(context: ServiceContext) -> APIRouter:
        router = APIRouter(prefix="/v1")
        press = Press()
        router.include_router(printing.routes(context, press))
        router.include_router(labels.routes(context, settler, press))
        router.include_router(manifests.routes(context, connectors, press))
        router.include_router(hand_overs.routes(context))
        router.include_router(pickups.routes(context, connectors))
        router.include_router(accounts.routes(context, connectors))
        router.include_router(wallet.routes(context))
        router.include_router(rebates.routes(context))
        router.include_router(invoices.routes(context))
        router.include_router(statements.routes(context))
        router.include_router(unused_labels.routes(context))
        return router

    return build
