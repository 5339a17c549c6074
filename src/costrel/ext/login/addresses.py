"""Where people are sent to log in, and where they go from there."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from costrel import current_app, request, session, url_for
from costrel.helpers import safe_next_url

__all__ = ["MAX_NEXT_CHARS", "expand_login_view", "is_url", "login_url", "make_next_param", "next_url"]

MAX_NEXT_CHARS = 2_000
"""A longer target is left out: with it, some server or proxy refuses the URL of the login page."""


def is_url(login_view: str) -> bool:
    """Tell whether a login view is a URL, not the name of a view."""
    return login_view.startswith(("https://", "http://", "/"))


def expand_login_view(login_view: str) -> str:
    """Return the URL of a login view.

    Args:
        login_view: The name of a view, or a URL already.

    Example:
        >>> expand_login_view("https://accounts.example/login")
        'https://accounts.example/login'
    """
    if is_url(login_view):
        return login_view

    return url_for(login_view)


def make_next_param(login_url: str, current_url: str) -> str:
    """Shorten a URL to what the login page needs to lead back to it.

    Args:
        login_url: The URL of the login page.
        current_url: The URL to come back to.

    Returns:
        Path and query, if both are on one site; the whole URL otherwise.

    Example:
        >>> make_next_param("/login", "http://shop.example/basket?page=2")
        '/basket?page=2'
    """
    login, target = urlsplit(login_url), urlsplit(current_url)
    if login.scheme not in ("", target.scheme) or login.netloc not in ("", target.netloc):
        return current_url

    path = target.path
    if path.startswith("//"):
        # SECURITY: "http://shop.example//evil.example" names a page here, its path alone another site.
        path = "/" + path.lstrip("/")

    return urlunsplit(("", "", path, target.query, ""))


def login_url(login_view: str, next_url: str | None = None, next_field: str = "next") -> str:
    """Build the URL that sends somebody to log in.

    Args:
        login_view: The name of the login view, or its URL.
        next_url: Where to come back to.
        next_field: The name of the argument that says so.

    Example:
        >>> login_url("/login")
        '/login'
    """
    base = expand_login_view(login_view)
    if next_url is None:
        return base

    parts = urlsplit(base)
    query = parse_qs(parts.query, keep_blank_values=True)
    query[next_field] = [make_next_param(base, next_url)]
    host = current_app.config.get("FORCE_HOST_FOR_REDIRECTS") or parts.netloc

    return urlunsplit(parts._replace(netloc=host, query=urlencode(query, doseq=True)))


def next_url(default: str = "/", *, field: str = "next") -> str:
    """Return where to go after logging in, if that is on this site.

    It is looked for in the URL, in the form, and in the session if
    ``USE_SESSION_FOR_NEXT`` is on, from where it is taken out. Whatever
    leaves the site, or is longer than ``MAX_NEXT_CHARS``, is not followed.

    Args:
        default: Where to go otherwise; it is returned as it is.
        field: The name of the argument or field.

    Raises:
        ContextError: If there is no request.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> with app.test_request_context("/login?next=/basket"):
        ...     next_url()
        '/basket'
        >>> with app.test_request_context("/login?next=//evil.example"):
        ...     next_url("/home")
        '/home'
    """
    target = request.args.get(field) or request.form.get(field)
    if current_app.config.get("USE_SESSION_FOR_NEXT") and "next" in session:
        kept = session.pop("next")
        target = target or kept
    if not isinstance(target, str) or len(target) > MAX_NEXT_CHARS:
        return default

    return safe_next_url(target, default=default)
