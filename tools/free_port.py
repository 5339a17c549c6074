"""Print the port for ``make run``: the one asked for, or the next free one with a word on stderr."""

from __future__ import annotations

import sys

from costrel.cli.ports import find_holder, is_taken, next_free

_HOST = "127.0.0.1"


def main() -> int:
    """Print the port; the exit status is 1 when there is none."""
    text = sys.argv[1]
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        print(f"PORT must be a number from 1 to 65535, got {text!r}.", file=sys.stderr)
        return 1
    port = int(text)
    if not is_taken(_HOST, port):
        print(port)
        return 0

    free = next_free(_HOST, port)
    if free is None:
        print(f"Port {port} and those above it are taken; choose one: make run PORT=...", file=sys.stderr)
        return 1
    holder = find_holder(port)
    print(f"Port {port} is taken{f' by {holder}' if holder else ''}; using {free}.", file=sys.stderr)
    print(free)

    return 0


if __name__ == "__main__":
    sys.exit(main())
