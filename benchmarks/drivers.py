"""Call a WSGI application in process, as a server would. Knows no framework."""

from __future__ import annotations

import importlib
import io
import sys
import time

from workloads import Workload


def load(framework):
    """Import the adapter of a framework, with its checkout first on the path if it has one."""
    adapter = importlib.import_module(f"apps.{framework}_app")
    folder = getattr(adapter, "PATH_PREPEND", None)
    if folder and folder not in sys.path:
        sys.path.insert(0, folder)

    return adapter


class FileWrapper:
    """Stand in for ``wsgi.file_wrapper``, in the form gunicorn gives it."""

    def __init__(self, file, block_size=8192):
        self.file, self.block_size = file, block_size
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.file.read(self.block_size)
        if not data:
            raise StopIteration
        return data


class Driver:
    """One application and one request, to be run any number of times."""

    def __init__(self, app, workload: Workload):
        self.app, self.workload = app, workload
        self.environ = self._environ("")
        if workload.variant == "session" or workload.path == "/session":
            # the measured request brings a session along, as those of a visitor do
            _, headers, _ = self.once()
            self.environ = self._environ(headers["set-cookie"].split(";")[0])

    def _environ(self, cookie):
        environ = {
            "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.input_terminated": True,
            "SERVER_SOFTWARE": "bench",
            "REQUEST_METHOD": self.workload.method,
            "QUERY_STRING": "",
            "RAW_URI": self.workload.path,
            "SERVER_PROTOCOL": "HTTP/1.1",
        }
        for name, value in self.workload.headers(cookie):
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        environ |= {
            "wsgi.url_scheme": "http",
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_PORT": "51514",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "PATH_INFO": self.workload.path,
            "SCRIPT_NAME": "",
        }

        return environ

    def once(self):
        """Send one request and return status, headers and body."""
        got = []

        def start(status, headers, exc_info=None):
            got[:] = [status, headers]

        chunks = self.app({**self.environ, "wsgi.input": io.BytesIO(self.workload.body)}, start)
        body = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        status, headers = got

        return int(status.split()[0]), {name.lower(): value for name, value in headers}, body

    def close(self):
        """Do nothing: WSGI applications are not told of their end."""

    def check(self):
        """Send one request and refuse a wrong answer: a fast error page is no result."""
        status, headers, body = self.once()
        if not self.workload.check(status, headers, body):
            raise AssertionError(f"wrong answer: {status} {headers} {body[:200]!r}")

    def run(self, count):
        """Send requests as fast as they go; return the CPU seconds that took."""
        app, template, body, stream = self.app, self.environ, self.workload.body, io.BytesIO

        def start(status, headers, exc_info=None):
            return None

        started = time.process_time()
        for _ in range(count):
            environ = dict(template)
            environ["wsgi.input"] = stream(body)
            chunks = app(environ, start)
            for _chunk in chunks:
                pass
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

        return time.process_time() - started


class UrlFor:
    """``url_for`` in a request: for a static endpoint, or for one with an argument."""

    def __init__(self, adapter, *, with_argument):
        module = importlib.import_module(adapter.IMPORT)
        app = adapter.make_app("base")
        self.context, self.url_for = app.test_request_context("/"), module.url_for
        self.with_argument = with_argument

    def check(self):
        with self.context:
            assert self.url_for("plain") == "/"
            assert self.url_for("param", id=4, slug="a") == "/users/4/posts/a"

    def run(self, count):
        url_for = self.url_for
        with self.context:
            started = time.process_time()
            if self.with_argument:
                for _ in range(count):
                    url_for("param", id=4, slug="hello")
            else:
                for _ in range(count):
                    url_for("plain")

            return time.process_time() - started
