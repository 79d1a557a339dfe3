"""The book of purchases in PostgreSQL: takes steps under leases, and settles together what ends at about the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

import structlog

from linkstar_contracts.event import Event
from linkstar_labeler import store
from linkstar_labeler.domain.purchase_steps import Outcome, Patience, Step, StepKind
from linkstar_labeler.domain.purchasing import LabelPurchase, reference_of
from linkstar_labeler.handlers.buying import Errand
from linkstar_labeler.handlers.connectors import BoundConnector, Connectors
from linkstar_labeler.handlers.consequences import Consequences, Ended
from linkstar_labeler.handlers.lasting import no_key
from linkstar_labeler.handlers.requests import Asked, write_requests
from linkstar_labeler.store import AccountKey
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database, infrastructure_error
from linkstar_runtime.failpoints import FailpointError, afail
from linkstar_runtime.handling import Transaction
from linkstar_runtime.ids import Ids
from linkstar_runtime.ports import CommitUnknown, StoreConflict, StoreUnavailable
from linkstar_runtime.vault import Vault

__all__ = ["Commands", "StoredPurchases"]

_log = structlog.get_logger(__name__)
_CALLS = (StepKind.BUY, StepKind.REPEAT, StepKind.LOOK_UP)
_AGAIN = (StoreUnavailable, StoreConflict, CommitUnknown, FailpointError)


class Commands(Protocol):
    """What runs a transaction and publishes the events it returns: the runtime's writer."""

    async def run(self, work: Callable[[Transaction], Awaitable[Sequence[Event]]]) -> Sequence[Event]:
        """Run `work`, possibly more than once, and commit it with its events."""


class _Begun(NamedTuple):
    """A purchase with a step that begins now."""

    purchase: LabelPurchase
    account: AccountKey
    bound: BoundConnector
    step: Step


class _Waiting(NamedTuple):
    """An ended errand, and who waits until that is stored."""

    ended: Ended
    stored: asyncio.Future[None]


class StoredPurchases:
    """`PurchaseBook` over labeler's tables. Locks go shipments, purchases, wallets; taking locks purchases only."""

    def __init__(
        self,
        database: Database,
        writer: Commands,
        vault: Vault,
        connectors: Connectors,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self._database, self._writer, self._vault = database, writer, vault
        self._connectors, self._clock, self._patience = connectors, clock, patience
        self._consequences = Consequences(vault, connectors, clock, patience)
        self._waiting: list[_Waiting] = []
        self._turn = asyncio.Lock()
        self._ids = Ids()

    async def take(self, limit: int) -> Sequence[Errand]:
        """Begin steps that are due and commit; the calls come after. One that cannot begin is put off, alone."""
        try:
            errands = await self._take(limit)
        except Exception as error:
            if infrastructure_error(error) or no_key(error):
                raise
            errands = [each for _ in range(limit) for each in await self._take_one()]
        await afail("label.after_calling")
        return errands

    async def _take(self, limit: int) -> list[Errand]:
        deadline = self._clock.monotonic() + self._patience.lease_s
        async with self._database.transaction() as tx:
            begun = await self._begin(tx, limit)
            await self._note(tx, begun)
            return await self._errands(tx, begun, deadline)

    async def _take_one(self) -> list[Errand]:
        try:
            return await self._take(1)
        except Exception as error:
            if infrastructure_error(error) or no_key(error):
                raise
            _log.exception("purchase_put_off", error=type(error).__name__)
        async with self._database.transaction() as tx:
            wall = self._clock.wall()
            await store.put_off_first(tx, wall, wall + timedelta(seconds=self._patience.backoff_max_s))
        return []

    async def _begin(self, tx: Transaction, limit: int) -> list[_Begun]:
        now, begun = self._clock.wall(), []
        due = await store.due_purchases(tx, now, limit)
        bound = {
            account: await self._connectors.of(tx, account) for account in sorted({taken.account for taken in due})
        }
        for purchase, account in due:
            of = bound[account]
            step = purchase.take(now, self._ids.hex(12), of.connector.capabilities, self._patience)
            if step is not None:
                begun.append(_Begun(purchase, account, of, step))
        await store.save_purchases(tx, [purchase for purchase, _ in due])
        return begun

    async def _note(self, tx: Transaction, begun: Sequence[_Begun]) -> None:
        """Remember the attempts that begin, and suspect those that they leave behind."""
        first = self._clock.wall() + timedelta(seconds=self._patience.suspect_checks_s[0])
        suspects = [reference_of(each.purchase.key, each.step.suspects) for each in begun if each.step.suspects]
        await store.note_suspected(tx, suspects, first)
        bought = [each for each in begun if each.step.kind is StepKind.BUY]
        await store.note_attempts(tx, [(each.purchase.key, each.step.attempt, each.account) for each in bought])

    async def _errands(self, tx: Transaction, begun: Sequence[_Begun], deadline: float) -> list[Errand]:
        calls = [each for each in begun if each.step.kind in _CALLS]
        asked = [Asked(each.purchase.key, each.step.attempt, each.bound) for each in calls]
        written = await write_requests(tx, self._vault, asked)
        requests = {one.key: request for one, request in zip(asked, written, strict=True)}
        voids = {each.purchase.key for each in begun if each.step.kind is StepKind.VOID}
        routes = await store.purchased_routes(tx, voids)
        errands = []
        for purchase, _, bound, step in begun:
            errand = Errand(purchase.key, step, bound.connector, deadline)
            if purchase.key in routes:
                errand = errand.voiding(purchase.label(routes[purchase.key].route.service))
            elif purchase.key in requests:
                errand = errand.asking(requests[purchase.key])
            errands.append(errand)
        return errands

    async def settle(self, errand: Errand, outcome: Outcome | None) -> None:
        """Store how an errand ended, with all others that ended meanwhile. It may run more than once: only the holder of
        the token changes anything.
        """
        mine = _Waiting(Ended(errand, outcome), asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        async with self._turn:
            if not mine.stored.done():
                together, self._waiting = self._waiting, []
                await self._settle(together)
        await mine.stored
        await afail("label.t2.commit_reply_lost")

    async def _settle(self, together: Sequence[_Waiting]) -> None:
        """Settle in one transaction; what cannot be settled so is settled one by one, and each learns its own error."""
        try:
            await self._run([each.ended for each in together])
            _tell(together, None)
        except _AGAIN as error:
            _tell(together, error)
        except Exception as error:  # noqa: BLE001 - it is told to whom it concerns
            if len(together) == 1 or no_key(error):
                # without a master key none can be settled
                _tell(together, error)
            else:
                for each in together:
                    await self._settle([each])
        finally:
            _tell(together, StoreUnavailable("who settled for all was stopped"))

    async def _run(self, ended: Sequence[Ended]) -> None:
        await self._writer.run(lambda tx: self._consequences.follow(tx, ended))


def _tell(waiting: Iterable[_Waiting], error: Exception | None) -> None:
    """Tell those who have not heard yet how their errand's settling ended; some may have been stopped and not listen."""
    for each in waiting:
        if each.stored.done():
            continue
        if error is None:
            each.stored.set_result(None)
        else:
            each.stored.set_exception(error)
            each.stored.exception()
