"""`python -m linkstar_sandbox.carriers`: runs until SIGTERM or SIGINT, then ends with status 0."""

from __future__ import annotations

import asyncio
import logging
import signal
from functools import partial

import httpx
from aiokafka import AIOKafkaConsumer

from linkstar_contracts.topics import LABELS
from linkstar_runtime.clock import Clock
from linkstar_sandbox.carriers.intake import LabelIntake
from linkstar_sandbox.carriers.journey import plan_journey
from linkstar_sandbox.carriers.ledger import Ledger
from linkstar_sandbox.carriers.settings import SimulatorSettings
from linkstar_sandbox.carriers.simulator import run_simulator
from linkstar_sandbox.carriers.telling import ScanDoor


async def run(settings: SimulatorSettings) -> None:
    """Compose the simulator and run it until a signal asks it to stop."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    own = settings.simulator
    consumer = AIOKafkaConsumer(
        settings.kafka.topic_prefix + LABELS.name, bootstrap_servers=settings.kafka.bootstrap,
        group_id=settings.kafka.topic_prefix + own.group, enable_auto_commit=False, auto_offset_reset="earliest",
    )  # fmt: skip
    ledger = Ledger(own.ledger)
    headers = {"Authorization": f"Bearer {own.api_key}"}
    async with httpx.AsyncClient(base_url=own.tracker_url, headers=headers, timeout=30) as client:
        try:
            await consumer.start()
            intake = LabelIntake(consumer, ledger, partial(plan_journey, seed=own.seed, trouble=own.trouble))
            await run_simulator(intake, ledger, ScanDoor(client), Clock.from_settings(settings.clock).now, stopping)
        finally:
            await consumer.stop()
            ledger.close()


def main() -> None:
    """Run the simulator."""
    settings = SimulatorSettings()
    logging.basicConfig(level=settings.log.level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
