"""Logs as JSON lines, one form for LinkStar's own and for all libraries' records, without personal data.

Each line has `action` (what happened, a stable word), level, time, logger, service, and the trace's ids if there is one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from linkstar_runtime.metrics import CRITICAL_LOGS
from linkstar_runtime.redaction import Pii, describe_error, describe_traceback, redact
from linkstar_runtime.settings import LogSettings

__all__ = ["Pii", "configure_logging"]

_LIBRARIES = dict.fromkeys(("aiokafka", "faststream", "uvicorn.access", "asyncio", "httpx", "httpcore"), "WARNING")
"""The least level of chatty libraries; httpx would write every URL, and a carrier's URLs hold tracking numbers."""


def configure_logging(
    settings: LogSettings, service: str, instance: str = "", version: str = "", stream: TextIO | None = None
) -> None:
    """Send every log record of this process to `stream` (standard error), redacted, in one form."""
    about = {name: text for name, text in (("service", service), ("instance", instance), ("version", version)) if text}
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe(about),
        _error,
        _redact,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(_count_critical)
    last: Processor = (
        structlog.processors.JSONRenderer() if settings.as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_arguments, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
            keep_exc_info=False,
            pass_foreign_args=True,
        )
    )
    _route_everything_to(handler, settings.level.upper())


def _route_everything_to(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    for name, least in _LIBRARIES.items():
        logging.getLogger(name).setLevel(max(logging.getLevelName(least), logging.getLevelName(level)))
    logging.captureWarnings(True)


def _count_critical(record: logging.LogRecord) -> bool:
    if record.levelno >= logging.CRITICAL:
        CRITICAL_LOGS.inc()
    return True


def _describe(about: Mapping[str, str]) -> Processor:
    def describe(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.update(about)
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            event["trace_id"], event["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        return event

    return describe


def _error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by the error's description and places."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    if given is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["error"] = describe_error(error)
        event["traceback"] = describe_traceback(error, error.__traceback__)
    event.pop("stack_info", None)
    return event


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> MutableMapping[str, Any]:
    return {key: value if key.startswith("_") else redact(value) for key, value in event.items()}


def _arguments(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Format a library's record again, its arguments redacted first."""
    given = event.pop("positional_args", ())
    template = str(event["_record"].msg)
    if given:
        try:
            event["event"] = (
                template % redact(given) if isinstance(given, Mapping) else template % tuple(map(redact, given))
            )
        except (TypeError, ValueError):
            event["event"] = template
    event.setdefault("action", "library_log")
    return event
