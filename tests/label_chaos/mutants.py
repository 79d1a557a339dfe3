"""Broken labelers: `python -m label_chaos.mutants NAME MODULE ARGUMENTS…` breaks the purchase as named and runs the service.
The product has no switch for it.
"""

from __future__ import annotations

import runpy
import sys

from label_simulation import mutants

from linkstar_labeler.handlers.reconciling import Reconciler
from linkstar_labeler.store import purchases

__all__ = ["MUTANTS", "main"]

MUTANTS = ("retry_on_unknown", "calling_to_intent", "no_reconcile")
"""Each must be caught by the judge of real runs. `label_simulation` knows more."""


async def _nothing(_self: Reconciler) -> None:
    """Compare nothing, look up nothing, void nothing."""


def main() -> None:
    """Break the product and run the module as its own command would."""
    name, module, *arguments = sys.argv[1:]
    broken = mutants.MUTANTS[name]
    if broken is None:
        Reconciler.read_lists = Reconciler.look_up_suspects = Reconciler.void_orphans = _nothing  # type: ignore[assignment, method-assign]
    else:
        purchases.LabelPurchase = broken  # type: ignore[attr-defined]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
