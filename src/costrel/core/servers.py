"""Which server and which interface fit an application, and how an address is written. Starts nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from costrel.errors import ConfigError

__all__ = ["CONFUSES_UNDERSCORES", "INTERFACES", "SERVERS", "Address", "Choice", "choose", "read_address"]

INTERFACES = ("wsgi", "asgi", "rsgi")

# The first that is installed and speaks the interface is taken: by measured speed, then by age.
_PREFERRED = {
    "wsgi": ("granian", "gunicorn", "waitress"),
    "asgi": ("granian", "uvicorn", "hypercorn", "gunicorn"),
    "rsgi": ("granian",),
}
SERVERS = ("granian", "uvicorn", "hypercorn", "gunicorn", "waitress")
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
# SECURITY: these hand a WSGI application X_Forwarded_For, which a client sends past the proxy, as if
# it were X-Forwarded-For. PEP 3333 leaves no way to tell them apart afterwards.
CONFUSES_UNDERSCORES = ("granian",)
_HOST, _DEFAULT_PORT = "127.0.0.1", 8_000
_NOTHING = "no server for production is installed"


@dataclass(frozen=True, slots=True)
class Choice:
    """What serves, by what, and why."""

    server: str
    interface: str
    reason: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: a host and a port, or a Unix socket."""

    host: str = _HOST
    port: int = _DEFAULT_PORT
    unix: str = ""

    def url(self, scheme: str) -> str:
        """Return the address as people open it, or as ``unix:path``."""
        if self.unix:
            return f"unix:{self.unix}"

        return f"{scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def __str__(self) -> str:
        return self.url("").removeprefix("://")


def choose(
    installed: Collection[str],
    *,
    server: str | None = None,
    interface: str | None = None,
    asynchronous: Sequence[str] = (),
    proxied: bool = False,
) -> Choice:
    """Pick a server and the interface to speak with it.

    Args:
        installed: Names of servers that can be imported.
        server: The one that is wanted.
        interface: The one that is wanted.
        asynchronous: What in the application is served better by an event
            loop, in words.
        proxied: Whether the application believes headers of proxies. Then a
            server that confuses them with others is not picked for WSGI.

    Raises:
        ConfigError: If no installed server fits.

    Example:
        >>> choose({"gunicorn", "uvicorn"}, asynchronous=["async view 'feed'"])
        Choice(server='uvicorn', interface='asgi', reason="the application has async view 'feed'")
    """
    if server is not None and server not in installed:
        raise ConfigError(f"the server {server!r} is not installed", hint=f"pip install {server}")
    if not installed:
        raise ConfigError(_NOTHING, hint="pip install 'costrel[serve]'")

    known = [server] if server is not None else [name for name in SERVERS if name in installed]
    wanted: tuple[str, ...]
    if interface is not None:
        wanted, reason = (interface,), "as you asked"
    elif asynchronous:
        more = f" and {len(asynchronous) - 1} more" if len(asynchronous) > 1 else ""
        wanted, reason = ("asgi",), f"the application has {asynchronous[0]}{more}"
        if server is not None and server not in _PREFERRED["asgi"]:
            raise ConfigError(
                f"{server} speaks WSGI only, and {reason}",
                hint="Choose another server, or say --interface wsgi; WebSockets are not served then.",
            )
    else:
        wanted, reason = ("wsgi", "asgi"), "all of the application is synchronous"

    for speaks in wanted:
        for name in _PREFERRED[speaks]:
            unsafe = proxied and speaks == "wsgi" and name in CONFUSES_UNDERSCORES and interface is None
            if name in known and not unsafe:
                return Choice(name, speaks, reason)

    able = _PREFERRED[wanted[0]]
    if server is not None:
        raise ConfigError(f"{server} does not speak {wanted[0].upper()}", hint=f"Choose {' or '.join(able)}.")

    raise ConfigError(
        f"none of the installed servers ({', '.join(known)}) speaks {wanted[0].upper()}: {reason}",
        hint=f"pip install {able[0]}",
    )


def read_address(text: str) -> Address:
    """Read where to listen.

    Args:
        text: ``host:port``, ``host``, ``:port``, ``port``, ``[::1]:port`` or
            ``unix:path``. Without a host, this machine only is answered.

    Raises:
        ConfigError: If the text has another form.

    Example:
        >>> read_address("0.0.0.0:80"), read_address("unix:/run/shop.sock").unix
        (Address(host='0.0.0.0', port=80, unix=''), '/run/shop.sock')
    """
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        path = path.removeprefix("//")
        if path:
            return Address(unix=path)
        raise _malformed(text)

    bracketed = text.startswith("[")
    host, bracket, rest = text[1:].partition("]") if bracketed else text.rpartition(":")
    if bracketed:
        port = rest.removeprefix(":")
        if not bracket or not host or (rest and not rest.startswith(":")):
            raise _malformed(text)
    elif bracket:
        port = rest
    else:
        host, port = ("", rest) if _PORT.fullmatch(rest) else (rest, "")
    if (not bracketed and ":" in host) or any(character in host for character in "/ \t@"):
        raise _malformed(text)
    if port and (_PORT.fullmatch(port) is None or int(port) > 65_535):
        raise _malformed(text)
    if not (host or port):
        raise _malformed(text)

    return Address(host or _HOST, int(port) if port else _DEFAULT_PORT)


def _malformed(text: str) -> ConfigError:
    return ConfigError(
        f"an address must look like '127.0.0.1:8000' or 'unix:/run/app.sock', got {text!r}",
        hint="For IPv6 write '[::1]:8000'; to answer other machines, '0.0.0.0:8000'.",
    )
