"""Who has a port, and which one is free. Reads ``/proc`` where there is one; ends nothing."""

from __future__ import annotations

import errno
import os
import re
import socket
from dataclasses import dataclass

__all__ = ["Holder", "find_holder", "is_taken", "next_free"]

_LISTEN = "0A"
_MOST_TRIED = 100


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that listens at a port."""

    pid: int
    program: str
    """Its command line, shortened."""

    def __str__(self) -> str:
        return f"process {self.pid} ({self.program})" if self.program else f"process {self.pid}"


def is_taken(host: str, port: int) -> bool:
    """Tell whether a server could not listen at an address because another does.

    Any other reason is left for the server to report.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            if os.name == "posix":
                # As the server does: a port that is only waiting to be closed is free.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
    except OSError as error:
        return error.errno == errno.EADDRINUSE

    return False


def next_free(host: str, port: int) -> int | None:
    """Return the first port above one that nobody listens at."""
    for candidate in range(port + 1, min(port + _MOST_TRIED, 65_535) + 1):
        if not is_taken(host, candidate):
            return candidate

    return None


def find_holder(port: int) -> Holder | None:
    """Find the process that listens at a TCP port of this machine.

    Returns:
        ``None`` where the system does not tell, or the process is another user's.
    """
    inodes = _listening_inodes(port)
    if not inodes:
        return None

    wanted = {f"socket:[{inode}]" for inode in inodes}
    for entry in _names("/proc"):
        if entry.isdigit() and _has_open(entry, wanted):
            return Holder(int(entry), _program(entry))

    return None


def _listening_inodes(port: int) -> set[str]:
    """Read the sockets that listen at a port from the kernel's tables."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                rows = [line.split() for line in file][1:]
        except OSError:
            continue
        for row in rows:
            # proc(5): the second column is address:port (hex), the fourth the state, the tenth the inode.
            if row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port:
                found.add(row[9])

    return found


def _has_open(pid: str, wanted: set[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    for name in _names(folder):
        try:
            if os.readlink(f"{folder}/{name}") in wanted:
                return True
        except OSError:
            # It was closed meanwhile.
            continue

    return False


def _program(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            arguments = file.read(4_096).decode(errors="replace").split("\0")
    except OSError:
        return ""
    # SECURITY: arguments may hold passwords: only the program and what it runs are shown.
    harmless = [text for text in arguments[1:4] if not text.startswith("-") and "=" not in text]
    shown = " ".join(filter(None, [os.path.basename(arguments[0]), *harmless]))

    return re.sub(r"[^ -~]", "?", shown)[:60]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
