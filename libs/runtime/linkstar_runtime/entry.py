"""`python -m linkstar_<service> run | migrate | replay`, and the commands of its own: the command line of every service."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from linkstar_contracts.topics import PARTITIONS
from linkstar_runtime.application import VERSION, Application
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.decoding import Decoder
from linkstar_runtime.kafka import KafkaProducer, TopicMismatch
from linkstar_runtime.logs import configure_logging
from linkstar_runtime.migrate import MigrationError, migrate
from linkstar_runtime.problems import Problem
from linkstar_runtime.replay import Selection, redrive
from linkstar_runtime.service import Command, Service
from linkstar_runtime.settings import Settings

__all__ = ["main"]

_EXPECTED = (TopicMismatch, MigrationError, KafkaError, asyncpg.PostgresError, OSError)


def main(build: Callable[[], Service]) -> None:
    """Run the command given on the command line and exit with its code; expected troubles are one line on stderr."""
    try:
        service = build()
        options = _parser(service).parse_args()
        settings: Settings = service.settings or Settings()
    except ValidationError as error:
        sys.exit(f"settings: {error}")
    configure_logging(settings.log, service.name, settings.instance_id, VERSION)
    try:
        code = asyncio.run(options.command(service, settings, options))
    except _EXPECTED as error:
        sys.exit(f"{service.name}: {type(error).__name__}: {error}")
    sys.exit(code)


def _parser(service: Service) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m linkstar_{service.name}", description=f"LinkStar {service.name}")
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="run the service")
    run.add_argument("--only", choices=("api", "stage"), help="run only the HTTP API, or only the Kafka stage")
    run.set_defaults(command=_run)
    commands.add_parser("migrate", help="bring the database schema up to date").set_defaults(command=_migrate)
    replay = commands.add_parser("replay", help="redrive dead letters through the ordinary handler path")
    replay.add_argument("--code", help="only letters with this code")
    replay.add_argument("--tenant", help="only letters of this tenant")
    replay.add_argument("--topic", help="only letters of this topic")
    replay.add_argument("--place", help="exactly one letter: PARTITION/OFFSET (with --topic)")
    replay.add_argument("--since", type=datetime.fromisoformat, help="only letters that failed since (ISO 8601)")
    replay.add_argument("--limit", type=int, default=1000)
    replay.add_argument("--dry-run", action="store_true", help="validate only, send nothing")
    replay.set_defaults(command=_replay)
    for command in service.commands:
        commands.add_parser(command.name, help=command.help).set_defaults(command=partial(_answer, command))
    return parser


async def _answer(command: Command, _service: Service, settings: Settings, _options: Any) -> int:
    try:
        answer, code = await command.answer(sys.stdin.buffer.read(), Clock.from_settings(settings.clock)), 0
    except Problem as problem:
        answer, code = json.dumps(problem.document).encode(), 1
    sys.stdout.buffer.write(answer + b"\n")
    return code


async def _run(service: Service, settings: Settings, options: argparse.Namespace) -> int:
    return await Application(service, settings, options.only).run()


async def _migrate(service: Service, settings: Settings, _options: Any) -> int:
    for name in await migrate(
        settings.database.admin_url_of(service.name), service.name, service.migrations,
        service_url=settings.database.url_of(service.name),
    ):  # fmt: skip
        sys.stdout.write(f"applied {name}\n")
    return 0


async def _replay(service: Service, settings: Settings, options: argparse.Namespace) -> int:
    """Print one JSON line per letter; exit 1 when one of them is still invalid."""
    prefix = settings.kafka.topic_prefix
    place = tuple(int(part) for part in options.place.split("/")) if options.place else None
    topic = prefix + options.topic if options.topic else None
    chosen = Selection(options.code, options.tenant, options.since, topic, place, options.limit)  # type: ignore[arg-type]
    database = await Database.connect(settings, service.name, Clock.from_settings(settings.clock), "replay")
    producer = KafkaProducer(settings.kafka, settings.stage.produce_timeout_s, "replay")
    await producer.start()
    try:
        decoder = Decoder(service.subscriptions, prefix, PARTITIONS)
        done = await redrive(database, prefix + service.name, decoder, producer, chosen, dry_run=options.dry_run)
    finally:
        await producer.stop()
        await database.close()
    for each in done:
        sys.stdout.write(json.dumps(asdict(each)) + "\n")
    return 1 if any(each.result == "still_invalid" for each in done) else 0
