"""Where bytes are kept for a time: one Protocol, ``Store``, and what fulfils it, one module each.

Each module imports its library, so import the one you need.
"""

from __future__ import annotations

from costrel.ext.session.backends.memory import MemoryStore
from costrel.ext.session.backends.store import Entry, Store, StoreError

__all__ = ["Entry", "MemoryStore", "Store", "StoreError"]
