"""Builds the environment of a request to an application, from what a test writes.

Knows the application's configuration (host, root, scheme, JSON) and sends nothing.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import EnvironBuilder as WerkzeugEnvironBuilder

from costrel.core.contracts import Application

__all__ = ["EnvironBuilder"]


class EnvironBuilder(WerkzeugEnvironBuilder):
    """Werkzeug's builder, with the defaults of an application.

    Args:
        app: The application to make a request for.
        path: The path, or a whole URL.
        base_url: Where the application is, as ``https://example.test/root``. Default:
            what ``PREFERRED_URL_SCHEME``, ``SERVER_NAME`` and ``APPLICATION_ROOT`` say.
        subdomain: Goes before ``SERVER_NAME``.
        url_scheme: Used in place of ``PREFERRED_URL_SCHEME``.
        *args: What Werkzeug's builder takes behind ``base_url``.
        **kwargs: Likewise.

    Raises:
        AssertionError: If ``base_url`` is given along with one of its parts.

    Example:
        >>> from costrel import Costrel
        >>> EnvironBuilder(Costrel("shop"), "/cart?page=2").query_string
        'page=2'
    """

    def __init__(
        self,
        app: Application,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: Any,  # Werkzeug's own, whatever they are in its version
        **kwargs: Any,
    ) -> None:
        if base_url is not None and (subdomain or url_scheme):
            raise AssertionError('Cannot pass "subdomain" or "url_scheme" with "base_url".')

        if base_url is None:
            base_url, path = _locate(app, path, subdomain=subdomain, scheme=url_scheme)

        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def json_dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON as the application does.

        Args:
            obj: What to write.
            **kwargs: What the application's JSON provider takes.
        """
        return str(self.app.json.dumps(obj, **kwargs))


def _locate(app: Application, path: str, *, subdomain: str | None, scheme: str | None) -> tuple[str, str]:
    """Return the base URL and the path; a path that is a whole URL goes before the configuration."""
    config = app.config
    url = urlsplit(path)
    host = config.get("SERVER_NAME") or "localhost"
    if subdomain:
        host = f"{subdomain}.{host}"
    base_url = "{}://{}/{}".format(
        url.scheme or scheme or config["PREFERRED_URL_SCHEME"],
        url.netloc or host,
        config["APPLICATION_ROOT"].lstrip("/"),
    )

    return base_url, f"{url.path}?{url.query}" if url.query else url.path
