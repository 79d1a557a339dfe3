"""A service as data: what it consumes, emits, serves and does in the background. `linkstar_runtime.main` runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from linkstar_contracts.event import Event, Head
from linkstar_contracts.topics import Topic
from linkstar_runtime.handling import Handler, Linked, Telling

if TYPE_CHECKING:
    from fastapi import APIRouter

    from linkstar_runtime.api_keys import Authorizer
    from linkstar_runtime.clock import Clock
    from linkstar_runtime.database import Database
    from linkstar_runtime.settings import Settings
    from linkstar_runtime.vault import Vault
    from linkstar_runtime.writer import Writer

__all__ = ["Command", "Service", "ServiceContext", "Subscription", "Timer", "Worker"]


@dataclass(frozen=True)
class Subscription:
    """Events of one topic that go to one handler, in offset order per shard; other types are skipped head-only."""

    topic: Topic
    events: tuple[type[Event], ...]
    handler: Handler | Telling
    skips: Callable[[Head], bool] | None = None
    """Tells by the head of a record that it means nothing here: its body is then not even read. Not for doors, whose
    bodies must be judged.
    """

    def __post_init__(self) -> None:
        if self.skips is not None and self.topic.door:
            raise ValueError(f"{self.topic.name} is a door: every record of it is read")


class TimerHandler(Protocol):
    """Work due by time, run by the shards' owner under an epoch check, without moving any offset."""

    async def __call__(self, shards: Sequence[int], tx: Any) -> Sequence[Event | Linked]: ...


@dataclass(frozen=True)
class Timer:
    """A timer handler and its period in real seconds."""

    name: str
    every_s: float
    handler: TimerHandler


@dataclass(frozen=True)
class ServiceContext:
    """What HTTP routes and workers of a service may use."""

    settings: Settings
    database: Database
    writer: Writer
    clock: Clock
    vault: Vault
    authorize: Authorizer
    """`Depends(context.authorize("orders:write"))` yields the caller's `Principal`, or answers 401/403."""


@dataclass(frozen=True)
class Worker:
    """A loop outside the batch: `run` is called every `every_s` real seconds until the service stops."""

    name: str
    every_s: float
    run: Callable[[ServiceContext], Awaitable[None]]


@dataclass(frozen=True)
class Command:
    """Work that needs neither Kafka nor PostgreSQL: `python -m linkstar_<service> NAME` answers standard input with JSON.

    A `Problem` it raises is written as its document, with exit status 1.
    """

    name: str
    help: str
    answer: Callable[[bytes, Clock], Awaitable[bytes]]


@dataclass(frozen=True)
class Service:
    """Everything `main` needs to run a service."""

    name: str
    migrations: str
    """Package that holds the numbered SQL files, e.g. `linkstar_router.migrations`."""
    subscriptions: tuple[Subscription, ...] = ()
    emits: tuple[Topic, ...] = ()
    routes: Callable[[ServiceContext], APIRouter] | None = None
    timers: tuple[Timer, ...] = ()
    workers: tuple[Worker, ...] = ()
    commands: tuple[Command, ...] = ()
    settings: Any = field(default=None)
    """An instance of `linkstar_runtime.settings.Settings` or a subclass; read from the environment when None."""
