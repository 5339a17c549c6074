"""Alembic's configuration: read from the folder of migrations, with the templates of this package."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from alembic.config import Config as AlembicConfig

__all__ = ["TEMPLATES", "Config", "given_x_args", "read_config"]

TEMPLATES = {
    "flask": "costrel",
    "aioflask": "costrel",
    "flask-multidb": "costrel-multidb",
    "aioflask-multidb": "costrel-multidb",
}
"""Flask-Migrate's names of templates, and what stands for them: ours know sync and async engines."""

_X_ARGS: ContextVar[tuple[str, ...]] = ContextVar("costrel.ext.migrate.x_args", default=())


class Config(AlembicConfig):
    """Alembic's configuration, with the templates of this package."""

    def __init__(self, file_: str | None = None, *, template_directory: str | None = None) -> None:
        # Alembic's default is what standard output was when Alembic was imported.
        super().__init__(file_, stdout=sys.stdout)
        self.template_directory = template_directory

    def get_template_directory(self) -> str:
        """Return the folder of the templates."""
        return self.template_directory or os.path.join(os.path.dirname(__file__), "templates")


def read_config(directory: str, *, x_arg: str | Sequence[str] | None, opts: Iterable[str]) -> Config:
    """Read the configuration of a folder; one that is not there has an empty one.

    Args:
        directory: The folder.
        x_arg: What ``-x`` says, one or several.
        opts: Flags to set in ``cmd_opts``.
    """
    config = Config(os.path.join(directory, "alembic.ini"))
    # A percent sign begins an interpolation.
    config.set_main_option("script_location", directory.replace("%", "%%"))
    own = [x_arg] if isinstance(x_arg, str) else list(x_arg or ())
    config.cmd_opts = argparse.Namespace(x=[*_X_ARGS.get(), *own], **dict.fromkeys(opts, True))

    return config


@contextmanager
def given_x_args(x_args: Sequence[str]) -> Iterator[None]:
    """Let all configurations that are read in here have these, as those of a whole command line."""
    token = _X_ARGS.set(tuple(x_args))
    try:
        yield
    finally:
        _X_ARGS.reset(token)
