"""Print the first free port from the one given, with a word on stderr when that is another."""

from __future__ import annotations

import errno
import socket
import sys

_TRIES = 100


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        # as the server does, or a port in TIME_WAIT looks taken
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise

    return True


def main() -> int:
    """Print the port; the exit status is 1 when there is none."""
    text = sys.argv[1] if len(sys.argv) > 1 else "5000"
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        print(f"PORT must be a number from 1 to 65535, got {text!r}", file=sys.stderr)
        return 1
    wanted = int(text)
    for port in range(wanted, min(wanted + _TRIES, 65_536)):
        if is_free(port):
            if port != wanted:
                print(f"Port {wanted} is taken, so this uses {port}.", file=sys.stderr)
            print(port)
            return 0
    print(f"No free port from {wanted} on; choose one: make run PORT=...", file=sys.stderr)

    return 1


if __name__ == "__main__":
    sys.exit(main())
