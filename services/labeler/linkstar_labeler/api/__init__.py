"""HTTP of labeler: labels to print and void, the wallet and its ledger."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from linkstar_labeler.api import labels, rebates, wallet
from linkstar_labeler.handlers import Settler
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]


def routes(settler: Settler) -> Callable[[ServiceContext], APIRouter]:
    """Return what builds the router of a running service."""

    def build(context: ServiceContext) -> APIRouter:
        router = APIRouter(prefix="/v1")
        router.include_router(labels.routes(context, settler))
        router.include_router(wallet.routes(context))
        router.include_router(rebates.routes(context))
        return router

    return build
