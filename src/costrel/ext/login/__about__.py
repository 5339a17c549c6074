"""What this package says of itself, under the names that Flask-Login has for that."""

from __future__ import annotations

from importlib.metadata import version

__title__ = __package__
__description__ = "Users who log in and stay logged in, for costrel."
__url__ = "https://pypi.org/project/costrel/"
__version__ = version("costrel")
__version_info__ = tuple(__version__.split("."))
__author__ = __maintainer__ = "The costrel authors"
__author_email__ = ""
__license__ = "BSD-3-Clause"
__copyright__ = f"(c) {__author__}"
