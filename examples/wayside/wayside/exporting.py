"""CSV, line by line. Knows no request and no database."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    r"""Write a table as CSV, one line at a time.

    Example:
        >>> list(csv_lines(["place", "km"], [("Hollin, Edge", 7.5)]))
        ['place,km\r\n', '"Hollin, Edge",7.5\r\n']
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for cells in chain([header], rows):
        writer.writerow([_harmless(cell) for cell in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _harmless(cell: object) -> object:
    # SECURITY: spreadsheets run a cell that begins like a formula.
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + cell

    return cell
