"""What a check of your own, or of an extension, is made of; ``app.check`` registers it.

Example:
    >>> from costrel import Costrel
    >>> app = Costrel(__name__)
    >>> @app.check
    ... def mail_server_is_set(app):
    ...     if not app.config.get("MAIL_SERVER"):
    ...         yield Finding("mail.W001", "mails are written to the log", hint="Set MAIL_SERVER.")
"""

from __future__ import annotations

from costrel.core.checks.finding import Finding, Level

__all__ = ["Finding", "Level"]
