"""Where FedEx's parcels are. FedEx gives its Track API to projects of their own, which hold nothing else.

Source: "Track API" 1.0.0 and "Quotas & rate limits" of developer.fedex.com; never run against FedEx itself.
"""

from __future__ import annotations

import httpx

from linkstar_carriers.account import CarrierAccount
from linkstar_carriers.oauth import BearerTransport, client_credentials
from linkstar_carriers.outcomes import NotFound, OutcomeUnknown
from linkstar_carriers.replies import Node
from linkstar_carriers.scans import TrackOutcome
from linkstar_carriers.tracking.asking import Asking, asked
from linkstar_carriers.tracking.reading import fedex_scans
from linkstar_carriers.transport import Call, Limits, Reply, Transport
from linkstar_runtime.clock import Clock

__all__ = ["FedexTracking"]

_NOT_FOUND = frozenset({"TRACKING.TRACKINGNUMBER.NOTFOUND", "TRACKING.DATA.NOTFOUND"})


class FedexTracking(Asking):
    """Client id and secret of a tracking project."""

    def __init__(self, account: CarrierAccount, http: httpx.AsyncClient, clock: Clock, limits: Limits) -> None:
        self.transport = Transport(account.connector, http, clock, account.base_url, limits)
        secrets = {"client_id": account.secret("client_id"), "client_secret": account.secret("client_secret")}
        call = Call("token", "POST", "/oauth/token", form={"grant_type": "client_credentials", **secrets})
        self.api = BearerTransport(self.transport, client_credentials(self.transport, clock, call))

    @asked
    async def track(self, tracking_number: str) -> TrackOutcome:
        """Ask for the scans of one number. Faults stand in each result of an accepted answer, too."""
        wanted = [{"trackingNumberInfo": {"trackingNumber": tracking_number}}]
        body = {"trackingInfo": wanted, "includeDetailedScans": True}
        call = Call("track", "POST", "/track/v1/trackingnumbers", {"x-locale": "en_US"}, json=body, changes=False)
        end = await self._send(call)
        if not isinstance(end, Reply):
            return end
        results = [one for each in end.root["output"]["completeTrackResults"] for one in each["trackResults"]]
        found = [one for one in results if not one["error"]]
        if end.accepted and found:
            return fedex_scans(found[0], tracking_number) or NotFound()
        fault = end.root["errors"].first() if not end.accepted else _fault_in(results)
        code = fault["code"].text_or("no_results")[:64]
        return NotFound() if code in _NOT_FOUND else OutcomeUnknown(code, fault["message"].text_or("no detail")[:300])


def _fault_in(results: list[Node]) -> Node:
    return results[0]["error"] if results else Node(None)
