"""The URL map: Werkzeug's, counting its changes. Knows neither application nor request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from werkzeug.routing import Map as WerkzeugMap
from werkzeug.routing import RuleFactory

from costrel.routing.table import Table
from costrel.routing.urls import UrlBuilder

__all__ = ["Map"]

_WATCHED = frozenset(
    {
        "converters",
        "default_subdomain",
        "host_matching",
        "merge_slashes",
        "redirect_defaults",
        "sort_key",
        "sort_parameters",
        "strict_slashes",
    }
)


class Map(WerkzeugMap):
    """A ``werkzeug.routing.Map`` with a compiled table and URL builder in front.

    Nobody has to ask whether the map changed: ``table`` and ``urls`` stay the
    same objects for its whole life and are made to forget by the change itself.

    Example:
        >>> from costrel.routing import Rule
        >>> urls = Map([Rule("/users/<int:id>", endpoint="user", methods=["GET"])])
        >>> rule, args = urls.table.match("GET", "/users/7")
        >>> rule.endpoint, args
        ('user', {'id': 7})
        >>> urls.table.match("GET", "/users/seven") is None
        True
        >>> urls.urls.build("user", {"id": 7, "tab": "posts"})
        '/users/7?tab=posts'
    """

    version: int
    """How often something changed that matters to matching or building."""

    table: Table
    urls: UrlBuilder

    def __init__(self, rules: Iterable[RuleFactory] | None = None, *args: Any, **options: Any) -> None:
        self.version = 0
        self.table = Table(self)
        self.urls = UrlBuilder(self)
        super().__init__(rules, *args, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _WATCHED:
            self.changed()

    def add(self, rulefactory: RuleFactory) -> None:
        """Add a rule or a factory of rules and bind them to this map."""
        super().add(rulefactory)
        self.changed()

    def changed(self) -> None:
        """Make table and builder forget what they know.

        Called by the map and its rules; call it after changing
        ``rule.methods`` or ``rule.defaults`` in place.
        """
        self.version += 1
        self.table.forget()
        self.urls.forget()
