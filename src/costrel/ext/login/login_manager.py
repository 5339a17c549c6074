"""``LoginManager`` under the name of its module in Flask-Login."""

from __future__ import annotations

from costrel.ext.login.extension import LoginManager

__all__ = ["LoginManager"]
