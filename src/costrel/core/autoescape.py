"""Which templates escape what they print. Knows no template."""

from __future__ import annotations

__all__ = ["autoescape_for"]

_MARKUP = (".html", ".htm", ".xml", ".xhtml", ".svg")
_TEMPLATE = (".j2", ".jinja", ".jinja2")
# HTML's entities break what these make.
_PLAIN = tuple(
    f".{kind}"
    for kind in (
        *("cfg", "conf", "css", "csv", "ini", "js", "json", "md"),
        *("sh", "sql", "tex", "text", "toml", "txt", "yaml", "yml"),
    )
)


def autoescape_for(filename: str | None, *, flask_defaults: bool) -> bool:
    """Tell whether a template escapes its values.

    A template without a file, from a string, always does.

    Args:
        filename: The template's name, or ``None``.
        flask_defaults: True for Flask's five suffixes only; otherwise names
            such as ``page.html.j2`` and ``page.jinja`` escape too, unless the
            name says that it makes no markup (``mail.txt.j2``).

    Example:
        >>> autoescape_for("page.html.j2", flask_defaults=False)
        True
        >>> autoescape_for("mail.txt.j2", flask_defaults=False)
        False
    """
    if filename is None:
        return True

    if flask_defaults:
        return filename.endswith(_MARKUP)

    stem, dot, suffix = filename.lower().rpartition(".")
    if dot + suffix not in _TEMPLATE:
        return dot + suffix in _MARKUP

    # "page.jinja" does not say what it makes: escaping is the safe guess.
    return not stem.endswith(_PLAIN)
