"""Calls with an OAuth 2.0 bearer token: one token per account, one more try when the carrier refuses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from linkstar_carriers.outcomes import NotSent, OutcomeUnknown
from linkstar_carriers.replies import Unreadable
from linkstar_carriers.tokens import Token, TokenSource
from linkstar_carriers.transport import Call, Reply, Transport
from linkstar_runtime.clock import Clock

__all__ = ["NO_TOKEN", "REJECTED", "BearerTransport", "client_credentials", "refused_sign_in"]

REJECTED = "credentials_rejected"
NO_TOKEN = "bad_token_reply"  # noqa: S105 - the code of an answer
_PAUSE_S = 300.0
_LONGEST_TOKEN = 8192
_NAMELESS_LIFE_S = "300"


class BearerTransport:
    """A transport whose calls carry the account's access token. A 401 was not processed, so the call is made once more
    with a new token; calls that were refused together share that one.
    """

    def __init__(self, transport: Transport, tokens: TokenSource) -> None:
        self._transport, self._tokens = transport, tokens

    async def sign_in(self) -> NotSent | None:
        """Get a token, so that the credentials are proven."""
        token = await self._tokens.get()
        return token if isinstance(token, NotSent) else None

    async def send(self, call: Call) -> Reply | NotSent | OutcomeUnknown:
        """Make the call as the account."""
        for _attempt in range(2):
            token = await self._tokens.get()
            if isinstance(token, NotSent):
                return token
            end = await self._transport.send(
                replace(call, headers={**call.headers, "Authorization": f"Bearer {token}"})
            )
            if not isinstance(end, Reply) or end.status != 401:
                return end
            self._tokens.reject(token)
        return NotSent(REJECTED, "the carrier refuses the access token it has just issued", _PAUSE_S)


def client_credentials(transport: Transport, clock: Clock, request: Call) -> TokenSource:
    """Return the token source of a client-credentials grant (RFC 6749, section 4.4)."""
    return TokenSource(clock, _fetcher(transport, request))


def _fetcher(transport: Transport, request: Call) -> Callable[[], Awaitable[Token | NotSent]]:
    async def fetch() -> Token | NotSent:
        end = await transport.send(replace(request, changes=False))
        if isinstance(end, OutcomeUnknown):
            return NotSent(end.code, end.detail)
        if isinstance(end, NotSent):
            return end
        if not end.accepted:
            return refused_sign_in(end.status)
        try:
            life_s = float(end.root["expires_in"].text_or(_NAMELESS_LIFE_S))
            return Token(end.root["access_token"].text(_LONGEST_TOKEN), life_s)
        except (Unreadable, ValueError):
            return NotSent(NO_TOKEN, "the reply holds no access token")

    return fetch


def refused_sign_in(status: int) -> NotSent:
    """Return what a sign-in ends with that was not accepted: only these statuses speak of the credentials."""
    if status in (400, 401, 403):
        return NotSent(REJECTED, f"the carrier refused the credentials ({status})", _PAUSE_S)
    return NotSent(f"http_{status}", "the carrier does not let anybody sign in", _PAUSE_S)
