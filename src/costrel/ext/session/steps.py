"""How sessions are opened and saved, written once for sync and async. Knows no request and no response.

Each function is a generator: it yields the calls of the store that it needs
made, gets their results sent, and returns what came of it. ``run`` calls the
methods of the store, ``arun`` awaits their twins.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, Literal, TypeVar

from costrel.ext.session.backends.store import Entry, Store, StoreError
from costrel.ext.session.merge import merge
from costrel.ext.session.records import Record, Stamp, decode, encode
from costrel.ext.session.serializers import Serializer
from costrel.ext.session.server_side import ServerSideSession, Stored

__all__ = [
    "LEFT",
    "LEFT_SECONDS",
    "MOVED",
    "Call",
    "Found",
    "Moved",
    "Rules",
    "Saved",
    "Saving",
    "Steps",
    "arun",
    "find_revoked",
    "open_stored",
    "revoked_name",
    "run",
]

T = TypeVar("T")

_MAX_TRIES = 100
"""At each try one of the requests that save a session at once comes through: more than there are."""

LEFT: Final = b"left"
"""What lies under the id of a session that ended or got another one; no serializer writes or reads it."""

LEFT_SECONDS: Final = 10
"""How long it lies there: as long as requests that the browser sent before it knew may come in. Not longer,
because a browser that never got the new id is without a session meanwhile."""

_LONGEST_QUIET_SECONDS = 3_600
"""A session in use is written at least this often, so that "last seen" means something."""


log = logging.getLogger("costrel.session")


@dataclass(frozen=True, slots=True)
class Call:
    """One method of the store, to be called or awaited."""

    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


# Any: what is sent is what the method of the store returns.
Steps = Generator[Call, Any, T]


def _ask(method: str, *args: Any, **kwargs: Any) -> Steps[Any]:
    return (yield Call(method, args, kwargs))


def run(steps: Steps[T], store: Store) -> T:
    """Run steps by calling the store."""
    try:
        call = next(steps)
        while True:
            call = steps.send(getattr(store, call.method)(*call.args, **call.kwargs))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # StopIteration is not generic


async def arun(steps: Steps[T], store: Store) -> T:
    """Run steps by awaiting the store."""
    try:
        call = next(steps)
        while True:
            call = steps.send(await getattr(store, f"a{call.method}")(*call.args, **call.kwargs))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # as above


@dataclass(frozen=True, slots=True)
class Rules:
    """How long sessions live and how large they are, and what time it is."""

    now: float
    lifetime_seconds: float
    """How long a session lives without being used."""

    absolute_seconds: float | None
    """How long it lives at most; ``None`` for ever."""

    refreshes: bool
    """Whether using it makes it live longer."""

    refresh_fraction: float
    """What part of the lifetime has to pass before it is written only for being used."""

    max_bytes: int

    def seconds_left(self, stamp: Stamp) -> float:
        """Return how long a session lives from now on if it is written now."""
        if self.absolute_seconds is None:
            return self.lifetime_seconds

        return min(self.lifetime_seconds, stamp.created + self.absolute_seconds - self.now)

    def is_due(self, since: int) -> bool:
        """Tell whether what was done then has to be done again."""
        wait = min(self.lifetime_seconds * self.refresh_fraction, _LONGEST_QUIET_SECONDS)

        return self.refreshes and self.now - since >= wait


class Moved:
    """The class of ``MOVED``; it is as false as ``None``."""

    def __bool__(self) -> Literal[False]:
        return False


MOVED: Final = Moved()
"""Stands for a session that ended, or got another id, a moment ago."""

Found = tuple[dict[str, Any], Stored] | Moved | None


def open_stored(serializer: Serializer, key: str, rules: Rules) -> Steps[Found]:
    """Read a session.

    Returns:
        Its content and what is to be known when it is saved; ``MOVED`` if it
        ended or got another id a moment ago; ``None`` if there is none: it is
        over, was never there, or cannot be read.
    """
    entry: Entry | None = yield from _ask("get", key)
    if entry is None:
        return None
    record = decode(serializer, entry.value)
    if record is None:
        return MOVED if entry.value == LEFT else None

    stamp = _stamp_of(record, rules)
    if rules.seconds_left(stamp) <= 0:
        yield from _ask("delete", key)
        return None

    return record.content, Stored(entry.value, stamp, entry.version)


def _stamp_of(record: Record, rules: Rules) -> Stamp:
    now = int(rules.now)

    return record.stamp or Stamp(now, now, 0)


def revoked_name(token: str) -> str:
    """Return what stands for a revoked token in the key that says so; no session's id is like it."""
    return f"revoked:{sha256(token.encode()).hexdigest()}"


def find_revoked(key: str, since_key: str, issued: int) -> Steps[bool]:
    """Tell whether a token was revoked, or all that were issued until then.

    Args:
        key: The key of the token.
        since_key: The key of its user's date, which ``delete_user`` writes.
        issued: When it was issued, in microseconds since 1970.
    """
    if (yield from _ask("get", key)) is not None:
        return True

    since: Entry | None = yield from _ask("get", since_key)

    return since is not None and issued <= int(since.value)


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of saving a session."""

    stored: Stored | None = None
    """What the store has now, if it was written."""

    is_new: bool = False
    """Whether it has an id that the browser does not know."""

    sends_cookie: bool = False
    """Whether the browser is to get the cookie, because the id is new or it would expire."""

    deleted: bool = False
    """Whether it was emptied: then nothing is stored, and the cookie goes."""


_NOTHING = Saved()


def _give_up() -> Saved:
    """Drop what a request put into a session that another one ended or gave a new id.

    SECURITY: it is not put into the session under the new id either, or who
    planted the old one could write into that of who logged in with it.
    """
    log.debug("A session ended or got a new id while a request used it; what the request put in is dropped.")

    return _NOTHING


@dataclass(frozen=True, slots=True)
class Saving:
    """What saving needs besides the session."""

    serializer: Serializer
    rules: Rules
    key_of: Callable[[str | None], str]
    """Makes the store's key of a session's id."""

    index_of: Callable[[dict[str, Any]], str | None]
    """Makes the index of a session's content: whose it is."""

    ip: str = ""
    """Where a new session begins."""

    agent: str = ""

    def save(self, session: ServerSideSession) -> Steps[Saved]:
        """Write a session, if there is something to write."""
        while session._revoked:
            token, seconds = session._revoked[0]
            yield from _ask("set", self.key_of(revoked_name(token)), b"1", ttl_seconds=seconds)
            del session._revoked[0]

        return (yield from self._save(session))

    def _save(self, session: ServerSideSession) -> Steps[Saved]:
        stored = session._stored
        if not session:
            return (yield from self._delete(session))
        if stored is None:
            return (yield from self._add(session))

        rules = self.rules
        resends = bool(session.get("_permanent")) and rules.is_due(stored.stamp.sent)
        is_changed = stored.value != self._encode(dict(session), stored.stamp, max_bytes=0)
        if not (is_changed or session._moved_from or resends or rules.is_due(stored.stamp.seen)):
            return _NOTHING

        return (yield from self._write(session, stored, resends))

    def _encode(self, content: dict[str, Any], stamp: Stamp, *, max_bytes: int | None = None) -> bytes:
        limit = self.rules.max_bytes if max_bytes is None else max_bytes

        return encode(self.serializer, content, stamp, max_bytes=limit)

    def _delete(self, session: ServerSideSession) -> Steps[Saved]:
        """Delete a session that was emptied, whatever another request made of it."""
        if session.is_late or (not session.modified and session._moved_from is None):
            return _NOTHING

        if session._stored is not None:
            key = self.key_of(session._moved_from or session.sid)
            is_ended = yield from self._end(key, session._stored)
            if not is_ended and session._moved_from is None:
                # The cookie may be another session's now. Who asked for a new id, logs out, and loses it.
                return _give_up()

        return Saved(deleted=True)

    def _end(self, key: str, stored: Stored) -> Steps[bool]:
        """Leave nothing of a session but that it ended; tell whether there was one."""
        version = stored.version
        for _ in range(_MAX_TRIES):
            if version is None:
                found = yield from open_stored(self.serializer, key, self.rules)
                if not found:
                    return False
                version = found[1].version
            how = {"version": version, "ttl_seconds": LEFT_SECONDS, "index": None}
            if (yield from _ask("replace", key, LEFT, **how)):
                return True
            version = None

        raise StoreError("too many requests write one session at once")

    def _add(self, session: ServerSideSession) -> Steps[Saved]:
        if session.is_late:
            return _give_up()

        now, content = int(self.rules.now), dict(session)
        stamp = Stamp(now, now, now, self.ip, self.agent)
        value = self._encode(content, stamp)
        how = {"ttl_seconds": self.rules.seconds_left(stamp), "index": self.index_of(content)}
        if not (yield from _ask("add", self.key_of(session.sid), value, **how)):
            raise StoreError("the id of a new session is taken, which random ids never are")

        return Saved(Stored(value, stamp), is_new=True, sends_cookie=True)

    def _write(self, session: ServerSideSession, first: Stored, resends: bool) -> Steps[Saved]:
        """Write what was changed over what is stored, as often as another request comes between."""
        key, to = self.key_of(session._moved_from or session.sid), self.key_of(session.sid)
        is_new, stored = key != to, first
        for _ in range(_MAX_TRIES):
            content = ours = dict(session)
            if stored.version is None:
                found = yield from open_stored(self.serializer, key, self.rules)
                if not found:
                    # Deleted meanwhile: logged out, perhaps everywhere. It must not come back.
                    return _give_up()
                theirs, stored = found
                if stored.value != first.value:
                    base = decode(self.serializer, first.value)
                    content = merge(base.content if base else {}, ours, theirs)
            stamp = self._stamp_after(stored.stamp, sends=resends or is_new)
            value = self._encode(content, stamp)
            how = {
                "version": stored.version,
                "ttl_seconds": self.rules.seconds_left(stamp),
                "index": self.index_of(content),
            }
            if is_new:
                how |= {"left": LEFT, "left_seconds": LEFT_SECONDS}
                is_written = yield from _ask("move", key, to, value, **how)
            else:
                is_written = yield from _ask("replace", key, value, **how)
            if is_written:
                # What this request knows of, not what it was merged with: the next difference is from here.
                known = Stored(self._encode(ours, stamp, max_bytes=0), stamp)
                return Saved(known, is_new=is_new, sends_cookie=is_new or resends)
            stored = replace(stored, version=None)

        raise StoreError("too many requests write one session at once")

    def _stamp_after(self, stamp: Stamp, *, sends: bool) -> Stamp:
        now = int(self.rules.now)

        return replace(stamp, seen=now, sent=now if sends else stamp.sent)
