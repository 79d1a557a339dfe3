"""Where runs take place: broker, database, two labeler processes, and the carriers' simulators with accounts at them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from integration.labeler.carrier_rigs import RIGS, Rig

from linkstar_labeler.carriers.remote import connect, open_http
from linkstar_labeler.domain.connector import Capabilities, Purchased
from linkstar_runtime.clock import Clock
from linkstar_runtime.migrate import migrate
from linkstar_sandbox.chaos.stack import ArmedReplica
from linkstar_sandbox.environment import service_url
from linkstar_sandbox.home import Home
from linkstar_sandbox.plan import Plan
from linkstar_sandbox.ports import free_ports
from linkstar_sandbox.replica import Replica
from linkstar_sandbox.stack import Stack, Tell

__all__ = ["LEASE_S", "PROBE", "REPLICAS", "TENANT", "Ground", "LabelStack", "Slot", "carriers"]

TENANT = "demo"
REPLICAS = 2
LEASE_S = 2.5
PLENTY_MINOR = 10_000_000_00
PROBE = "client9000"
"""Beginning of the names of accounts whose sales are nobody's orders."""
SLOTS = 12
"""Accounts at each carrier; a run has one for itself."""
_UNDER_CHAOS = {
    "LINKSTAR_PURCHASES__CALL_S": "1",
    "LINKSTAR_PURCHASES__LEASE_S": str(LEASE_S),
    "LINKSTAR_PURCHASES__SETTLE_S": "1.5",
    "LINKSTAR_PURCHASES__LOOK_S": "0.2",
    "LINKSTAR_PURCHASES__COMPARE_S": "5",
    "LINKSTAR_PURCHASES__GIVE_UP_S": "20",
    "LINKSTAR_PURCHASES__BACKOFF_S": "0.3",
    "LINKSTAR_PURCHASES__BACKOFF_MAX_S": "3",
    "LINKSTAR_PURCHASES__VOID_AGAIN_S": "2",
    "LINKSTAR_PURCHASES__SUSPECT_CHECKS_S": "[3, 5, 8]",
    "LINKSTAR_KAFKA__SESSION_TIMEOUT_MS": "6000",
    "LINKSTAR_STAGE__BACKOFF_MAX_S": "2",
}
"""Minutes and hours become seconds, so that a run sees every one of them end."""


@dataclass(frozen=True)
class Slot:
    """One account of the seller at one carrier."""

    rig: Rig
    account: str

    @property
    def carrier(self) -> str:
        return self.rig.connector


class LabelStack(Stack):
    """Labelers alone, each of which may be armed with a failpoint or broken on purpose."""

    def __init__(self, home: Home, tell: Tell, mutant: str = "") -> None:
        plan = Plan(
            services=("labeler",),
            replicas={"labeler": REPLICAS},
            simulate=False,
            log_level="error",
            static_members=True,
        )
        super().__init__(home, plan, tell)
        self._mutant = mutant
        self.hits = home.path / "failpoint-hits"

    @property
    def labelers(self) -> list[ArmedReplica]:
        return [each for each in list(self.replicas.values()) if isinstance(each, ArmedReplica)]

    async def _migrate(self) -> None:
        """The consignees' keys are made by ingest, so its role has to be there, though nobody runs it."""
        await super()._migrate()
        admin = self.infrastructure.admin_url
        url = service_url(self.home, self.plan, admin, "ingest")
        await migrate(admin, "ingest", "linkstar_runtime.runtime_migrations", service_url=url)

    def _environment(self, service: str) -> dict[str, str]:
        environment = super()._environment(service) | _UNDER_CHAOS
        del environment["LINKSTAR_TELEMETRY__SPANS_FILE"]
        return environment | {"LINKSTAR_FAILPOINT_HITS": str(self.hits)}

    def _module(self, module: str, *arguments: str) -> list[str]:
        broken = ("label_chaos.mutants", self._mutant, module) if self._mutant else (module,)
        return super()._module(*broken, *arguments)

    def _replica(
        self, name: str, command: list[str], environment: Mapping[str, str], port: int | None = None
    ) -> Replica:
        return ArmedReplica(name, command, environment, self._log(name), port)


@contextmanager
def carriers(home: Home) -> Iterator[str]:
    """Run the carriers' simulators as a process; yields their address."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "linkstar_sandbox.carrier_apis", "--port", str(port)]
    process = Replica("carrier-apis", command, os.environ, home.logs / "carrier-apis.log")
    process.start()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=30)) as client:
            client.get(f"http://127.0.0.1:{port}/_sim/magic").raise_for_status()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


_RENEWED = httpx.Limits(keepalive_expiry=1.0)
"""The servers close what was idle for five seconds, httpx's own limit: a call on its way then would find no answer."""


class Ground:
    """The carriers' control and the seller's calls to the labeler. Use as an async context manager."""

    def __init__(self, stack: LabelStack, simulators: str) -> None:
        self.stack, self.simulators = stack, simulators
        self.slots = [Slot(rig, f"client{SLOTS * at + place}") for at, rig in enumerate(RIGS) for place in range(SLOTS)]
        self.prices: dict[tuple[str, int], int] = {}
        """What a carrier charges for so many of our parcels, in minor units."""
        self.capabilities: dict[str, Capabilities] = {}
        self.tell_prices: set[str] = set()

    @property
    def recovering(self) -> frozenset[str]:
        """Carriers that can be asked what became of an attempt: by a key, a look-up or a list."""
        return frozenset(
            name for name, can in self.capabilities.items() if can.recovers or can.lists_labels or can.key_lives_s
        )

    @property
    def billing_late(self) -> frozenset[str]:
        """Carriers that take no label back and bill only parcels they were handed."""
        return frozenset(name for name, can in self.capabilities.items() if not can.voids)

    async def __aenter__(self) -> Ground:
        self._carriers = httpx.AsyncClient(base_url=self.simulators, timeout=60.0, limits=_RENEWED)
        self._labeler = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self.stack.endpoints['keys']['demo']}"}, timeout=60.0,
            transport=httpx.AsyncHTTPTransport(retries=5, limits=_RENEWED),
        )  # fmt: skip
        return self

    async def __aexit__(self, *_ended: object) -> None:
        await self._carriers.aclose()
        await self._labeler.aclose()

    async def call(self, method: str, path: str, key: str = "", **content: Any) -> dict[str, Any]:
        """Call the labeler's API as the seller does."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self._labeler.request(
            method, self.stack.urls("labeler")[0] + path, headers=headers, **content
        )  # fmt: skip
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        found: dict[str, Any] = answer.json()
        return found

    async def prepare(self) -> None:
        """Learn the carriers' prices, bind the accounts and pay money in."""
        await self._learn_prices()
        for slot in self.slots:
            bound = slot.rig.account(self.simulators, slot.account)
            await self.call("PUT", f"/v1/carrier-accounts/{slot.carrier}/{slot.account}", json={
                "connector": bound.connector, "base_url": bound.base_url, "number": bound.number,
                "credentials": dict(bound.credentials),
                "settings": {**bound.settings, "calls_per_s": "1000", "calls_at_once": "100"},
                "senders": {"*": slot.rig.sender.model_dump()}, "drift_percent": 10,
            })  # fmt: skip
        for currency in sorted({slot.rig.currency for slot in self.slots}):
            money = {"amount_minor": PLENTY_MINOR, "currency": currency}
            await self.call("POST", "/v1/wallet/topups", f"first-{currency}", json=money)

    async def _learn_prices(self) -> None:
        async with open_http() as http:
            for number, rig in enumerate(RIGS):
                connector = connect(rig.account(self.simulators, f"{PROBE}{number}"), http, Clock())
                self.capabilities[rig.connector] = connector.capabilities
                for parcels in (1, 2) if rig.multi_parcel else (1,):
                    bought = await connector.buy(rig.request(parcels=parcels))
                    if not isinstance(bought, Purchased):
                        raise RuntimeError(f"{rig.connector} sells nothing: {bought}")
                    self.prices[rig.connector, parcels] = (await self.sales())[-1]["charged_minor"]
                    self.tell_prices |= {rig.connector} if bought.charged else set()

    async def plan(self, faults: list[dict[str, Any]]) -> None:
        """Let the next fitting calls fail."""
        (await self._carriers.post("/_sim/faults", json=faults)).raise_for_status()

    async def calm(self) -> None:
        """Let no call fail any more."""
        (await self._carriers.delete("/_sim/faults")).raise_for_status()

    async def suffered(self) -> dict[str, int]:
        """Tell how often each kind of fault happened."""
        found: dict[str, int] = (await self._carriers.get("/_sim/faults")).json()
        return found

    async def sales(self) -> list[dict[str, Any]]:
        """Return what the carriers truly sold."""
        found: list[dict[str, Any]] = (await self._carriers.get("/_sim/ledger")).json()["sales"]
        return found
