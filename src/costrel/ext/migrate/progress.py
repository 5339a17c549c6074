"""Show on the command line what Alembic logs. Nobody's logging is configured for that."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click

__all__ = ["show_progress"]

_NOISE = (
    "Context impl ",
    "Will assume ",
    "Generating static SQL",
    "setting up autogenerate plugin",
    "Detected sequence named ",
)


class _EchoHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if not message.startswith(_NOISE):
            color = "yellow" if record.levelno >= logging.WARNING else None
            click.secho(message, fg=color, err=True)


@contextmanager
def show_progress() -> Iterator[None]:
    """Write what is logged to the error stream, as long as a command runs."""
    handler = _EchoHandler()
    loggers = [logging.getLogger(name) for name in ("alembic", "costrel.migrate")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
