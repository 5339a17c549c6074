"""Routing: Werkzeug's map is the truth; a compiled table and URL builder stand in front of it.

``Map`` and ``Rule`` are Werkzeug's classes with changes counted and errors in
the developer's words. ``map.table`` answers the usual request and ``map.urls``
the usual ``url_for``; both say None where only Werkzeug can answer.
"""

from __future__ import annotations

from costrel.routing.maps import Map
from costrel.routing.rules import ConverterError, Rule, RuleError
from costrel.routing.table import Table, decode_path
from costrel.routing.urls import UrlBuilder

__all__ = ["ConverterError", "Map", "Rule", "RuleError", "Table", "UrlBuilder", "decode_path"]
