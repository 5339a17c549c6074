"""Processes that serve: a free port for one, its first answer, its CPU time and memory, its end."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import psutil


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_it_answers(port, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing answers on port {port}")


def family(pid):
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(pid):
    total = 0.0
    for process in family(pid):
        # a helper of the server may end while it is looked at
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:2])

    return total


def memory_bytes(pid):
    """Return what the process and its children hold resident."""
    return sum(member.memory_info().rss for member in family(pid))


def stop(process):
    members = family(process.pid)
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(members, timeout=5)
    for member in alive:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
