"""Creates what the services need before they start: the topics of the registry and an empty database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code

from linkstar_contracts.topics import TOPICS, Topic
from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.ports import silence

METADATA_TIMEOUT_S = 30
METADATA_POLL_S = 0.05
CONNECT_TIMEOUT_S = 10


async def provision_topics(
    bootstrap: str, topics: Sequence[Topic] = TOPICS, *, prefix: str = "", replication: int = 1
) -> tuple[str, ...]:
    """Creates every absent topic and its dead-letter topic, and returns the names of all.

    Existing topics are kept; one with another partition count is refused, because partition number = shard.
    """
    wanted = {topic.name: topic for topic in _new_topics(topics, prefix, replication)}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        reply = await admin.create_topics(list(wanted.values()))
        for name, code, *_ in reply.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise _refused(f"Topic {name}: {error.__name__}.")
        await _await_partitions(admin, {name: topic.num_partitions for name, topic in wanted.items()})
    except KafkaConnectionError as error:
        raise _unreachable(bootstrap) from error
    except KafkaError as error:
        raise _refused(f"Kafka at {bootstrap}: {type(error).__name__}.") from error
    finally:
        await admin.close()
    return tuple(wanted)


def _new_topics(topics: Iterable[Topic], prefix: str, replication: int) -> Iterable[NewTopic]:
    for topic in topics:
        for name, config in ((topic.name, topic.config()), (topic.dlq, topic.dlq_config())):
            yield NewTopic(prefix + name, topic.partitions, replication, topic_configs=config)


def _unreachable(bootstrap: str) -> SandboxError:
    causes = [f"{address}: {silence(address)}" for address in bootstrap.split(",")]
    return SandboxError(
        "kafka-unreachable",
        f"No Kafka broker answers at {'; '.join(causes)}.",
        "If LINKSTAR_KAFKA__BOOTSTRAP names it, start that broker or correct the address; unset it for our own Kafka.",
    )


async def await_database(admin_url: str) -> None:
    """Returns when the database takes our sign-in, else raises a coded error that names the cause, not the password."""
    try:
        connection = await asyncpg.connect(admin_url, timeout=CONNECT_TIMEOUT_S)
    except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        address = urlsplit(admin_url).netloc.rpartition("@")[2] or "the address given"
        raise SandboxError(
            "postgres-unreachable",
            f"No PostgreSQL takes our sign-in at {address}: {str(error) or type(error).__name__}.",
            "Correct LINKSTAR_DATABASE__URL or LINKSTAR_DATABASE__ADMIN_URL, or unset it for our own PostgreSQL.",
        ) from error
    await connection.close()


async def _await_partitions(admin: AIOKafkaAdminClient, wanted: Mapping[str, int]) -> None:
    """Waits until every partition of every topic has a leader."""
    async with asyncio.timeout(METADATA_TIMEOUT_S):
        while True:
            found = {t["topic"]: t["partitions"] for t in await admin.describe_topics(list(wanted))}
            for name, count in wanted.items():
                if found.get(name) and len(found[name]) != count:
                    raise _refused(f"Topic {name} has {len(found[name])} partitions, not {count}.")
            if all(found.get(name) and all(p["leader"] >= 0 for p in found[name]) for name in wanted):
                return
            await asyncio.sleep(METADATA_POLL_S)


async def provision_database(admin_url: str, name: str, *, template: str = "template0") -> bool:
    """Creates the database if absent. True if it was created now."""
    connection = await asyncpg.connect(admin_url)
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return False
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return True
    finally:
        await connection.close()


async def drop_database(admin_url: str, name: str) -> None:
    """Removes the database, cutting off whoever still uses it."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


def _refused(message: str) -> SandboxError:
    return SandboxError("provision-failed", message, "Check the broker's log and rights.")
