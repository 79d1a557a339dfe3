"""A call to a carrier that is made once: under a lease, put off when it was not sent, and never repeated blindly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from linkstar_labeler.domain.purchase_steps import Patience

__all__ = ["Lease"]


@dataclass(slots=True)
class Lease:
    """Who makes a call, and when to look at it next. All times are real ones."""

    due_at: datetime | None
    """During a call the end of its lease; None where nothing is left to do."""
    token: str = ""
    """Only its holder may say how the call under way ended."""
    tries: int = 0
    waiting_since: datetime | None = None

    @property
    def held(self) -> bool:
        """True while a call may be under way."""
        return bool(self.token)

    def begin(self, now: datetime, token: str, patience: Patience) -> None:
        """Begin a call."""
        self.token, self.due_at = token, now + timedelta(seconds=patience.lease_s)
        self.waiting_since = self.waiting_since or now

    def put_off(self, now: datetime, patience: Patience, least_s: float = 0.0) -> None:
        """Look again later, ever more rarely."""
        wait = min(patience.backoff_s * 2**self.tries, patience.backoff_max_s)
        self.tries, self.token = min(self.tries + 1, 16), ""
        self.due_at = now + timedelta(seconds=max(wait, least_s))

    def end(self) -> None:
        """Nothing is left to do."""
        self.token, self.due_at = "", None

    def overdue(self, now: datetime, patience: Patience) -> bool:
        """Return whether it has been tried for as long as anybody waits."""
        return (now - (self.waiting_since or now)).total_seconds() > patience.give_up_s
