"""The session object: a mapping with an id. Knows no store and no request."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any, ClassVar, NoReturn

from werkzeug.datastructures import CallbackDict

from costrel.ext.session.backends.store import StoreError
from costrel.ext.session.records import Stamp
from costrel.sessions import SessionMixin

__all__ = ["ServerSideSession", "Stored", "UnavailableSession"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store had when a session was opened or saved."""

    value: bytes
    stamp: Stamp
    version: Any = None
    """The store's; ``None`` after it was saved: then it has to be read again."""


# Its update is dict's, whatever the stubs of the two bases say.
class ServerSideSession(CallbackDict[str, Any], SessionMixin):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A session whose content lies in a store, and whose id lies in the cookie.

    Changes within values are noticed too: ``session["cart"].append(…)`` is kept.

    Args:
        initial: Its content.
        sid: Its id.
        permanent: Whether its cookie outlives the browser.
    """

    modified = False
    accessed = False

    is_late = False
    """Whether the request came with an id that was given up a moment ago, by ``rotate`` or at a logout.

    The browser has another one by now, or will have: what this request puts
    in is dropped, and no cookie is sent, unless it calls ``rotate`` itself.
    """

    id_bytes: ClassVar[int] = 32
    """How many random bytes a new id has, if the interface does not say so."""

    def __init__(
        self, initial: dict[str, Any] | None = None, sid: str | None = None, permanent: bool | None = None
    ) -> None:
        super().__init__(initial, _mark_changed)
        self.sid = sid
        """The id; it is as good as a password, so keep it out of pages and logs."""
        self._random_bytes = self.id_bytes
        self._stored: Stored | None = None
        self._moved_from: str | None = None
        self._is_kept = True
        self._revoked: list[tuple[str, float | None]] = []
        if permanent:
            self.permanent = permanent
        self.modified = self.accessed = False

    def __bool__(self) -> bool:
        return len(self) > 1 or (len(self) == 1 and "_permanent" not in self)

    def clear(self) -> None:
        """Delete all keys; a permanent session stays one."""
        permanent = self.get("_permanent", False)
        super().clear()
        self["_permanent"] = permanent

    def rotate(self) -> None:
        """Take a new id and keep the content; the old one is deleted when the session is saved."""
        if self._stored is not None and self._moved_from is None:
            self._moved_from = self.sid
        self.sid = token_urlsafe(self._random_bytes)
        self.is_late = False
        if self:
            self.modified = True

    def revoke(self, token: str, *, seconds: float | None) -> None:
        """Have the store remember that a token is worth nothing, when this session is saved.

        For what logs somebody in beside the session, as a remember cookie:
        whoever copied it before the logout finds it refused.

        Args:
            token: Names it; only a digest is stored.
            seconds: How long it would have been good; ``None`` for ever.
        """
        self._revoked.append((token, seconds))

    def forget(self) -> None:
        """Become a new, empty session: what the store had was deleted."""
        self.clear()
        self.is_late = False
        self._stored = self._moved_from = None
        self.sid = token_urlsafe(self._random_bytes)


def _mark_changed(session: Any) -> None:
    session.modified = True
    session.accessed = True


class UnavailableSession(ServerSideSession):
    """The session of a request while the store cannot be reached: using it says so.

    Args:
        problem: What the store said.
    """

    def __init__(self, problem: str) -> None:
        super().__init__()
        self._problem = problem

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise StoreError(self._problem, hint="See the log for the cause; nothing has to be restarted.")

    __getitem__ = __setitem__ = __delitem__ = __contains__ = __iter__ = __len__ = __bool__ = _fail
    __eq__ = __ne__ = __or__ = __ror__ = __ior__ = __reversed__ = _fail
    get = pop = popitem = setdefault = update = clear = copy = keys = values = items = rotate = revoke = _fail
    del _fail

    __hash__ = None  # type: ignore[assignment]  # as a dict's

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
