"""The extension: sets the session interface, and finds, counts and deletes the sessions of users."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, ClassVar

from costrel import Costrel, current_app
from costrel.checks import Finding
from costrel.errors import SetupError
from costrel.ext.session.backends.store import StoreError
from costrel.ext.session.interface import NoSessionInterface, ServerSideSessionInterface
from costrel.ext.session.interfaces import make_interface
from costrel.ext.session.options import SessionOptions
from costrel.ext.session.users import SessionInfo, UserSessions
from costrel.extension import Extension

__all__ = ["Session"]


class Session(Extension[SessionOptions]):
    """Server-side sessions: the browser has an id, the content lies in a store.

    ``session`` is used as before. Where they lie is said by ``SESSION_TYPE``.

    Args:
        app: The application; or call ``init_app``.
        **given: Options without their prefix, ``Session(app, type="redis")``.

    Example:
        >>> from costrel import Costrel, session
        >>> app = Costrel("shop")
        >>> sessions = Session(app, type="memory")
        >>> @app.get("/")
        ... def count():
        ...     session["count"] = session.get("count", 0) + 1
        ...     return str(session["count"])
        >>> client = app.test_client()
        >>> client.get("/").text, client.get("/").text
        ('1', '2')
    """

    name: ClassVar[str] = "session"
    options_class = SessionOptions
    commands: ClassVar[str] = "costrel.ext.session.commands:session"

    def setup(self, app: Costrel, options: SessionOptions) -> None:
        """Set the session interface."""
        if options.type == "null" and options.store is None:
            app.session_interface = NoSessionInterface()
        else:
            app.session_interface = make_interface(app, options)

    async def close(self, app: Costrel) -> None:
        """Close the store's connections."""
        interface = app.session_interface
        if isinstance(interface, ServerSideSessionInterface):
            with suppress(StoreError):  # there is nobody left to tell
                await interface.store.aclose()
                interface.store.close()

    def check(self, app: Costrel) -> Iterable[Finding]:
        """Find stores that do not fit how applications are served."""
        options = self.options_of(app)
        if options.type == "memory" and options.store is None:
            yield Finding(
                "session.W001",
                "SESSION_TYPE is 'memory': each process has sessions of its own, and a restart ends them",
                'Set SESSION_TYPE = "sqlite", or "redis" for several machines.',
            )
        if options.type == "cachelib" and options.store is None:
            yield Finding(
                "session.W002",
                "SESSION_TYPE is 'cachelib': caches cannot compare and set, so processes that write one"
                " session at once undo each other's work",
                'Set SESSION_TYPE = "filesystem", "redis" or "memcached", which can.',
            )

    def interface_of(self, app: Costrel | None = None) -> ServerSideSessionInterface:
        """Return the session interface of an application.

        Args:
            app: The application; by default the current one.

        Raises:
            SetupError: If it has another one.
        """
        interface = (app or current_app).session_interface
        if not isinstance(interface, ServerSideSessionInterface):
            raise SetupError(
                f"the application's sessions are kept by {type(interface).__name__}, not by a store",
                hint="Call Session(app) after what sets app.session_interface, and with no type 'null'.",
            )

        return interface

    def _users(self) -> UserSessions:
        return UserSessions(self.interface_of())

    def list_user(self, user_id: Any) -> list[SessionInfo]:
        """Return the sessions of a user, the one used last first.

        Args:
            user_id: The value under ``SESSION_USER_KEY`` in them; compared as text.
        """
        return self._users().list_user(user_id)

    async def alist_user(self, user_id: Any) -> list[SessionInfo]:
        """Do as ``list_user``."""
        return await self._users().alist_user(user_id)

    def delete_user(self, user_id: Any, *, keep_current: bool = False) -> int:
        """Log a user out everywhere.

        Requests under way cannot bring a deleted session back. The remember
        cookies of ``costrel.ext.login`` end too, in all browsers.

        Args:
            user_id: As for ``list_user``.
            keep_current: Leave the session of this request. Otherwise it is
                emptied if it is the user's, and what is put into it later
                begins a new one.

        Returns:
            How many sessions there were.

        Raises:
            StoreError: If the store cannot be reached.
        """
        return self._users().delete_user(user_id, keep_current=keep_current)

    async def adelete_user(self, user_id: Any, *, keep_current: bool = False) -> int:
        """Do as ``delete_user``."""
        return await self._users().adelete_user(user_id, keep_current=keep_current)

    def delete(self, user_id: Any, session_id: str) -> bool:
        """Delete one session of a user.

        Args:
            user_id: As for ``list_user``; a session of somebody else is not found.
            session_id: The ``id`` of a ``SessionInfo``.

        Returns:
            Whether there was one.
        """
        return self._users().delete(user_id, session_id)

    async def adelete(self, user_id: Any, session_id: str) -> bool:
        """Do as ``delete``."""
        return await self._users().adelete(user_id, session_id)

    def change(self, function: Callable[[dict[str, Any]], Any]) -> None:
        """Change the current session at once, by a function of what is stored now.

        For what depends on the value before it, a counter say: requests that
        change the same key at the same time come one after the other here.

        Args:
            function: Changes the dict that it is given; may be called several
                times, so it does nothing else.

        Example:
            >>> def count(stored):
            ...     stored["count"] = stored.get("count", 0) + 1
            >>> # in a view: sessions.change(count)
        """
        self._users().change(function)

    async def achange(self, function: Callable[[dict[str, Any]], Any]) -> None:
        """Do as ``change``."""
        await self._users().achange(function)

    def clean_up(self) -> int:
        """Delete the sessions that are over, where the store does not do so by itself; return how many."""
        return self.interface_of().store.clean_up()

    async def aclean_up(self) -> int:
        """Do as ``clean_up``."""
        return await self.interface_of().store.aclean_up()
