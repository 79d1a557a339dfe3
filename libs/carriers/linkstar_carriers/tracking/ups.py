"""Where UPS's parcels are, asked by an application of its own that has the tracking product alone.

Source: `Tracking.yaml` and `OAuthClientCredentials.yaml` of github.com/UPS-API/api-documentation; never run against UPS.
"""

from __future__ import annotations

from urllib.parse import quote

import httpx

from linkstar_carriers.account import CarrierAccount
from linkstar_carriers.oauth import BearerTransport, client_credentials
from linkstar_carriers.outcomes import NotFound, Refused
from linkstar_carriers.scans import TrackOutcome
from linkstar_carriers.tracking.asking import Asking, asked
from linkstar_carriers.tracking.reading import ups_scans
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_runtime.clock import Clock

__all__ = ["UpsTracking"]


class UpsTracking(Asking):
    """Client id and secret of an application; no shipper number, with which nothing could be bought."""

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        self.transport = Transport(account.connector, http, clock, account.base_url, limits)
        call = Call(
            "token", "POST", "/security/v1/oauth/token", form={"grant_type": "client_credentials"},
            basic=(account.secret("client_id"), account.secret("client_secret")),
        )  # fmt: skip
        self.api = BearerTransport(self.transport, client_credentials(self.transport, clock, call))

    @asked
    async def track(self, tracking_number: str) -> TrackOutcome:
        """Ask for the activities of one number; UPS keeps them for 120 days."""
        path = f"/api/track/v1/details/{quote(tracking_number, safe='')}"
        headers = {"transId": tracking_number[:32], "transactionSrc": "linkstar"}
        end = await self._send(Call("track", "GET", path, headers, changes=False))
        if not isinstance(end, Reply):
            return end
        if end.accepted:
            return ups_scans(end.root, tracking_number) or NotFound()
        return NotFound() if end.status == 404 else Refused(*_fault(end))


def _fault(end: Reply) -> tuple[str, str]:
    first = end.root["response"]["errors"].first()
    return first["code"].text_or(f"http_{end.status}")[:64], first["message"].text_or("no detail")[:300]
