"""What ``importlib.metadata`` is told about the distribution Flask. Knows no files."""

from __future__ import annotations

from importlib.metadata import Distribution
from pathlib import Path

from costrel._mode import FLASK_VERSION

__all__ = ["FlaskDistribution"]

_FILES = {
    "METADATA": f"""\
Metadata-Version: 2.1
Name: Flask
Version: {FLASK_VERSION}
Summary: The interface of Flask, answered by costrel.
Requires-Dist: costrel
""",
    "entry_points.txt": "[console_scripts]\nflask = flask.cli:main\n",
    "top_level.txt": "flask\n",
}


class FlaskDistribution(Distribution):
    """Flask as far as version checks and entry points look at it.

    Example:
        >>> FlaskDistribution().metadata["Name"]
        'Flask'
    """

    def read_text(self, filename: str) -> str | None:
        """Return one of the files of the distribution's metadata, or ``None``."""
        return _FILES.get(filename)

    def locate_file(self, path: object) -> Path:
        """Return where a file would be; only costrel's package is there."""
        return Path(__file__).parent.parent.parent / str(path)
