"""Start a production server as ``costrel serve`` has settled; runs in place of that command.

Each server's own handling of proxy headers is switched off: ``TRUSTED_PROXIES``
is to be the only one. Knows no application; the workers load it by
``costrel.serving.target``.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from costrel.serving.target import load, read_plan

__all__ = ["load_in_hypercorn", "main"]

_TARGET = "costrel.serving.target"

Plan = dict[str, Any]


def main() -> int:
    """Serve until a signal ends it; 0 after SIGTERM and SIGINT."""
    plan = read_plan()
    # NOTE: before a server is ready, and after it has stopped for a signal that it then raises again.
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)

    return _START[plan["server"]](plan) or 0


def load_in_hypercorn() -> Any:  # Any: the class of the application stands above this package
    """Return the application, in a worker of hypercorn."""
    plan = read_plan()
    if plan["workers"] > 1:
        # NOTE: as soon as the first worker has ended, hypercorn sends the others SIGTERM, which would
        # end the requests they are answering; when to stop they have been told another way.
        parent = os.getppid()
        signal.signal(signal.SIGTERM, lambda *_: None if os.getppid() == parent else sys.exit(0))

    return load("asgi")


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _granian(plan: Plan) -> None:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    # NOTE: a worker begins with the handlers of this process, and SIGTERM is lost until it has its own.
    os.register_at_fork(after_in_child=_forget_signals)
    options: dict[str, Any] = {}
    if plan["threads"]:
        options["blocking_threads" if plan["interface"] == "wsgi" else "runtime_threads"] = plan["threads"]
    if plan["unix"]:
        options["uds"] = Path(plan["unix"])
    Server(
        f"{_TARGET}:{plan['interface']}",
        address=plan["host"],
        port=plan["port"],
        interface=Interfaces(plan["interface"]),
        workers=plan["workers"],
        workers_kill_timeout=plan["graceful_seconds"],
        log_level=LogLevels(plan["log_level"]),
        log_access=plan["access_log"],
        ssl_cert=Path(plan["certfile"]) if plan["certfile"] else None,
        ssl_key=Path(plan["keyfile"]) if plan["keyfile"] else None,
        respawn_failed_workers=True,
        **options,
    ).serve()


def _forget_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _uvicorn(plan: Plan) -> None:
    import uvicorn  # pyright: ignore[reportMissingImports]  # an extra

    uvicorn.run(
        f"{_TARGET}:asgi",
        host=plan["host"],
        port=plan["port"],
        uds=plan["unix"] or None,
        workers=plan["workers"],
        interface="asgi3",
        timeout_graceful_shutdown=plan["graceful_seconds"],
        log_level=plan["log_level"],
        access_log=plan["access_log"],
        ssl_certfile=plan["certfile"] or None,
        ssl_keyfile=plan["keyfile"] or None,
        proxy_headers=False,
        server_header=False,
    )


def _hypercorn(plan: Plan) -> int:
    from hypercorn.config import Config  # pyright: ignore[reportMissingImports]  # an extra
    from hypercorn.run import run  # pyright: ignore[reportMissingImports]  # an extra

    config = Config()
    # NOTE: hypercorn evaluates the last part among the names that the module has already.
    config.application_path = "asgi:costrel.serving.launch:load_in_hypercorn()"
    config.bind = [plan["bind"]]
    # With none, the one process serves; one more would only watch it.
    config.workers = plan["workers"] if plan["workers"] > 1 else 0
    config.graceful_timeout = plan["graceful_seconds"]
    config.loglevel = plan["log_level"]
    config.errorlog = "-"
    config.accesslog = "-" if plan["access_log"] else None
    config.certfile = plan["certfile"] or None
    config.keyfile = plan["keyfile"] or None
    config.include_server_header = False

    return int(run(config))


def _gunicorn(plan: Plan) -> None:
    from gunicorn.app.base import BaseApplication
    from gunicorn.arbiter import Arbiter

    worker = "asgi"
    if plan["interface"] == "wsgi":
        worker = "gthread" if plan["threads"] > 1 else "sync"
    settings = {
        "bind": plan["bind"],
        "workers": plan["workers"],
        "threads": plan["threads"] if plan["interface"] == "wsgi" else 1,
        "worker_class": worker,
        "graceful_timeout": plan["graceful_seconds"],
        "loglevel": plan["log_level"],
        "accesslog": "-" if plan["access_log"] else None,
        "certfile": plan["certfile"] or None,
        "keyfile": plan["keyfile"] or None,
        # SECURITY: from a Unix socket gunicorn believes these of anyone.
        "secure_scheme_headers": {},
        "forwarder_headers": "",
        "forwarded_allow_ips": "",
        # Ctrl-C reaches the whole group; the workers are to wait for what the arbiter says.
        "post_worker_init": lambda worker: signal.signal(signal.SIGINT, signal.SIG_IGN),
    }

    class Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            for name, value in settings.items():
                if value is not None and name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Any:
            return load(plan["interface"])

    class Patient(Arbiter):  # type: ignore[misc]  # as above
        def handle_int(self) -> None:
            # NOTE: the quick end of a threaded worker can lock up in its own signal handler.
            self.handle_term()

    Patient(Application()).run()


def _waitress(plan: Plan) -> None:
    import logging

    from costrel.serving.waitress_loop import serve

    logging.basicConfig(level=plan["log_level"].upper())
    where = {"unix_socket": plan["unix"]} if plan["unix"] else {"host": plan["host"], "port": plan["port"]}
    serve(
        load("wsgi"),
        graceful_seconds=plan["graceful_seconds"],
        threads=plan["threads"],
        ident=None,
        # NOTE: it would take the headers away before anyone can look at them.
        clear_untrusted_proxy_headers=False,
        **where,
    )


_START = {
    "granian": _granian,
    "gunicorn": _gunicorn,
    "hypercorn": _hypercorn,
    "uvicorn": _uvicorn,
    "waitress": _waitress,
}

if __name__ == "__main__":
    sys.exit(main())
