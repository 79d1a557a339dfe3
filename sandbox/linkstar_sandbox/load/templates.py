"""Orders rendered once and stamped out many times: only the order id differs between two records of one template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from linkstar_contracts.event import event_id
from linkstar_sandbox.order_files.drafts import invent_draft
from linkstar_sandbox.order_files.messages import Message, order_message

__all__ = ["COUNTRIES", "Template", "render_templates"]

COUNTRIES = ("US", "CA", "GB", "DE", "FR")
_WAREHOUSES = {"US": ("US-LA", "US-NJ"), "CA": ("CA-TOR",), "GB": ("UK-BHX",), "DE": ("DE-HAJ",), "FR": ("FR-LIL",)}
_MARK = "@@ORDER@@"


@dataclass(frozen=True, slots=True)
class Template:
    """One order with a hole where its id goes."""

    tenant: str
    event_type: str
    parts: tuple[bytes, ...]
    headers: tuple[tuple[str, bytes], ...]

    def stamp(self, order_id: str) -> Message:
        """Return the order's record under this id."""
        subject = order_id.encode()
        own = {"ce_id": event_id(self.tenant, order_id, self.event_type, 1).encode(), "ce_subject": subject}
        headers = tuple((name, own.get(name, value)) for name, value in self.headers)
        return Message(f"{self.tenant}/{order_id}".encode(), subject.join(self.parts), headers)


def render_templates(seed: int, now: datetime, tenant: str, countries: tuple[str, ...], variety: int) -> list[Template]:
    """Return `variety` different orders for each country, placed in the two days before `now`."""
    found = []
    for number in range(variety):
        for country in countries:
            rng = Random(f"{seed}|{country}|{number}")
            draft = invent_draft(rng, _MARK, country, now)
            message = order_message(draft, tenant, rng.choice(_WAREHOUSES[country]))
            parts = tuple(message.value.split(_MARK.encode()))
            event_type = dict(message.headers)["ce_type"].decode()
            found.append(Template(tenant, event_type, parts, message.headers))
    return found
