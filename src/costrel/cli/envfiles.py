"""Read ``.env`` files into the environment. What is set already is never changed."""

from __future__ import annotations

import os
import re
from types import ModuleType

import click

from costrel import _mode

__all__ = ["DEFAULT_FILES", "load_dotenv", "parse_env"]

DEFAULT_FILES = (".costrelenv", ".flaskenv", ".env")
"""The later one wins; each is looked for from the working directory upwards."""

_KEY = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_][\w.]*)[^\S\n]*=[^\S\n]*")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_REFERENCE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set the variables that ``.env`` files name and the environment does not have.

    Args:
        path: A file whose values win over those of the default files.
        load_defaults: Whether ``.costrelenv``, ``.flaskenv`` and ``.env`` are read.

    Returns:
        Whether any value was read.
    """
    files = [found for name in DEFAULT_FILES if (found := _find(name))] if load_defaults else []
    if path is not None and os.path.isfile(path):
        files.append(os.fspath(path))
    if not files:
        return False

    dotenv = _dotenv()
    if dotenv is None and _mode.flask_defaults():
        # As Flask: without python-dotenv nothing is read.
        click.secho(
            " * Tip: There are .env files present. Install python-dotenv to use them.", fg="yellow", err=True
        )
        return False

    values: dict[str, str | None] = {}
    for file in files:
        values |= dotenv.dotenv_values(file, encoding="utf-8") if dotenv else _read(file)
    for key, value in values.items():
        if value is not None:
            os.environ.setdefault(key, value)

    return bool(values)


def parse_env(text: str) -> dict[str, str]:
    r"""Read ``KEY=value`` lines as python-dotenv does.

    Quotes, ``export``, comments, ``\n`` in double quotes, ``${OTHER}`` and
    ``${OTHER:-default}`` are understood. Other lines are left out.

    Example:
        >>> parse_env('A=1\nexport B="two # words"  # a comment\nC=${A}${NO_SUCH_THING:-!}')
        {'A': '1', 'B': 'two # words', 'C': '1!'}
    """
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        key = _KEY.match(text, position)
        if key is not None:
            value, position = _read_value(text, key.end(), values)
            values[key[1]] = value
        # What stands behind a value, and a line without one.
        end = text.find("\n", position)
        position = len(text) if end < 0 else end + 1

    return values


def _read_value(text: str, start: int, known: dict[str, str]) -> tuple[str, int]:
    """Read a value, and say where it ends."""
    if single := _SINGLE.match(text, start):
        return _expand(single[1], known), single.end()
    if double := _DOUBLE.match(text, start):
        plain = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), double[1])
        return _expand(plain, known), double.end()
    line = _PLAIN.match(text, start)
    assert line is not None  # it matches the empty string

    return _expand(_COMMENT.sub("", line[0]).strip(), known), line.end()


def _expand(value: str, known: dict[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        return os.environ.get(match["name"]) or known.get(match["name"]) or match["default"] or ""

    return _REFERENCE.sub(replace, value)


def _read(file: str) -> dict[str, str]:
    with open(file, encoding="utf-8") as stream:
        return parse_env(stream.read())


def _find(name: str) -> str | None:
    """Look for a file in the working directory and all folders above it."""
    folder = os.getcwd()
    while True:
        file = os.path.join(folder, name)
        if os.path.isfile(file):
            return file
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _dotenv() -> ModuleType | None:
    try:
        import dotenv  # for cost, and because it is optional
    except ImportError:
        return None

    return dotenv
