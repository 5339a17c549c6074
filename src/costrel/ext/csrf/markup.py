"""The token as pages carry it: a form's field, a tag for scripts, headers for htmx."""

from __future__ import annotations

from markupsafe import Markup

from costrel import current_app, json
from costrel.ext.csrf.options import META_NAME
from costrel.ext.csrf.session_tokens import FIELD_NAME, generate_csrf
from costrel.ext.csrf.tokens import Key

__all__ = ["csrf_field", "csrf_headers", "csrf_meta", "csrf_meta_tag"]

_INPUT = Markup('<input type="hidden" name="{}" value="{}">')
_META = Markup('<meta name="{}" content="{}">')


def csrf_field() -> Markup:
    """Return the hidden field that every form with ``method="post"`` needs.

    In templates: ``<form method="post">{{ csrf_field() }} …``
    """
    name = current_app.config.get("WTF_CSRF_FIELD_NAME", FIELD_NAME)

    return _INPUT.format(name, generate_csrf())


def csrf_meta_tag(
    name: str | None = None, secret_key: Key | None = None, token_key: str | None = None
) -> Markup:
    """Return a tag for the head of a page, where scripts find the token.

    In templates: ``{{ csrf_meta() }}``, or by Flask-WTF's name ``{{ csrf_meta_tag() }}``.

    Args:
        name: The tag's name; by default ``WTF_CSRF_META_NAME``, ``"csrf-token"``.
        secret_key: As for ``generate_csrf``.
        token_key: As for ``generate_csrf``.
    """
    name = name or current_app.config.get("WTF_CSRF_META_NAME", META_NAME)

    return _META.format(name, generate_csrf(secret_key, token_key))


csrf_meta = csrf_meta_tag


def csrf_headers() -> str:
    """Return the header with the token as JSON, which htmx adds to its requests.

    In templates: ``<body hx-headers='{{ csrf_headers() }}'>``
    """
    names = current_app.config.get("WTF_CSRF_HEADERS") or ("X-CSRFToken",)
    name = names if isinstance(names, str) else next(iter(names))

    return json.dumps({name: generate_csrf()})
