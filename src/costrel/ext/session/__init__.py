"""Server-side sessions: the browser has a random id, the content lies in a store of yours.

A session can be ended from outside, log its user out everywhere, and hold
more than a cookie. It has Flask-Session's configuration, and a store for one
machine without any: a file of SQLite in the instance folder.

Example:
    >>> from costrel import Costrel, session
    >>> app = Costrel("shop")
    >>> app.config["SESSION_TYPE"] = "memory"
    >>> sessions = Session(app)
    >>> @app.post("/login")
    ... def login():
    ...     session.rotate()
    ...     session["_user_id"] = "7"
    ...     return "welcome"
    >>> @app.get("/")
    ... def home():
    ...     return session.get("_user_id", "nobody")
    >>> phone, laptop = app.test_client(), app.test_client()
    >>> phone.post("/login").text, laptop.post("/login").text, phone.get("/").text
    ('welcome', 'welcome', '7')
    >>> with app.app_context():
    ...     sessions.delete_user("7")
    2
    >>> phone.get("/").text
    'nobody'
"""

from __future__ import annotations

from costrel.ext.session.backends.memory import MemoryStore
from costrel.ext.session.backends.store import Entry, Store, StoreError
from costrel.ext.session.extension import Session
from costrel.ext.session.interface import ServerSideSessionInterface
from costrel.ext.session.options import SessionOptions
from costrel.ext.session.records import SessionTooLargeError, SessionValueError
from costrel.ext.session.serializers import Serializer
from costrel.ext.session.server_side import ServerSideSession
from costrel.ext.session.users import SessionInfo

__all__ = [
    "Entry",
    "MemoryStore",
    "Serializer",
    "ServerSideSession",
    "ServerSideSessionInterface",
    "Session",
    "SessionInfo",
    "SessionOptions",
    "SessionTooLargeError",
    "SessionValueError",
    "Store",
    "StoreError",
]
