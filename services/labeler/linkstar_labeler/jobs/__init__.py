"""Work due by time, and loops beside the batch."""

from __future__ import annotations

from linkstar_labeler.jobs.held import MoneyGauges, continue_held
from linkstar_labeler.jobs.manifests import EndOfDay, close_due_day, measure_hand_overs
from linkstar_labeler.jobs.purchases import Purchasing
from linkstar_labeler.jobs.unused import give_up_unused

__all__ = ["EndOfDay", "MoneyGauges", "Purchasing", "close_due_day", "continue_held", "give_up_unused",
           "measure_hand_overs"]  # fmt: skip
