"""Names of files as they may stand in a header. Knows no file."""

from __future__ import annotations

import mimetypes
import re
from functools import cache, lru_cache
from unicodedata import normalize
from urllib.parse import quote

from werkzeug.http import dump_options_header
from werkzeug.utils import get_content_type

from costrel.core.header_rules import check_value

__all__ = ["clean_download_name", "describe", "disposition"]

_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 5987 3.2.1, besides letters and digits
_MAX_KEPT = 128


def clean_download_name(name: str) -> str:
    r"""Replace what no header can carry: control characters and lone surrogates.

    Quotes and letters outside of ASCII stay; RFC 6266 encodes them.

    Args:
        name: Often what a visitor called the file. A line break in it would
            let that visitor write headers of the response.

    Example:
        >>> clean_download_name("a\r\nb.txt")
        'a__b.txt'
    """
    return _unsendable().sub("_", name)


@cache
def _unsendable() -> re.Pattern[str]:
    # for cost: 0.4 ms, because a range that far out takes a table of 65,536 entries
    return re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def disposition(kind: str, name: str) -> str:
    """Write the ``Content-Disposition`` of a file (RFC 6266).

    Args:
        kind: ``"inline"`` for what is shown, ``"attachment"`` for what is saved.
        name: What the file is called.

    Example:
        >>> disposition("inline", "année.txt")
        "inline; filename=annee.txt; filename*=UTF-8''ann%C3%A9e.txt"
    """
    name = clean_download_name(name)
    if name.isascii():
        return dump_options_header(kind, {"filename": name})

    plain = normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")

    return dump_options_header(
        kind, {"filename": plain, "filename*": f"UTF-8''{quote(name, safe=_ATTR_CHARS)}"}
    )


def describe(
    name: str, mimetype: str | None = None, *, as_attachment: bool = False
) -> tuple[tuple[str, str], ...]:
    """Return the headers that say what a file is called and what it holds, in Werkzeug's order.

    Args:
        name: What the file is called.
        mimetype: Default: by the name.
        as_attachment: Have the browser save it.

    Raises:
        ValueError: If the type cannot stand in a header.

    Example:
        >>> describe("walks.csv.gz", as_attachment=True)[0]
        ('Content-Disposition', 'attachment; filename=walks.csv.gz')
    """
    # SECURITY: visitors may choose names; few of them are kept, and none that is long.
    return (_describe if len(name) <= _MAX_KEPT else _describe.__wrapped__)(name, mimetype, as_attachment)


@lru_cache(maxsize=256)
def _describe(name: str, mimetype: str | None, as_attachment: bool) -> tuple[tuple[str, str], ...]:
    encoding = None
    if mimetype is None:
        guessed, encoding = mimetypes.guess_type(name)
        mimetype = guessed or "application/octet-stream"
    headers = [] if encoding is None or as_attachment else [("Content-Encoding", encoding)]
    headers.append(("Content-Disposition", disposition("attachment" if as_attachment else "inline", name)))
    headers.append(("Content-Type", check_value(get_content_type(mimetype, "utf-8"))))

    return tuple(headers)
