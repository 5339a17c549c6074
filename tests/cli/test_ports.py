"""Who has a port is told, with the next one that is free."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from costrel.cli.errors import PortTaken
from costrel.cli.ports import find_holder, is_taken, next_free


@pytest.fixture
def taken():
    """A port of this process."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_a_port_that_something_listens_at_is_taken(taken):
    assert is_taken("127.0.0.1", taken)


def test_a_port_is_free_once_nothing_listens_at_it():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]

    assert not is_taken("127.0.0.1", port)


def test_an_address_of_another_machine_is_left_for_the_server_to_report():
    assert not is_taken("192.0.2.1", 5_000)


def test_the_next_free_port_is_above_and_free(taken):
    free = next_free("127.0.0.1", taken)

    assert free is None or (free > taken and not is_taken("127.0.0.1", free))


def test_there_is_none_above_the_last_port():
    assert next_free("127.0.0.1", 65_535) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_that_has_a_port_is_found(taken):
    holder = find_holder(taken)

    assert holder.pid == os.getpid()
    assert str(holder).startswith(f"process {os.getpid()} (")


def test_run_tells_who_has_the_port_and_which_is_free(taken, project, command):
    project("app.py", "from costrel import Costrel\napp = Costrel('hello')\n")

    result = command("run", "--port", str(taken))

    problem, hint = result.stderr.splitlines()
    assert result.exit_code == 1
    assert problem.startswith(f"Error: Address already in use: port {taken} is in use by ")
    assert hint.startswith("  hint: ")
    assert " the next free port with '--port " in hint
    if sys.platform == "linux":
        assert f"process {os.getpid()} (" in problem
        assert f"Stop it with 'kill {os.getpid()}' or use" in hint


def test_without_holder_and_free_port_only_the_problem_is_told(capsys):
    PortTaken(5_000, holder="another program", free=None).show()

    assert (
        capsys.readouterr().err == "Error: Address already in use: port 5000 is in use by another program.\n"
    )
