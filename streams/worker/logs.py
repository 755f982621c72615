"""Logs: one JSON object a line on the error stream; facts and reasons, never a record's data."""

import logging
import sys

import structlog

from streams.worker.quiet import Quiet

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
NOISY = ("aiokafka", "faust", "mode")


def configure_logs(level: str, **known: str | int) -> None:
    """Send our logs and those of the libraries through one JSON renderer.

    The libraries speak up from `warning` on (below, they describe every message), and not more
    often than `Quiet` lets them. `known` is in every line: what is true of the whole process.
    """
    shared: list[structlog.typing.Processor] = [
        lambda _, __, line: {**known, **line},
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, _renderer()],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            *shared,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(allow=["partition", "left_out"]),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _renderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(Quiet())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name in NOISY:
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
    # In a command its errors reach the person as a sentence.
    logging.getLogger("kafka").setLevel(logging.WARNING if known else logging.CRITICAL)


def _renderer() -> structlog.processors.JSONRenderer:
    return structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)
