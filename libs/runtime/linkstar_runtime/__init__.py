"""LinkStar's service runtime: the fenced batch stage and everything a service shares. A service is a `Service` value and
`main(build)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkstar_runtime.handling import Handler, Linked, Received, Reject, Retry, Transaction
from linkstar_runtime.service import Command, Service, ServiceContext, Subscription, Timer, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Command", "Handler", "Linked", "Received", "Reject", "Retry", "Service", "ServiceContext", "Subscription", "Timer",
    "Transaction", "Worker", "main",
]  # fmt: skip


def main(build: Callable[[], Service]) -> None:
    """Run a service from the command line; the heavy parts are imported only now."""
    from linkstar_runtime.entry import main as enter

    enter(build)
