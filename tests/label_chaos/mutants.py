"""Broken labelers: `python -m label_chaos.mutants NAME MODULE ARGUMENTS…` breaks the purchase as named and runs the service.
The product has no switch for it.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from label_simulation import mutants

from linkstar_labeler.domain import purchasing
from linkstar_labeler.domain.connector import Voided
from linkstar_labeler.domain.purchase_steps import StepKind
from linkstar_labeler.handlers import buying
from linkstar_labeler.handlers.consequences import Consequences
from linkstar_labeler.handlers.reconciling import Reconciler
from linkstar_labeler.store import purchases

__all__ = ["MUTANTS", "main"]


async def _nothing(*_asked: Any) -> None:
    """Do nothing."""


def _no_reconcile() -> None:
    """Compare no list, look nothing up, void no orphan."""
    for name in ("read_lists", "look_up_suspects", "void_orphans"):
        setattr(Reconciler, name, _nothing)


def _cancel_unasked() -> None:
    """A label is noted as voided, and the carrier is never asked."""
    call = buying._call

    async def _called(errand: buying.Errand) -> Any:
        return Voided() if errand.step.kind is StepKind.VOID else await call(errand)

    buying._call = _called


def _any_price() -> None:
    """A label is kept whatever it costs."""
    purchasing._too_dear = lambda _charged, _limit: False


def _no_documents() -> None:
    """What the carrier printed is thrown away."""
    Consequences._keep = _nothing  # type: ignore[method-assign]


def _purchase(name: str) -> None:
    """The aggregate of `label_simulation`'s broken variant."""
    purchases.LabelPurchase = mutants.MUTANTS[name]  # type: ignore[attr-defined]


MUTANTS: dict[str, Callable[[], None]] = {
    "retry_on_unknown": partial(_purchase, "retry_on_unknown"),
    "calling_to_intent": partial(_purchase, "calling_to_intent"),
    "no_reconcile": _no_reconcile,
    "cancel_unasked": _cancel_unasked,
    "any_price": _any_price,
    "no_documents": _no_documents,
}
"""Each must be caught by the judge of real runs."""


def main() -> None:
    """Break the product and run the module as its own command would."""
    name, module, *arguments = sys.argv[1:]
    MUTANTS[name]()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
