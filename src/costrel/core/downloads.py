"""Names of files as they may stand in a header. Knows no file."""

from __future__ import annotations

import re

__all__ = ["clean_download_name"]

_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def clean_download_name(name: str) -> str:
    r"""Replace what no header can carry: control characters and lone surrogates.

    Quotes and letters outside of ASCII stay; they are encoded by RFC 6266.

    Args:
        name: Often what a visitor called the file. A line break in it would
            let that visitor write headers of the response.

    Example:
        >>> clean_download_name("a\r\nb.txt")
        'a__b.txt'
    """
    if _UNSENDABLE.search(name) is None:
        return name

    return _UNSENDABLE.sub("_", name)
