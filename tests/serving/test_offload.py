"""Async code in synchronous requests: one loop for the whole process, and the caller's context."""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from costrel import Costrel, g, request
from costrel.serving.offload import async_to_sync, finish, kept_loop

name = contextvars.ContextVar("name")


async def loop_now():
    return asyncio.get_running_loop()


def test_all_calls_run_on_one_loop():
    assert async_to_sync(loop_now)() is async_to_sync(loop_now)() is kept_loop()


def test_threads_share_the_loop_and_do_not_wait_for_each_other():
    async def meet(barrier):
        await asyncio.wait_for(barrier.wait(), 10)
        return asyncio.get_running_loop()

    barrier = async_to_sync(make_barrier)()
    with ThreadPoolExecutor(3) as pool:
        loops = set(pool.map(lambda _: async_to_sync(meet)(barrier), range(3)))

    assert loops == {kept_loop()}


async def make_barrier():
    return Meeting(3)


class Meeting:
    """Wait for as many as are expected; ``asyncio.Barrier`` by hand, for one use."""

    def __init__(self, expected):
        self.expected = expected
        self.all_here = asyncio.Event()

    async def wait(self):
        self.expected -= 1
        if not self.expected:
            self.all_here.set()
        await self.all_here.wait()


def test_arguments_result_and_error_pass_through():
    async def work(a, *, b):
        if b is None:
            raise LookupError(a)
        return a, b

    call = async_to_sync(work)

    assert call(1, b=2) == (1, 2)
    with pytest.raises(LookupError, match="1"):
        call(1, b=None)


def test_context_variables_are_those_of_the_caller():
    async def read():
        await asyncio.sleep(0)
        return name.get()

    name.set("ada")

    assert async_to_sync(read)() == "ada"


def test_error_being_handled_is_that_of_the_caller():
    async def handle():
        await asyncio.sleep(0)
        return sys.exc_info()[1], traceback.format_exc()

    seen = []
    with pytest.raises(LookupError) as caught:
        try:
            raise LookupError("lost")
        except LookupError:
            seen += async_to_sync(handle)()
            raise

    assert seen[0] is caught.value
    assert seen[1].endswith("LookupError: lost\n")
    assert len(traceback.extract_tb(caught.value.__traceback__)) == 1


def test_waiting_on_the_loop_for_itself_is_refused():
    async def outer():
        return finish(loop_now())

    with pytest.raises(RuntimeError, match="on the event loop itself"):
        async_to_sync(outer)()


def test_async_view_may_start_tasks_that_see_the_request(app, client):
    async def part(number):
        await asyncio.sleep(0)
        g.setdefault("parts", []).append(number)
        return f"{request.path}{number}"

    @app.get("/x")
    async def index():
        found = await asyncio.gather(part(1), part(2))
        return [*found, len(g.parts)]

    assert client(app).get("/x").get_json() == ["/x1", "/x2", 2]


def test_what_is_bound_to_the_loop_lives_on_between_requests(app, client):
    kept = {}

    @app.get("/")
    async def index():
        queue = kept.setdefault("queue", asyncio.Queue())
        await queue.put(1)
        return str(queue.qsize())

    assert [client(app).get("/").text for _ in range(3)] == ["1", "2", "3"]


def test_application_may_bring_its_own_way():
    # Over ASGI nothing is made synchronous where the view is async: it runs on the server's loop.
    class Own(Costrel):
        def async_to_sync(self, func):
            return lambda *args, **kwargs: asyncio.run(func(*args, **kwargs))

    app = Own("shop")

    @app.get("/")
    async def index():
        return str(asyncio.get_running_loop() is kept_loop())

    assert app.test_client(protocol="wsgi").get("/").text == "False"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_child_process_gets_a_loop_of_its_own():
    async_to_sync(loop_now)()
    code = (
        "import os, sys\n"
        "from costrel.serving.offload import async_to_sync\n"
        "async def work(): return 7\n"
        "assert async_to_sync(work)() == 7\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    os._exit(async_to_sync(work)())\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    import subprocess

    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environ, check=False, timeout=60)

    assert done.returncode == 7


def test_loop_runs_in_one_thread_that_does_not_keep_the_process():
    kept_loop()
    loops = [thread for thread in threading.enumerate() if thread.name == "costrel-loop"]

    assert len(loops) == 1
    assert loops[0].daemon
