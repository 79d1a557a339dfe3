"""Actions on parcels under way: the carrier is asked where its connector can, else its own way is the answer, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from linkstar_contracts.events import ActionKind, ActionRequested
from linkstar_labeler.domain.action_answers import unsupported
from linkstar_labeler.handlers.connectors import Connectors
from linkstar_labeler.store.carrier_actions import Sold, answer_actions, sold_parcels, start_actions
from linkstar_runtime.handling import Outcome, Received, Transaction

__all__ = ["ShipmentActions"]

_SELLERS_OWN = {ActionKind.RESHIP, ActionKind.UNKNOWN}
_Asked = Mapping[tuple[str, str], ActionRequested]


class ShipmentActions:
    """The handler; `wall` tells the real time, by which calls are due."""

    def __init__(self, connectors: Connectors, wall: Callable[[], datetime]) -> None:
        self._connectors, self._wall = connectors, wall

    async def on_shipment_actions(
        self, batch: Sequence[Received[ActionRequested]], tx: Transaction
    ) -> Sequence[Outcome]:
        """Answer what was asked for, or have the carrier asked; an action heard of before stays as it is. A reship is no
        carrier's affair.
        """
        asked = {(r.event.tenant, r.event.action_id): r.event for r in batch if r.event.kind not in _SELLERS_OWN}
        if not asked:
            return []
        possible = await self._possible(tx, asked)
        await start_actions(tx, [(asked[key], sold) for key, sold in possible.items()], self._wall())
        answers = {key: unsupported(each, tx.now) for key, each in asked.items() if key not in possible}
        new = await answer_actions(tx, [(asked[key], answer) for key, answer in answers.items()])
        return [answer for key, answer in answers.items() if key in new]

    async def _possible(self, tx: Transaction, asked: _Asked) -> dict[tuple[str, str], Sold]:
        """Return those that the account's connector can ask its carrier for."""
        sold = await sold_parcels(tx, list(asked.values()))
        bound = {each.account: await self._connectors.of(tx, each.account) for each in sold.values()}
        return {
            key: each
            for key, each in sold.items()
            if asked[key].kind.value in bound[each.account].connector.capabilities.interventions
            and _sayable(asked[key])
        }


def _sayable(request: ActionRequested) -> bool:
    """Connectors are told of addresses, not of a carrier's own places: what goes to one of these is for its portal."""
    return not request.pickup_point and (request.kind is not ActionKind.REDIRECT or request.consignee is not None)
