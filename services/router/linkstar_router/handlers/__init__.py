"""Batch handlers of the router."""

from linkstar_router.handlers.batches import Router

__all__ = ["Router"]
