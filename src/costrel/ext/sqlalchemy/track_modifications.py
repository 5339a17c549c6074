"""The signals of committed models, and how a session comes to send them. Knows no engine."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from weakref import WeakSet

import sqlalchemy as sa
from blinker import Namespace
from sqlalchemy import event
from sqlalchemy.orm.exc import ObjectDeletedError

from costrel.ctx import has_app_context
from costrel.globals import current_app

__all__ = ["before_models_committed", "listen", "models_committed"]

_signals = Namespace()

models_committed = _signals.signal("models-committed")
"""Sent after a commit that changed models. The sender is the application, ``changes`` a list of
``(model, operation)``, where the operation is ``"insert"``, ``"update"`` or ``"delete"``."""

before_models_committed = _signals.signal("before-models-committed")
"""Sent as ``models_committed``, before the commit."""

_listened_to: WeakSet[Any] = WeakSet()


def listen(session: Any) -> None:
    """Have sessions send the signals in applications whose ``SQLALCHEMY_TRACK_MODIFICATIONS`` is on.

    Args:
        session: A session class, or what makes sessions.
    """
    # Not event.contains: it knows them by their address, which the next one gets when this one is gone.
    if session in _listened_to:
        return

    _listened_to.add(session)
    for name, function in (
        ("before_flush", _note),
        ("before_commit", _before_commit),
        ("after_commit", _after_commit),
        ("after_rollback", _after_rollback),
    ):
        event.listen(session, name, function)


def _application() -> Any:
    """Return the application that wants to hear of changes, or ``None``."""
    if not has_app_context() or not current_app.config["SQLALCHEMY_TRACK_MODIFICATIONS"]:
        return None

    return current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy's own


def _note(session: Any, *_: Any) -> None:
    if _application() is None:
        return

    changes = session._model_changes
    for models, operation in (
        (session.new, "insert"),
        (session.dirty, "update"),
        (session.deleted, "delete"),
    ):
        for model in models:
            state: Any = sa.inspect(model)
            key = state.identity_key if state.has_identity else id(model)
            changes[key] = (model, operation)


def _before_commit(session: Any) -> None:
    app = _application()
    if app is None:
        return

    _load_deleted(session)
    _note(session)
    if session._model_changes:
        before_models_committed.send(app, changes=list(session._model_changes.values()))


def _load_deleted(session: Any) -> None:
    """Load what the flush would have to load anyway, so that receivers can read what is deleted."""
    with session.no_autoflush:
        for model in session.deleted:
            state: Any = sa.inspect(model)
            for name in sorted(state.expired_attributes)[:1]:  # the others come with it
                with suppress(ObjectDeletedError):  # another transaction was faster
                    getattr(model, name)


def _after_commit(session: Any) -> None:
    app = _application()
    if app is None or not session._model_changes:
        return

    changes = list(session._model_changes.values())
    session._model_changes.clear()
    models_committed.send(app, changes=changes)


def _after_rollback(session: Any) -> None:
    session._model_changes.clear()
