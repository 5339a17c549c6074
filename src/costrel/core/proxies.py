"""Whom a request came from and what it asked for, by the headers of trusted proxies. Knows no request.

Any client can send these headers. What is believed is therefore named twice:
who may speak (``TRUSTED_PROXIES``) and which headers all of them set or remove
(``TRUSTED_PROXY_HEADERS``); all else is ignored, and so is what is malformed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple

from werkzeug.exceptions import SecurityError

from costrel.core.forwarded import read_elements
from costrel.core.hosts import read_host
from costrel.errors import ConfigError

__all__ = ["DEFAULT_HEADERS", "HEADERS", "Origin", "Trust", "read_address", "read_trust"]

DEFAULT_HEADERS = ("X-Forwarded-For", "X-Forwarded-Proto")
"""What nearly every proxy sets; the others most pass on as a client sent them."""

_USUAL = frozenset(DEFAULT_HEADERS)
HEADERS = (*DEFAULT_HEADERS, "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "Forwarded")
_UNIX = "unix"
_MOST_HOPS = 32
_MOST_KEPT = 1_024
_MOST_CHARACTERS = 64
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
# RFC 3986 3.3 without percent-encoding, commas and empty segments: "//name" would be another host.
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+;=:@-]+)+", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
# An address with the port that some proxies put behind it.
_NODE = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Look = Callable[[str], str | None]
"""Returns the value of a header, several lines of it joined by commas; ``None`` without one."""


class Origin(NamedTuple):
    """What the proxies say of a request; ``None`` is what they do not say."""

    address: str | None = None
    port: str | None = None
    """The client's port, where the proxy names it."""
    scheme: str | None = None
    host: str | None = None
    """As in a ``Host`` header: well-formed, with a port only if that is unusual."""
    host_port: str | None = None
    """The port of the public address, where that is told apart from the host."""
    prefix: str = ""
    """The path below which the application is; begins with a slash, or is empty."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Who is believed, and what.

    Example:
        >>> trust = read_trust(1)
        >>> sent = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https"}
        >>> origin = trust.find_origin("10.0.0.2", sent.get)
        >>> origin.address, origin.scheme
        ('203.0.113.7', 'https')
    """

    hops: int
    """How many proxies stand in front; 0 to go by ``networks``."""
    networks: tuple[Network, ...]
    unix: bool
    """Whether who connects by a Unix socket is a proxy."""
    headers: frozenset[str]
    _known: dict[str | None, bool] = field(default_factory=dict, compare=False, repr=False)
    """Addresses that were asked for; bounded, because clients choose them."""

    def find_origin(self, peer: str | None, look: Look) -> Origin | None:
        """Say what a request is by the headers that are believed.

        Args:
            peer: The address that the connection comes from; empty or
                ``None`` for a Unix socket.
            look: Returns the value of a header by its name.

        Returns:
            ``None`` if nothing is to be believed.
        """
        return self._by_forwarded(peer, look) if "Forwarded" in self.headers else self._by_x(peer, look)

    def trusts(self, peer: str | None) -> bool:
        """Tell whether an address is that of a proxy in the listed networks.

        Example:
            >>> read_trust(["10.0.0.0/8", "unix"]).trusts("10.1.2.3")
            True
        """
        known = self._known.get(peer)
        if known is not None:
            return known

        # A zone says through which interface; it is no part of the address.
        address = read_address((peer or "").partition("%")[0])
        known = self.unix
        if address is not None:
            same = [network for network in self.networks if network.version == address.version]
            known = any(address in network for network in same)
        # PERF: 2 µs a network. What is longer than an address is not kept.
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        if peer is None or len(peer) <= _MOST_CHARACTERS:
            self._known[peer] = known

        return known

    def _by_x(self, peer: str | None, look: Look) -> Origin | None:
        nodes = _members(look("X-Forwarded-For")) if "X-Forwarded-For" in self.headers else None
        chain = self._follow(peer, nodes)
        if chain is None:
            return None

        count, client = chain

        def told(name: str) -> str:
            # NOTE: a shorter list was written anew on its way by one of the trusted proxies.
            members = _members(look(name)) if name in self.headers else []
            return members[-min(count, len(members))] if members else ""

        address, port = client or (None, None)
        scheme = _SCHEMES.get(told("X-Forwarded-Proto").lower())
        if self.headers <= _USUAL:
            return Origin(address, port, scheme)

        return Origin(
            address=address,
            port=port,
            scheme=scheme,
            host=_read_host(scheme, told("X-Forwarded-Host")),
            host_port=_read_port(told("X-Forwarded-Port")),
            prefix=_read_prefix(told("X-Forwarded-Prefix")),
        )

    def _by_forwarded(self, peer: str | None, look: Look) -> Origin | None:
        elements = read_elements(look("Forwarded") or "")
        if not elements:
            return None

        chain = self._follow(peer, [element.get("for", "") for element in elements])
        if chain is None:
            return None

        count, client = chain
        element = elements[-count]
        address, port = client or (None, None)
        scheme = _SCHEMES.get(element.get("proto", "").lower())

        return Origin(
            address=address, port=port, scheme=scheme, host=_read_host(scheme, element.get("host", ""))
        )

    def _follow(
        self, peer: str | None, nodes: list[str] | None
    ) -> tuple[int, tuple[str, str | None] | None] | None:
        """Walk from the server towards the client.

        Args:
            peer: The connection's address.
            nodes: What each proxy saw before it, the farthest first; ``None``
                if no header tells.

        Returns:
            The number of trusted proxies and the client with its port, if
            that is known; ``None`` if the request came another way.
        """
        if self.hops:
            if nodes is None:
                return self.hops, None
            # Fewer than that did not pass through all proxies: somebody went round them.
            return (self.hops, _read_node(nodes[-self.hops])) if len(nodes) >= self.hops else None

        if not self.trusts(peer):
            return None
        if not nodes:
            return 1, None

        client, count = None, 0
        for node in reversed(nodes):
            found = _read_node(node)
            if found is None:
                # A trusted proxy wrote this, but not whom it saw.
                return count + 1, client
            client, count = found, count + 1
            if not self.trusts(found[0]):
                break

        return count, client


def read_trust(proxies: Any, headers: Any = DEFAULT_HEADERS) -> Trust | None:
    """Read ``TRUSTED_PROXIES`` and ``TRUSTED_PROXY_HEADERS``.

    Args:
        proxies: How many proxies stand in front of the server, or a list of
            their addresses and networks, with ``"unix"`` for a Unix socket.
            A number that is too high lets clients choose their address.
        headers: The headers that the proxies set or remove. One that they
            pass on instead is the client's to choose.

    Returns:
        ``None`` if nobody is trusted.

    Raises:
        ConfigError: If a value cannot be used.

    Example:
        >>> read_trust(["10.0.0.0/8"]).networks
        (IPv4Network('10.0.0.0/8'),)
    """
    names = _read_names(headers)
    if proxies is None or proxies == () or proxies == []:
        return None
    if isinstance(proxies, int) and not isinstance(proxies, bool):
        if not 0 <= proxies <= _MOST_HOPS:
            raise ConfigError(
                f"TRUSTED_PROXIES must be from 0 to {_MOST_HOPS} proxies, got {proxies!r}",
                hint="Count the proxies between the internet and this server.",
            )
        return Trust(proxies, (), False, names) if proxies else None
    if isinstance(proxies, str | bytes | bool | Mapping) or not isinstance(proxies, Iterable):
        raise ConfigError(
            f"TRUSTED_PROXIES must be a number of proxies or a list of networks, got {proxies!r}",
            hint='Write TRUSTED_PROXIES = 1, or TRUSTED_PROXIES = ["10.0.0.0/8"].',
        )

    entries = list(proxies)

    return Trust(
        0, tuple(_read_network(entry) for entry in entries if entry != _UNIX), _UNIX in entries, names
    )


def read_address(text: str) -> Address | None:
    """Read an IP address; one of IPv4 in the clothes of IPv6 is one of IPv4.

    Example:
        >>> read_address("::ffff:10.0.0.1"), read_address("unknown")
        (IPv4Address('10.0.0.1'), None)
    """
    # An address has at most 45 characters; what is longer need not be read.
    if not text or len(text) > 45 or "%" in text:
        return None

    try:
        address = ip_address(text)
    except ValueError:
        return None

    return getattr(address, "ipv4_mapped", None) or address


def _read_names(headers: Any) -> frozenset[str]:
    known = {name.lower(): name for name in HEADERS}
    given = [headers] if isinstance(headers, str) else list(headers or ())
    for name in given:
        if not isinstance(name, str) or name.lower() not in known:
            raise ConfigError(
                f"TRUSTED_PROXY_HEADERS names {name!r}, which no proxy is believed by",
                hint=f"Choose from {', '.join(HEADERS)}.",
            )
    names = frozenset(known[name.lower()] for name in given)
    if "Forwarded" in names and len(names) > 1:
        raise ConfigError(
            "TRUSTED_PROXY_HEADERS names both Forwarded and X-Forwarded headers, which can contradict",
            hint="Name those that the proxy sets: a client can send the others.",
        )

    return names


def _read_network(entry: Any) -> Network:
    if isinstance(entry, IPv4Network | IPv6Network):
        return entry

    try:
        return ip_network(str(entry))
    except ValueError:
        pass

    try:
        meant = f"Did you mean {str(ip_network(str(entry), strict=False))!r}?"
    except ValueError:
        meant = 'Write "10.0.0.0/8", "192.0.2.7", "2001:db8::/32" or "unix".'
        if entry == "*":
            meant = "Write the number of proxies instead: TRUSTED_PROXIES = 1."

    raise ConfigError(f"TRUSTED_PROXIES has {entry!r}, which is no address and no network", hint=meant)


def _members(text: str | None) -> list[str]:
    if not text:
        return []

    return [member.strip(" \t") for member in text.split(",")] if "," in text else [text.strip(" \t")]


def _read_node(text: str) -> tuple[str, str | None] | None:
    """Read an address, with or without a port; a name or ``unknown`` is neither."""
    return _read_short_node(text) if len(text) <= _MOST_CHARACTERS else None


# PERF: 3 µs for an address that was not seen of late.
@lru_cache(maxsize=_MOST_KEPT)
def _read_short_node(text: str) -> tuple[str, str | None] | None:
    match = _NODE.fullmatch(text)
    if match is None:
        address, port = read_address(text), None
    else:
        address, port = read_address(match["six"] or match["four"]), match["port"]

    return None if address is None else (str(address), port)


def _read_host(scheme: str | None, text: str) -> str | None:
    if not text:
        return None

    try:
        return read_host(scheme or "", text)
    except SecurityError:
        return None


def _read_port(text: str) -> str | None:
    return str(int(text)) if _PORT.fullmatch(text) and 0 < int(text) <= 65_535 else None


def _read_prefix(text: str) -> str:
    prefix = text.rstrip("/")
    if not _PREFIX.fullmatch(prefix) or not {".", ".."}.isdisjoint(prefix.split("/")):
        return ""

    return prefix
