"""Where USPS's parcels are, asked with a token whose scope is tracking alone.

Source: "Tracking" 3.x and "OAuth" 3.x of developers.usps.com; never run against USPS itself. USPS tells of the account's own
parcels.
"""

from __future__ import annotations

from urllib.parse import quote

import httpx

from linkstar_carriers.account import CarrierAccount
from linkstar_carriers.oauth import BearerTransport, client_credentials
from linkstar_carriers.outcomes import NotFound, Refused
from linkstar_carriers.scans import TrackOutcome
from linkstar_carriers.tracking.asking import Asking, asked
from linkstar_carriers.tracking.reading import usps_scans
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_runtime.clock import Clock

__all__ = ["UspsTracking"]


class UspsTracking(Asking):
    """Client id and secret of an application."""

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        self.transport = Transport(account.connector, http, clock, account.base_url, limits)
        secrets = {"client_id": account.secret("client_id"), "client_secret": account.secret("client_secret")}
        grant = {"grant_type": "client_credentials", "scope": "tracking", **secrets}
        call = Call("token", "POST", "/oauth2/v3/token", json=grant)
        self.api = BearerTransport(self.transport, client_credentials(self.transport, clock, call))

    @asked
    async def track(self, tracking_number: str) -> TrackOutcome:
        """Ask for the events of one number."""
        path = f"/tracking/v3/tracking/{quote(tracking_number, safe='')}"
        end = await self._send(Call("track", "GET", path, query={"expand": "DETAIL"}, changes=False))
        if not isinstance(end, Reply):
            return end
        if end.accepted:
            return usps_scans(end.root, tracking_number) or NotFound()
        return NotFound() if end.status == 404 else Refused(*_fault(end))


def _fault(reply: Reply) -> tuple[str, str]:
    error = reply.root["error"]
    first = error["errors"].first()
    code = first["code"].text_or(error["code"].text_or(f"http_{reply.status}"))
    return code[:64], first["detail"].text_or(error["message"].text_or("no detail"))[:300]
