"""Runs a `Service`: one process with the Kafka stage, the HTTP API, timers and workers, and a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Any

import structlog
import uvicorn
from faststream.kafka import KafkaBroker

from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.api_keys import Authorizer
from linkstar_runtime.batch import BatchRunner
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.dead_letters import Circuit
from linkstar_runtime.decoding import Decoder
from linkstar_runtime.emitter import Emitter
from linkstar_runtime.health import Health
from linkstar_runtime.http import create_app
from linkstar_runtime.ids import Ids
from linkstar_runtime.kafka import KafkaProducer, Listener, cluster_facts, subscribe
from linkstar_runtime.metrics import INFO, RESTARTED_AFTER, ExitCode, Process
from linkstar_runtime.migrate import at_head
from linkstar_runtime.ownership import Ownership
from linkstar_runtime.ports import CommitUnknown, StoreConflict, StoreUnavailable
from linkstar_runtime.postgres_store import PostgresStageStore
from linkstar_runtime.progress import Progress
from linkstar_runtime.service import Service, ServiceContext, Worker
from linkstar_runtime.settings import Settings
from linkstar_runtime.stage import Stage
from linkstar_runtime.sweep import Sweep
from linkstar_runtime.telemetry import Telemetry
from linkstar_runtime.timers import Timers
from linkstar_runtime.vault import Vault
from linkstar_runtime.watchdog import Watchdog
from linkstar_runtime.writer import Writer

__all__ = ["VERSION", "Application"]

log = structlog.get_logger(__name__)
VERSION = "0.1.0"
FORGET_EVERY_S = 60.0


class Application:
    """One running service process."""

    def __init__(self, service: Service, settings: Settings, only: str | None = None) -> None:
        self._service, self._settings, self._only = service, settings, only
        self._clock, self._ids = Clock.from_settings(settings.clock), Ids()
        self._telemetry = Telemetry.from_settings(settings.telemetry, service.name, self._ids)
        self._stop = asyncio.Event()
        self._paged = False
        self._draining = False

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT; return the exit code: 0 after a clean end, 75 when someone must look first."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            spare_the_collector()
            INFO.set(Process(self._service.name, VERSION, self._settings.instance_id), 1)
            if self._settings.last_exit_code is not None:
                RESTARTED_AFTER.set(ExitCode(str(self._settings.last_exit_code)), 1)
            log.info("started", action="service_started", service=self._service.name, version=VERSION)
            await self._stop.wait()
            self._draining = True
            log.info("stopping", action="service_stopping", service=self._service.name)
        self._telemetry.shutdown()
        return 75 if self._paged else 0

    # -- assembly ----------------------------------------------------------------------------------------------------

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        service, settings = self._service, self._settings
        database = await self._connected(stack)
        prefix, group = settings.kafka.topic_prefix, settings.kafka.topic_prefix + service.name
        decoder = Decoder(service.subscriptions, prefix, PARTITIONS)
        targets = {prefix + topic.name for topic in service.emits} | {f"{topic}-dlq" for topic in decoder.topics}
        cluster_id = await cluster_facts(settings.kafka.bootstrap, {*decoder.topics, *targets}, PARTITIONS)
        producer = KafkaProducer(settings.kafka, settings.stage.produce_timeout_s, settings.instance_id)
        await producer.start()
        stack.push_async_callback(producer.stop)

        store = PostgresStageStore(group, VERSION, database)
        emitter = Emitter(producer, self._telemetry)
        limits = settings.stage
        circuit = Circuit(limits.dead_letter_ratio_limit, limits.dead_letter_window, limits.dead_letter_consecutive)
        runner = BatchRunner(
            service.name, VERSION, service.subscriptions, service.emits, prefix, PARTITIONS, store, emitter, circuit,
            self._clock, self._telemetry,
        )  # fmt: skip
        ownership = Ownership(
            settings.instance_id, decoder.topics, cluster_id, store, emitter, self._clock, self._ids, self._page
        )
        stage = Stage(group, decoder, runner, ownership, emitter, store, self._clock, self._ids, limits.backoff_max_s)
        timers = Timers(service.timers, runner, ownership, store, self._clock, self._telemetry)
        sweep = Sweep(stage, ownership, emitter, store, timers, self._clock, limits.sweep_s)
        context = ServiceContext(
            settings, database,
            Writer(group, runner, store, self._telemetry, PARTITIONS, sweep.kick, lambda: ownership.owned.keys()),
            self._clock, Vault.from_settings(settings.vault), Authorizer(database, self._clock),
        )  # fmt: skip
        health = Health()
        health.ready("database", database.ping)
        health.ready("migrations", lambda: self._at_head(database))
        health.ready("draining", self._not_draining)
        if self._only != "api":
            await self._consume(stack, decoder, stage, ownership, sweep, store, database, health)
        if self._only != "stage":
            await self._serve(stack, context, health)
        for worker in service.workers if self._only != "stage" else ():
            self._spawn(stack, self._work(worker, context), worker.name)

    async def _drain(self, stage: Stage, sweep: Sweep, sweeping: asyncio.Task[None]) -> None:
        """End in order: the running delivery, the running sweep, then what is left to send and to delete."""
        await stage.close(15.0)
        sweep.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(sweeping, 15.0)
            await asyncio.wait_for(sweep.finish(), 10.0)

    async def _connected(self, stack: contextlib.AsyncExitStack) -> Database:
        database = await Database.connect(
            self._settings, self._service.name, self._clock, f"{self._service.name} {self._settings.instance_id}"
        )
        stack.push_async_callback(self._close, database)
        return database

    async def _close(self, database: Database) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(database.close(), 3.0)

    async def _consume(
        self, stack: contextlib.AsyncExitStack, decoder: Decoder, stage: Stage, ownership: Ownership, sweep: Sweep,
        store: PostgresStageStore, database: Database, health: Health,
    ) -> None:  # fmt: skip
        if not decoder.topics:
            return
        broker = KafkaBroker(
            self._settings.kafka.bootstrap, client_id=self._settings.instance_id, allow_auto_create_topics=False,
            graceful_timeout=15.0, logger=None, acks="all", enable_idempotence=True,
            apply_types=False,  # casting arguments by their annotations would take each poll through a thread
        )  # fmt: skip
        listener = Listener(stage)

        subscriber = subscribe(
            broker, self._settings.kafka, self._settings.kafka.topic_prefix + self._service.name,
            sorted(decoder.topics), listener, stage.deliver,
        )  # fmt: skip
        await broker.start()
        stack.push_async_callback(broker.stop)
        sweeping = self._background(sweep.run(), "sweep")
        stack.push_async_callback(self._drain, stage, sweep, sweeping)
        self._spawn(stack, self._listen(database, store.channel, ownership, sweep), "listen")
        self._spawn(stack, self._forget_personal_data(decoder, store), "forget")
        progress = Progress(stage, ownership, self._clock)
        self._spawn(stack, progress.run(), "progress")
        watchdog = Watchdog(
            stage, ownership, sweep, lambda: any(not task.done() for task in subscriber.tasks), self._clock,
            self._settings.stage.watchdog_s, lambda: sum(task.done() for task in subscriber.tasks), progress,
        )  # fmt: skip
        self._spawn(stack, watchdog.run(), "watchdog")
        health.live("event loop and consume loop turn", lambda: watchdog.turning(self._settings.stage.watchdog_s))
        health.started("first assignment", listener.first_assignment.is_set)

    async def _serve(self, stack: contextlib.AsyncExitStack, context: ServiceContext, health: Health) -> None:
        app = create_app(self._service.name, self._service.routes, context, health)
        config = uvicorn.Config(
            app, host=self._settings.http.host, port=self._settings.http.port, log_config=None, access_log=False,
            timeout_graceful_shutdown=5, lifespan="off",
        )  # fmt: skip
        server = uvicorn.Server(config)
        # Not `serve`: it would take the signals that end the whole process in order.
        task = asyncio.create_task(server._serve(None), name="http")
        task.add_done_callback(self._ended)

        async def stop() -> None:
            server.should_exit = True
            await task

        stack.push_async_callback(stop)

    # -- background --------------------------------------------------------------------------------------------------

    def _spawn(self, stack: contextlib.AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run `work` beside the rest and cancel it at the end."""
        stack.push_async_callback(_cancelled, self._background(work, name))

    def _background(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start `work`; if it dies before the end, the process ends non-zero and is restarted."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and not self._stop.is_set():
            log.critical("background task died", action="task_died", task=task.get_name(), exc_info=task.exception())
            self._page(f"{task.get_name()} ended")

    async def _work(self, worker: Worker, context: ServiceContext) -> None:
        while True:
            try:
                await worker.run(context)
            except Exception as error:
                log.error("worker failed", action="worker_failed", worker=worker.name, exc_info=error)
            await self._clock.sleep(worker.every_s)

    async def _listen(self, database: Database, channel: str, ownership: Ownership, sweep: Sweep) -> None:
        """Wake the sweep when a writer of another process leaves rows for a shard that is ours."""

        def heard(shards: str) -> None:
            if not ownership.owned.keys().isdisjoint(map(int, shards.split(","))):
                sweep.kick()

        while True:
            try:
                async with _listening(database, channel, heard) as connection:
                    while not connection.is_closed():
                        await self._clock.sleep(1.0)
            except Exception as error:  # noqa: BLE001 - without notices the sweep still finds every row
                log.info("not listening", action="listen_failed", error=type(error).__name__)
            await self._clock.sleep(1.0)

    async def _forget_personal_data(self, decoder: Decoder, store: PostgresStageStore) -> None:
        """Blank dead letters in clear once their topic would have forgotten them."""
        personal = {name: topic.retention_ms for name, topic in decoder.topics.items() if topic.personal_data}
        while True:
            for name, retention_ms in personal.items():
                with contextlib.suppress(StoreUnavailable, StoreConflict, CommitUnknown):
                    await store.forget_personal_data(name, self._clock.now() - timedelta(milliseconds=retention_ms))
            await self._clock.sleep(FORGET_EVERY_S)

    def _page(self, reason: str) -> None:
        log.critical("stopping: someone must look", action="page", reason=reason)
        self._paged = True
        self._stop.set()

    async def _at_head(self, database: Database) -> bool:
        async with database.acquire() as connection:
            return await at_head(connection, self._service.name, self._service.migrations)

    async def _not_draining(self) -> bool:
        return not self._draining


@contextlib.asynccontextmanager
async def _listening(database: Database, channel: str, heard: Callable[[str], None]) -> AsyncIterator[Any]:
    async with database.acquire() as connection:

        def notified(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            heard(str(payload))

        await connection.add_listener(channel, notified)
        try:
            yield connection
        finally:
            await connection.remove_listener(channel, notified)


def spare_the_collector() -> None:
    """What lives now lives for ever, and a batch makes thousands of objects that all die with it: look rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(400_000, 20, 100)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
