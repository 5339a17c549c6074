"""The ``<id:…>`` part of an address: a number that can be a row's id."""

from __future__ import annotations

from werkzeug.routing import IntegerConverter, Map


class RowId(IntegerConverter):
    """An integer that fits SQLite's 64 bits; a larger one is simply not found."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, min=1, max=2**63 - 1)
