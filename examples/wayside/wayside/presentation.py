"""What templates can use: filters, functions, and headers every page gets."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from costrel import Costrel, Response, request, url_for

from .identity import may_change
from .markup import to_html

# Nothing from other places, no inline scripts or styles: what slips past the
# escaping still does nothing.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def init_app(app: Costrel) -> None:
    """Register filters, template globals and the header."""
    app.add_template_filter(to_html, "markup")
    app.add_template_filter(day)
    app.add_template_filter(moment)
    app.add_template_filter(quantity)
    app.add_template_global(page_address)
    app.add_template_global(may_change)
    app.after_request(add_policy)


def day(value: str) -> str:
    """Write a stored day or time for people.

    Example:
        >>> day("2026-05-03"), day("2026-05-03T20:15:00Z")
        ('3 May 2026', '3 May 2026')
    """
    stored: date = datetime.fromisoformat(value)

    return f"{stored.day} {stored:%B %Y}"


def moment(value: str) -> str:
    """Write a stored time for people; the script puts it into their own time zone.

    Example:
        >>> moment("2026-05-03T20:15:00Z")
        '3 May 2026, 20:15 UTC'
    """
    return f"{day(value)}, {datetime.fromisoformat(value):%H:%M} UTC"


def quantity(value: float) -> str:
    """Write a number with thin spaces between thousands and no needless ``.0``.

    Example:
        >>> quantity(7.5), quantity(12.0)
        ('7.5', '12')
        >>> quantity(1240) == "1\N{NARROW NO-BREAK SPACE}240"
        True
    """
    text = f"{value:,.1f}" if value < 1_000 else f"{value:,.0f}"

    return text.removesuffix(".0").replace(",", "\N{NARROW NO-BREAK SPACE}")


def page_address(number: int) -> str:
    """Return the address of another page of the list being shown."""
    values: dict[str, Any] = {**(request.view_args or {}), **request.args.to_dict()}
    values["page"] = number if number > 1 else None

    return url_for(request.endpoint or "walks.index", **values)


def add_policy(response: Response) -> Response:
    """Say what pages may load, unless the view said it already."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")

    return response
