"""Creates the topics of the registry on a broker, in any service's image: `python topics.py kafka:9092 [REPLICAS]`."""

from __future__ import annotations

import asyncio
import sys

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from linkstar_contracts.topics import TOPICS


async def create(bootstrap: str, replicas: int) -> int:
    """Creates what is absent and tells of each topic that could not be; existing ones are kept as they are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        reply = await admin.create_topics(
            [
                NewTopic(name, topic.partitions, replicas, topic_configs=config)
                for topic in TOPICS
                for name, config in ((topic.name, topic.config()), (topic.dlq, topic.dlq_config()))
            ]
        )
    finally:
        await admin.close()
    refused = [
        f"{name}: {for_code(code).__name__}\n"
        for name, code, *_ in reply.topic_errors
        if code and for_code(code) is not TopicAlreadyExistsError
    ]
    sys.stderr.writelines(refused)
    return len(refused)


if __name__ == "__main__":
    sys.exit(min(asyncio.run(create(sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else 1)), 1))
