"""Logs as one JSON object a line on standard error: no personal data, no dossier codes, no tokens."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]
_where = ExceptionDictTransformer(show_locals=False)


def _where_it_broke(exc_info: ExceptionInfo) -> list[dict[str, Any]]:
    # Kind and place only: what an exception says can be what somebody typed (PostgreSQL quotes whole rows).
    return [
        {key: value for key, value in stack.items() if key in ("exc_type", "frames", "is_cause")}
        for stack in _where(exc_info)
    ]


_tracebacks = ExceptionRenderer(_where_it_broke)


def configure(level: str) -> None:
    """Send structlog's and the standard library's records of at least ``level`` to standard error as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            _tracebacks,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _tracebacks,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # aiohttp logs a ten-line traceback for each malformed request; the edge has its own word on errors.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
