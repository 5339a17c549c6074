"""``python -m costrel``: the command line."""

from __future__ import annotations

from costrel.cli import main

__all__: list[str] = []

main()
