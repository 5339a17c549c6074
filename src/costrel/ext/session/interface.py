"""The session interface: finds the id in the cookie, opens and saves by the store, sends the cookie."""

from __future__ import annotations

import logging
import re
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, ClassVar, NoReturn

from itsdangerous import BadSignature, Signer, want_bytes
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from costrel import Costrel, has_request_context, request
from costrel.errors import ConfigError
from costrel.ext.session.backends.store import Store, StoreError
from costrel.ext.session.options import SessionOptions
from costrel.ext.session.serializers import make_serializer
from costrel.ext.session.server_side import ServerSideSession, UnavailableSession
from costrel.ext.session.steps import (
    MOVED,
    Found,
    Rules,
    Saved,
    Saving,
    Steps,
    arun,
    find_revoked,
    open_stored,
    revoked_name,
    run,
)
from costrel.ext.session.stores import cleanup_interval
from costrel.sessions import NullSession, SessionInterface

__all__ = ["NoSessionInterface", "ServerSideSessionInterface"]

_ID = re.compile(r"[A-Za-z0-9_-]{16,180}")
"""What ids look like, Flask-Session's too; nothing else is looked for in the store."""

_MAX_AGENT = 200

log = logging.getLogger("costrel.session")


class ServerSideSessionInterface(SessionInterface):
    """Keeps sessions in a store; the cookie holds an id.

    Args:
        app: The application.
        store: Where they are kept.
        options: The extension's options.
    """

    session_class: type[ServerSideSession] = ServerSideSession
    opens_late: ClassVar[bool] = True

    def __init__(self, app: Costrel, store: Store, options: SessionOptions) -> None:
        self.app = app
        self.store = store
        self.options = options
        self.serializer = make_serializer(options.serialization_format)
        """Writes and reads sessions; may be replaced by one of your own."""
        self._failing: set[str] = set()
        self._until_cleanup = cleanup_interval(options)
        app.error_fallback(self._stand_in)
        if not store.blocks:  # then nothing needs to be awaited
            self.aopen_session = self.asave_session = None  # type: ignore[method-assign, assignment]  # as the base allows

    @property
    def client(self) -> Any:
        """The client of the store's library, if it has one."""
        return getattr(self.store, "client", None)

    # Opening.

    def open_session(self, app: Any, request: Any) -> ServerSideSession:
        """Return the session whose id was sent; a new one if there is none, never one under an id unknown."""
        sid = self._find_id(app, request)
        if sid is None:
            return self._make_new()
        try:
            found = run(self._opening(sid), self.store)
        except StoreError as error:
            return self._go_without(error)

        return self._make(sid, found)

    async def aopen_session(self, app: Any, request: Any) -> ServerSideSession:
        """Do as ``open_session``."""
        sid = self._find_id(app, request)
        if sid is None:
            return self._make_new()
        try:
            found = await arun(self._opening(sid), self.store)
        except StoreError as error:
            return self._go_without(error)

        return self._make(sid, found)

    def _opening(self, sid: str) -> Steps[Found]:
        return open_stored(self.serializer, self.key_of(sid), self.rules())

    def _make(self, sid: str, found: Found) -> ServerSideSession:
        self._note_up("reading")
        if not found:
            session = self._make_new()
            session.is_late = found is MOVED
            return session
        session = self._prepared(self.session_class(found[0], sid=sid))
        session._stored = found[1]

        return session

    def _make_new(self) -> ServerSideSession:
        options = self.options
        sid = token_urlsafe(options.id_length)

        return self._prepared(self.session_class(sid=sid, permanent=options.permanent))

    def _prepared(self, session: ServerSideSession) -> ServerSideSession:
        session._random_bytes = self.options.id_length

        return session

    def _find_id(self, app: Any, request: Any) -> str | None:
        value = self.get_cookie_value(app, request)
        if not value:
            return None
        if self.options.use_signer:
            try:
                value = self._signer().unsign(value).decode()
            except (BadSignature, UnicodeDecodeError):
                return None

        return value if _ID.fullmatch(value) else None

    def _signer(self) -> Signer:
        key = self.app.secret_key
        if not key:
            raise ConfigError(
                "SESSION_USE_SIGNER is on, and there is no SECRET_KEY",
                hint="Set SECRET_KEY, or leave SESSION_USE_SIGNER off: ids are random enough.",
            )
        fallbacks = self.app.config["SECRET_KEY_FALLBACKS"] or ()

        return Signer(
            [*map(want_bytes, fallbacks), want_bytes(key)], salt="flask-session", key_derivation="hmac"
        )

    # Saving.

    def save_session(self, app: Any, session: Any, response: Any) -> None:
        """Write what was changed, and send the cookie if the browser needs it."""
        if not self._is_used(session):
            return
        try:
            saved = run(self._saving(session), self.store)
            self._finish(app, session, response, saved)
            if self._is_cleanup_due(saved):
                self.store.clean_up()
        except StoreError as error:
            self._lose(session, error)

    async def asave_session(self, app: Any, session: Any, response: Any) -> None:
        """Do as ``save_session``."""
        if not self._is_used(session):
            return
        try:
            saved = await arun(self._saving(session), self.store)
            self._finish(app, session, response, saved)
            if self._is_cleanup_due(saved):
                await self.store.aclean_up()
        except StoreError as error:
            self._lose(session, error)

    def is_null_session(self, obj: object) -> bool:
        """Tell whether there is nothing to save."""
        return isinstance(obj, UnavailableSession) or super().is_null_session(obj)

    def regenerate(self, session: ServerSideSession) -> None:
        """Give a session a new id, as ``session.rotate()`` does; Flask-Session's name for it."""
        session.rotate()

    def is_revoked(self, token: str, *, user_id: Any, issued: int) -> bool:
        """Tell whether a token that logs a user in is worth nothing any more.

        Args:
            token: As ``session.revoke`` got it.
            user_id: Whose it is; ``delete_user`` revokes all that were issued before.
            issued: When it was issued, in microseconds since 1970.

        Raises:
            StoreError: If the store cannot be reached.
        """
        key, since = self.key_of(revoked_name(token)), self.since_of_user(user_id)

        return run(find_revoked(key, since, issued), self.store)

    def _is_used(self, session: ServerSideSession) -> bool:
        used = session.accessed or session.modified or session._moved_from is not None or session._revoked

        return bool(used) and session._is_kept

    def _saving(self, session: ServerSideSession) -> Steps[Saved]:
        ip, agent = self._client_of_request() if session._stored is None else ("", "")
        saving = Saving(self.serializer, self.rules(), self.key_of, self.index_of, ip, agent)

        return saving.save(session)

    def _finish(self, app: Any, session: ServerSideSession, response: Any, saved: Saved) -> None:
        if saved.stored is not None or saved.deleted:
            self._note_up("reading", "writing")
        self.vary_by_cookie(response)
        if saved.stored is not None:
            session._stored = saved.stored
            session._moved_from = None
        if saved.deleted:
            session._stored = session._moved_from = None
            self.drop_cookie(app, response)
        elif saved.sends_cookie and session.sid is not None:
            value = self._signer().sign(session.sid).decode() if self.options.use_signer else session.sid
            self.send_cookie(app, response, value, self.get_expiration_time(app, session))

    def get_expiration_time(self, app: Any, session: Any) -> datetime | None:
        """Return when the cookie ends; ``None``: with the browser."""
        expires = super().get_expiration_time(app, session)
        absolute, stored = self.options.absolute_lifetime, session._stored
        if expires is None or absolute is None or stored is None:
            return expires

        return min(expires, datetime.fromtimestamp(stored.stamp.created, UTC) + absolute)

    def _client_of_request(self) -> tuple[str, str]:
        if not self.options.track_clients or not has_request_context():
            return "", ""

        return request.remote_addr or "", request.user_agent.string[:_MAX_AGENT]

    def _is_cleanup_due(self, saved: Saved) -> bool:
        if not saved.is_new or not self._until_cleanup:
            return False

        self._until_cleanup -= 1
        if self._until_cleanup:
            return False
        self._until_cleanup = cleanup_interval(self.options)
        return True

    # What both share.

    def rules(self) -> Rules:
        """Return how long sessions live, and the time."""
        options, config = self.options, self.app.config
        lifetime: timedelta = self.app.permanent_session_lifetime
        absolute = options.absolute_lifetime

        return Rules(
            now=time.time(),
            lifetime_seconds=lifetime.total_seconds(),
            absolute_seconds=None if absolute is None else absolute.total_seconds(),
            refreshes=config["SESSION_REFRESH_EACH_REQUEST"],
            refresh_fraction=options.refresh_fraction,
            max_bytes=options.max_bytes,
        )

    def key_of(self, sid: str | None) -> str:
        """Return the key of a session in the store."""
        return f"{self.options.key_prefix}{sid}"

    def index_of(self, content: dict[str, Any]) -> str | None:
        """Return the index in the store of the user whose session this is; ``None`` for nobody's."""
        user_id = content.get(self.options.user_key)

        return None if user_id is None else self.index_of_user(user_id)

    def index_of_user(self, user_id: Any) -> str:
        """Return the index of a user's sessions in the store; a digest, so that stores hold no names."""
        return f"{self.options.key_prefix}user:{sha256(str(user_id).encode()).hexdigest()[:32]}"

    def since_of_user(self, user_id: Any) -> str:
        """Return the key in the store that says until when a user's tokens were revoked."""
        return f"{self.index_of_user(user_id)}:since"

    # A store that cannot be reached.

    def _go_without(self, error: StoreError) -> ServerSideSession:
        self._note_down("reading", error)
        if self.options.unavailable == "empty":
            session = self._make_new()
            session._is_kept = False
            return session

        return UnavailableSession(error.problem)

    def _lose(self, session: ServerSideSession, error: StoreError) -> None:
        """Give up what could not be saved; nothing tries again in this request."""
        session._is_kept = False
        self._note_down("writing", error)
        if self.options.unavailable != "empty":
            raise error

    def _stand_in(self, error: Exception) -> HTTPException | None:
        """Say what the visitor gets: a 503 if the store is gone."""
        if not isinstance(error, StoreError):
            return None

        told = "Sessions are out of reach. Try again in a moment."
        return ServiceUnavailable(told, retry_after=self.options.retry_after)

    # Once, or every request would write a line; apart, because a full disk can still be read.

    def _note_down(self, what: str, error: StoreError) -> None:
        if not self._failing:
            log.error("Sessions cannot be read or written: %s", error.problem)
        self._failing.add(what)

    def _note_up(self, *what: str) -> None:
        if not self._failing:
            return

        self._failing.difference_update(what)
        if not self._failing:
            log.warning("Sessions can be read and written again.")


class NoSession(NullSession):
    """Empty and read-only."""

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ConfigError(
            "SESSION_TYPE is 'null': there are no sessions",
            hint='Set it to "sqlite" or another store, or leave it out.',
        )

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = __ior__ = _fail
    del _fail


class NoSessionInterface(SessionInterface):
    """There are no sessions: reading finds nothing, writing explains."""

    null_session_class = NoSession
    opens_late: ClassVar[bool] = True

    def open_session(self, app: Any, request: Any) -> None:
        """Return ``None``: there can be none."""
