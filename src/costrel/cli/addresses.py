"""Whether an address can be listened at, and the error that says who has it. Listens at none itself."""

from __future__ import annotations

import os
import socket
import stat
import sys

from costrel.cli.errors import PortTaken

__all__ = ["check_port", "free_unix_address"]

_ANSWER_SECONDS = 1.0


def check_port(host: str, port: int, *, option: str = "--port {}") -> None:
    """Refuse an address that another program has, and say which.

    Args:
        host: The address to listen at.
        port: The port; 0 is whichever is free.
        option: What to type for another port, with ``{}`` in its place.

    Raises:
        PortTaken: With the next free port.
    """
    from costrel.cli.ports import find_holder, is_taken, next_free  # for cost

    if port == 0 or not is_taken(host, port):
        return

    holder, free = find_holder(port), next_free(host, port)
    if holder is not None:
        raise PortTaken(port, holder=str(holder), free=free, stop=f"kill {holder.pid}", option=option)

    airplay = " (on macOS often 'AirPlay Receiver', see System Settings)" if sys.platform == "darwin" else ""
    raise PortTaken(port, holder=f"another program{airplay}", free=free, option=option)


def free_unix_address(path: str) -> bool:
    """Make way at the path of a Unix socket: take away one that nobody listens at.

    Returns:
        Whether the path can be used; not where somebody listens, and never
        where there is a file that is no socket.
    """
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
    except FileNotFoundError:
        return True

    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(_ANSWER_SECONDS)
            sock.connect(path)
    except ConnectionRefusedError:
        os.unlink(path)
        return True
    except OSError:
        return False

    return False
