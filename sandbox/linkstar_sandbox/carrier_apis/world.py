"""What all simulated carriers share: a clock, the ledger, the faults to come and the access tokens given out."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from fastapi import Request

from linkstar_runtime.clock import Clock
from linkstar_sandbox.carrier_apis.faults import Faults
from linkstar_sandbox.carrier_apis.ledger import Ledger

__all__ = ["CarrierError", "Tokens", "World", "account_of", "form_of", "signed_in", "world_of"]


class CarrierError(Exception):
    """A carrier's refusal; each simulated carrier writes it in its own form."""

    def __init__(self, status: int, code: str, detail: str, parameter: str = "") -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.parameter = status, code, detail, parameter


_TRACKS = "track-"
_TRACKING = frozenset({"token", "track"})


class Tokens:
    """Access tokens by carrier. An account's secret is the word `secret-` and its client id; everything else is wrong. The
    client `track-` and an account is an application of it that may only ask where parcels are.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given: dict[str, tuple[str, str, float]] = {}
        self._serial = 0
        self.issued: dict[str, int] = {}

    def issue(self, carrier: str, client: str, secret: str, lives_s: float) -> str:
        """Return a new token for right credentials."""
        if not client or secret != f"secret-{client}":
            raise CarrierError(401, "invalid_client", "the client is unknown or its secret is wrong")
        return self.grant(carrier, client, lives_s)

    def grant(self, carrier: str, account: str, lives_s: float) -> str:
        """Return a new token for an account that is signed in otherwise."""
        self._serial += 1
        token = f"{carrier}.{account}.{self._serial}"
        self._given[token] = (carrier, account, self._clock.monotonic() + lives_s)
        self.issued[carrier] = self.issued.get(carrier, 0) + 1
        return token

    def account(self, carrier: str, token: str) -> str | None:
        """Return whose token it is, while it is good."""
        owner, client, until = self._given.get(token, ("", "", 0.0))
        return client.removeprefix(_TRACKS) if owner == carrier and self._clock.monotonic() < until else None

    def tracks_only(self, token: str) -> bool:
        """Tell whether the token's application may only track."""
        return self._given.get(token, ("", "", 0.0))[1].startswith(_TRACKS)

    def revoke(self) -> None:
        """No token given out so far is good any more."""
        self._given.clear()


@dataclass
class World:
    """The state of one simulator process."""

    clock: Clock
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)
    tokens: Tokens = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.clock)


def world_of(request: Request) -> World:
    """Return the simulator's state."""
    world: World = request.app.state.world
    return world


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def account_of(request: Request) -> str:
    """Return who calls, or nothing when that cannot be told."""
    return world_of(request).tokens.account(str(request.app.title), _bearer(request)) or ""


def signed_in(request: Request) -> str:
    """Return the account whose token the call carries."""
    account = account_of(request)
    if not account:
        raise CarrierError(401, "401", "the access token is missing, wrong or expired")
    if world_of(request).tokens.tracks_only(_bearer(request)) and request.scope["route"].name not in _TRACKING:
        raise CarrierError(403, "403", "the application has no access to this service")
    return account


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a URL-encoded form."""
    return dict(parse_qsl((await request.body()).decode("ascii", "replace")))
