"""Sessions: the interface for any kind, and the one kept in a signed cookie.

It knows the application and the context by their contracts, and gets the
request only to read a cookie.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from werkzeug.datastructures import CallbackDict

from costrel import _current
from costrel.core.contracts import Application
from costrel.core.one_cookie import add_if_absent, read_cookie, set_signed_cookie, vary_by_cookie
from costrel.core.plain_response import PlainResponse
from costrel.core.secret_keys import generate_key, sha1, signing_keys
from costrel.errors import CostrelError
from costrel.json.tag import TaggedJSONSerializer

if TYPE_CHECKING:
    from itsdangerous import BadData, URLSafeTimedSerializer

    from costrel.core.signing import KeptSerializer

__all__ = [
    "NullSession",
    "SecureCookieSession",
    "SecureCookieSessionInterface",
    "SessionInterface",
    "SessionMixin",
    "session_json_serializer",
]

session_json_serializer = TaggedJSONSerializer()
"""Writes the sessions in cookies; tags registered with it hold for all applications."""

# More than the applications of a process need at a time; each change of a key makes one.
_MAX_SERIALIZERS = 64


class _NoKeyError(CostrelError, RuntimeError):
    """The session was written to, but there is no key to sign it with."""


class SessionMixin(MutableMapping[str, Any]):
    """What a session has besides being a mapping."""

    new: ClassVar[bool] = False
    """Not used by costrel; for interfaces that can tell."""

    modified: bool = True
    """It was changed, and will be saved. Set it for a change within a value."""

    accessed: bool = True
    """It was read or written, so the answer depends on the cookie."""

    @property
    def permanent(self) -> bool:
        """Whether it outlives the browser, for ``permanent_session_lifetime``."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)

    def rotate(self) -> None:
        """Take a new id and keep the content, so that who knows the old id knows nothing.

        Call it when somebody logs in or gets more rights. A session that lies
        in its cookie has no id: for it this does nothing.

        Example:
            >>> SecureCookieSession({"user": 1}).rotate()
        """


# Its update is dict's, whatever the stubs of the two bases say.
class SecureCookieSession(CallbackDict[str, Any], SessionMixin):  # pyright: ignore[reportIncompatibleMethodOverride]
    """The session in a signed cookie: visitors can read it, but not change it.

    Only changes of the session itself are noticed. After changing a list
    within it, set ``session.modified = True``.
    """

    modified = False
    accessed = False

    @staticmethod
    def on_update(session: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]  # an attribute there
        """Note a change; called after each."""
        session.modified = True
        session.accessed = True

    def __init__(self, initial: Any = None) -> None:
        # PERF: 0.4 µs less than the base's, of the 0.6 that an empty session takes.
        if initial is not None:
            dict.__init__(self, initial)


class NullSession(SecureCookieSession):
    """The session of an application without a secret key: empty and read-only."""

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _NoKeyError(
            "The session is unavailable because no secret key was set",
            hint=(
                "Add this line to the configuration, and keep its value to yourself:\n\n"
                f'      SECRET_KEY = "{generate_key()}"\n\n'
                "    or, in the code, set app.secret_key."
            ),
        )

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = __ior__ = _fail
    del _fail


class SessionInterface:
    """How an application opens and saves sessions.

    A subclass gives ``open_session`` and ``save_session``. What it returns
    must have the attributes of ``SessionMixin``.
    """

    null_session_class: type[NullSession] = NullSession
    """What ``make_null_session`` makes."""

    pickle_based: bool = False
    """It can hold any Python object; a hint for extensions."""

    opens_late: ClassVar[bool] = False
    """The session may be opened when it is first used, and need not be saved if never.

    ``False``: it is opened before each request's hooks, as Flask does.
    """

    aopen_session: ClassVar[Callable[..., Awaitable[SessionMixin | None]] | None] = None
    """The async twin of ``open_session``, for an interface that opens late and waits for a store.

    Where a request on an event loop carries the session's cookie, it is
    awaited before the hooks, used or not, because ``session["key"]`` in an
    async view cannot wait. ``None``: ``open_session`` does not block.
    """

    asave_session: ClassVar[Callable[..., Awaitable[None]] | None] = None
    """The async twin of ``save_session``. ``None``: of an interface that opens late it does not block."""

    def needs_save(self, app: Application, environ: Any) -> bool:
        """Tell whether a session that nobody used might still have to be saved; asked if it opens late.

        Args:
            app: The application.
            environ: The WSGI environment of the request.
        """
        return False

    def make_null_session(self, app: Application) -> NullSession:
        """Return a session for when there can be none: reads work, writes explain."""
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Tell whether there is nothing to save because there can be no session."""
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: Application) -> str:
        """Return the cookie's name."""
        name: str = app.config["SESSION_COOKIE_NAME"]

        return name

    def get_cookie_domain(self, app: Application) -> str | None:
        """Return the domain whose subdomains get the cookie too; ``None``: only this host."""
        domain: str | None = app.config["SESSION_COOKIE_DOMAIN"]

        return domain

    def get_cookie_path(self, app: Application) -> str:
        """Return the path the cookie is for: as set, else where the application is mounted."""
        path: str = app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"]

        return path

    def get_cookie_httponly(self, app: Application) -> bool:
        """Tell whether scripts are kept from the cookie.

        ``False`` lets an attacker's script on a page take the session over.
        """
        httponly: bool = app.config["SESSION_COOKIE_HTTPONLY"]

        return httponly

    def get_cookie_secure(self, app: Application) -> bool:
        """Tell whether the cookie is only sent over HTTPS.

        ``SESSION_COOKIE_SECURE = None`` means: if this request came over it.
        Over HTTP everyone on the way can read the cookie and use the session.
        """
        secure: bool | None = app.config["SESSION_COOKIE_SECURE"]
        if secure is None:
            ctx = _current.current.get(None)
            return ctx is not None and ctx.has_request and ctx.request.scheme in ("https", "wss")

        return secure

    def get_cookie_samesite(self, app: Application) -> str | None:
        """Return ``"Strict"``, ``"Lax"``, ``"None"``, or ``None`` to leave it to the browser."""
        samesite: str | None = app.config["SESSION_COOKIE_SAMESITE"]

        return samesite

    def get_cookie_partitioned(self, app: Application) -> bool:
        """Tell whether each embedding site gets a cookie of its own."""
        partitioned: bool = app.config["SESSION_COOKIE_PARTITIONED"]

        return partitioned

    def get_expiration_time(self, app: Application, session: SessionMixin) -> datetime | None:
        """Return when the session ends; ``None``: with the browser."""
        if session.permanent:
            lifetime: timedelta = app.permanent_session_lifetime
            return datetime.now(UTC) + lifetime

        return None

    def get_cookie_value(self, app: Application, request: Any) -> str | None:
        """Return what the session's cookie holds, if it was sent."""
        return read_cookie(request, self.get_cookie_name(app))

    def send_cookie(self, app: Application, response: Any, value: str, expires: datetime | None) -> None:
        """Set the session's cookie, with its name and attributes, and keep caches from keeping it.

        Args:
            app: The application.
            response: The answer.
            value: A text of letters, digits and ``._~+/=-``.
            expires: When the browser forgets it; ``None``: when it is closed.
        """
        name, attributes = self.get_cookie_name(app), self._cookie_attributes(app)
        if expires is None and getattr(type(response), "set_cookie", None) is PlainResponse.set_cookie:
            set_signed_cookie(response, name, value, attributes)
        else:
            response.set_cookie(name, value, expires=expires, **attributes)
        _keep_private(app, response)

    def drop_cookie(self, app: Application, response: Any) -> None:
        """Have the browser forget the session's cookie."""
        response.delete_cookie(self.get_cookie_name(app), **self._cookie_attributes(app))
        _keep_private(app, response)

    def vary_by_cookie(self, response: Any) -> None:
        """Say that the answer depends on the cookie; for all that read or wrote the session."""
        vary_by_cookie(response)

    def _cookie_attributes(self, app: Application) -> dict[str, Any]:
        return {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "partitioned": self.get_cookie_partitioned(app),
            "samesite": self.get_cookie_samesite(app),
            "httponly": self.get_cookie_httponly(app),
        }

    def should_set_cookie(self, app: Application, session: SessionMixin) -> bool:
        """Tell whether this answer carries the cookie.

        If the session changed; and if it is permanent, with each answer, unless
        ``SESSION_REFRESH_EACH_REQUEST`` is off.
        """
        return session.modified or (session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"])

    def open_session(self, app: Application, request: Any) -> SessionMixin | None:
        """Return the session of a request; ``None`` if there can be none.

        Called before routing, in the request's context; or when the session
        is first used, if it ``opens_late``.
        """
        raise NotImplementedError

    def save_session(self, app: Application, session: Any, response: Any) -> None:
        """Save the session, in the request's context, when the response is made.

        Not called for a null session.
        """
        raise NotImplementedError


class SecureCookieSessionInterface(SessionInterface):
    """Keeps the session in a cookie that is signed with ``SECRET_KEY``.

    Sessions signed with one of ``SECRET_KEY_FALLBACKS`` are read too, so that
    a key can be replaced without ending them.
    """

    salt: str = "cookie-session"
    """Keeps these signatures apart from others made with the same key."""

    digest_method: Any = staticmethod(sha1)
    """The hash in the signature."""

    key_derivation: str = "hmac"
    """How the signing key is made of the secret key."""

    serializer: Any = session_json_serializer
    """Writes and reads the session; has ``dumps`` and ``loads``."""

    session_class: type[SecureCookieSession] = SecureCookieSession

    opens_late: ClassVar[bool] = True
    """The session may be opened when it is first used, and need not be saved if never.

    ``False`` for a subclass that opens, saves or refreshes in its own way.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = set().union(*(vars(base) for base in _until(cls, SecureCookieSessionInterface)))
        if "opens_late" not in vars(cls):
            cls.opens_late = own.isdisjoint(_OPENING)

    def get_signing_serializer(self, app: Application) -> URLSafeTimedSerializer | None:
        """Return what signs and reads cookies; ``None`` without a secret key.

        It is kept for as long as keys and settings stay the same.
        """
        secret_key = app.secret_key
        if not secret_key:
            return None

        fallbacks = app.config["SECRET_KEY_FALLBACKS"]
        if not fallbacks:
            # PERF: 0.1 µs, where the whole key takes 0.4 to make and to look up.
            last = self.__dict__.get("_last_serializer")
            if (
                last is not None
                and last[0] is secret_key
                and last[1] is self.salt
                and last[2] is self.digest_method
                and last[3] is self.key_derivation
                and last[4] is self.serializer
            ):
                return last[5]  # type: ignore[no-any-return]  # as it was put there
        wanted = (
            secret_key,
            tuple(fallbacks) if fallbacks else None,
            self.salt,
            self.digest_method,
            self.key_derivation,
            self.serializer,
        )
        # Not made in __init__, which subclasses need not call.
        kept: dict[Any, KeptSerializer] = self.__dict__.setdefault("_serializers", {})
        found = kept.get(wanted)
        if found is None:
            if len(kept) >= _MAX_SERIALIZERS:
                kept.clear()
            # for cost: 2 ms, only signed sessions need it
            from costrel.core.signing import KeptSerializer

            found = kept[wanted] = KeptSerializer(
                signing_keys(secret_key, fallbacks),
                salt=self.salt,
                serializer=self.serializer,
                signer_kwargs={"key_derivation": self.key_derivation, "digest_method": self.digest_method},
            )
        if not fallbacks:
            self._last_serializer = (
                *(secret_key, self.salt, self.digest_method, self.key_derivation, self.serializer),
                found,
            )

        return found

    def open_session(self, app: Application, request: Any) -> SecureCookieSession | None:
        """Read the session from the cookie; an empty one if it is not validly signed."""
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None

        value = read_cookie(request, self.get_cookie_name(app))
        if not value:
            return self.session_class()

        try:
            data = serializer.loads(value, max_age=int(app.permanent_session_lifetime.total_seconds()))
        except _bad_data():
            return self.session_class()

        # Anything may be signed with the same key and salt; only a mapping is a session.
        return self.session_class(data if isinstance(data, dict) else None)

    def needs_save(self, app: Application, environ: Any) -> bool:
        """Tell whether a session that nobody used might still have to be saved.

        That is so if it was sent and may be permanent, so that its cookie must
        be refreshed.

        Args:
            app: The application.
            environ: The WSGI environment of the request.
        """
        cookies = environ.get("HTTP_COOKIE")
        if not cookies:
            return False

        return self.get_cookie_name(app) in cookies and bool(app.config["SESSION_REFRESH_EACH_REQUEST"])

    def save_session(self, app: Application, session: Any, response: Any) -> None:
        """Set, refresh or delete the cookie, and say that the answer depends on it."""
        writes = self.should_set_cookie(app, session) if session else session.modified
        if writes or session.accessed:
            vary_by_cookie(response)
        if not writes:
            return

        if session:
            expires = self.get_expiration_time(app, session)
            value = self.get_signing_serializer(app).dumps(dict(session))  # type: ignore[union-attr]  # it opened the session
            self.send_cookie(app, response, value, expires)
        else:
            self.drop_cookie(app, response)


def _keep_private(app: Application, response: Any) -> None:
    # SECURITY: a cache that keeps this answer would hand the session to others.
    if not getattr(app, "_flask_defaults", False):
        add_if_absent(response.headers, "Cache-Control", "private")


def _bad_data() -> type[BadData]:
    from itsdangerous import BadData  # for cost: as above

    return BadData


# What makes an interface another one, as far as opening late is concerned.
_OPENING = frozenset(
    ("open_session", "save_session", "should_set_cookie", "is_null_session", "make_null_session")
)


def _until(cls: type, base: type) -> Iterator[type]:
    for ancestor in cls.__mro__:
        if ancestor in (base, *base.__mro__):
            return
        yield ancestor
