"""Uploaded pictures: what is accepted and how it is stored. Knows no request.

SECURITY: the kind is read from the first bytes, never from the name or the
header the browser sent; the stored name is random. SVG is not accepted, for it
can carry scripts.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import IO

MIMETYPES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}


class PictureRefused(ValueError):
    """A picture that is not accepted; the text is for the visitor."""


def kind_of(head: bytes) -> str | None:
    """Name the kind of picture that begins with these bytes.

    Example:
        >>> kind_of(b"GIF89a...")
        'gif'
        >>> kind_of(b"<svg onload=...")
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"

    return None


def store(stream: IO[bytes], *, folder: Path, max_bytes: int) -> str:
    """Check a picture, write it under a new name and return that name.

    Raises:
        PictureRefused: If it is too large or of another kind.
    """
    data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise PictureRefused(f"This picture is larger than {max_bytes / 1_048_576:.2g} MB.")
    kind = kind_of(data[:16])
    if kind is None:
        raise PictureRefused("Please choose a PNG, JPEG, GIF or WebP picture.")

    folder.mkdir(parents=True, exist_ok=True)
    name = f"{secrets.token_hex(16)}.{kind}"
    (folder / name).write_bytes(data)

    return name


def remove(name: str | None, *, folder: Path) -> None:
    """Delete a stored picture, if there is one."""
    if name:
        (folder / name).unlink(missing_ok=True)
