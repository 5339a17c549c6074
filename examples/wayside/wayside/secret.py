"""The key that signs sessions, made once and kept beside the database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def read_or_create(folder: str) -> str:
    """Return the key in ``folder``, making it on the first start.

    SECURITY: whoever reads this file can sign in as anyone, so only the
    owner may read it.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder, "secret_key")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()

    key = secrets.token_hex(32)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key)

    return key
