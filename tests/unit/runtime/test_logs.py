"""Log lines: their form, and that no personal data gets into them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from pydantic import BaseModel

from linkstar_contracts.values import Consignee
from linkstar_runtime.logs import Pii, configure_logging
from linkstar_runtime.metrics import CRITICAL_LOGS
from linkstar_runtime.settings import LogSettings

CANARY = "Kanarienvogel"
RECEIVER = Consignee(
    name=CANARY, street=f"{CANARY}weg 1", city=CANARY, postcode="30179", country="DE", phone=CANARY, email=CANARY
)


class Order(BaseModel):
    consignee: Consignee
    note: str


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level, classes = root.handlers, root.level, structlog.get_config()
    configure_logging(LogSettings(level="info"), "router", "router-1", "0.1.0", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.configure(**classes)
    logging.captureWarnings(False)


def _read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_what_happened_where(lines: io.StringIO) -> None:
    structlog.get_logger("linkstar_router.api").info("route chosen", action="route_chosen", order_id="shopify-1", n=3)
    (line,) = _read(lines)
    wanted = {"action": "route_chosen", "order_id": "shopify-1", "n": 3, "level": "info", "service": "router"}
    assert line.items() >= wanted.items()
    assert line["event"] == "route chosen"
    assert line["timestamp"].endswith("Z")


def test_personal_data_is_redacted_by_type_however_deep(lines: io.StringIO) -> None:
    order = Order(consignee=RECEIVER, note=CANARY)
    log = structlog.get_logger("linkstar_ingest")
    log.info(
        "one", consignee=RECEIVER, pii=Pii(CANARY), nested={"a": [RECEIVER, {"b": (Pii(CANARY), order)}]}, order=order
    )
    log.info("two", body=CANARY.encode(), thing=object(), keys={Pii(CANARY): 1})
    logging.getLogger("some.library").warning("got %s and %r for %s", RECEIVER, {"x": Pii(CANARY)}, order)
    assert CANARY not in lines.getvalue()
    assert _read(lines)[0]["pii"] == "***"
    assert _read(lines)[2]["event"].startswith("got <Consignee>")


def test_errors_show_type_and_place_but_no_value(lines: io.StringIO) -> None:
    log = structlog.get_logger("linkstar_ingest")
    for work in (
        lambda: Consignee.model_validate({"name": CANARY, "street": 1, "city": CANARY, "postcode": CANARY}),
        lambda: int(CANARY),
        lambda: {}[CANARY],
    ):
        try:
            work()
        except (ValueError, KeyError) as error:
            log.error("failed", action="failed", exc_info=error)
            logging.getLogger("asyncio").error("failed", exc_info=True)
            log.error("failed", error=error)
    written = lines.getvalue()
    assert CANARY not in written
    first = _read(lines)[0]
    assert first["error"].startswith("pydantic_core._pydantic_core.ValidationError: street string_type")
    assert any("test_logs.py" in place for place in first["traceback"])


def test_critical_records_of_libraries_are_counted(lines: io.StringIO) -> None:
    before = CRITICAL_LOGS.read()
    logging.getLogger("aiokafka.consumer").critical("offset commit failed")
    structlog.get_logger("linkstar_runtime").critical("stopping", action="page")
    assert CRITICAL_LOGS.read() == before + 2
    assert [line["action"] for line in _read(lines)] == ["library_log", "page"]


def test_a_line_inside_a_span_carries_its_trace(lines: io.StringIO) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("work") as span:
        structlog.get_logger("x").info("inside", action="inside")
    assert _read(lines)[0]["trace_id"] == f"{span.get_span_context().trace_id:032x}"
