"""Batch handlers of labeler, and the settlement they share with timer and HTTP."""

from __future__ import annotations

from linkstar_labeler.handlers.batches import Handlers, only_labelled
from linkstar_labeler.handlers.settlement import Settler

__all__ = ["Handlers", "Settler", "only_labelled"]
