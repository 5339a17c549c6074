"""Accounts and the tokens of the API. Knows no request and hashes no password."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, exists, func, select
from sqlalchemy.orm import Session

from ..models import ApiToken, Comment, User, Walk
from .clock import now


def add(session: Session, username: str, *, password_hash: str, is_keeper: bool | None = None) -> User:
    """Add an account.

    Args:
        session: The session.
        username: Unique, whatever its capitals.
        password_hash: What ``generate_password_hash`` returned.
        is_keeper: May edit everything. When not given, the first account that
            can sign in becomes the keeper.

    Raises:
        sqlalchemy.exc.IntegrityError: If the name is taken.
    """
    user = User(username=username, password_hash=password_hash, is_keeper=bool(is_keeper), created_at=now())
    session.add(user)
    try:
        session.flush()
        if is_keeper is None:
            # Asked after it is written: who writes holds the database, so only one can be the first.
            others = exists().where(User.password_hash != "", User.id != user.id)
            user.is_keeper = not session.scalar(select(others))
        session.commit()
    except BaseException:
        session.rollback()
        raise

    return user


def by_id(session: Session, user_id: int) -> User | None:
    """Find an account by its id."""
    return session.get(User, user_id)


def by_name(session: Session, username: str) -> User | None:
    """Find an account by its name, whatever its capitals."""
    return session.scalars(select(User).where(User.username == username)).one_or_none()


def set_password(session: Session, user: User, password_hash: str) -> None:
    """Replace the password of an account."""
    user.password_hash = password_hash
    session.commit()


def everyone(session: Session) -> Sequence[Row[Any]]:
    """List the accounts with what each has written, in one statement."""
    mine = Walk.author_id == User.id
    walks = select(func.count(Walk.id)).where(mine).correlate(User).scalar_subquery()
    distance = select(func.total(Walk.distance_km)).where(mine).correlate(User).scalar_subquery()
    comments = (
        select(func.count(Comment.id)).where(Comment.author_id == User.id).correlate(User).scalar_subquery()
    )
    columns = (User.id, User.username, User.is_keeper, User.created_at, User.password_hash)

    return session.execute(
        select(
            *columns, walks.label("walks"), distance.label("distance_km"), comments.label("comments")
        ).order_by(User.username)
    ).all()


def _digest(token: str) -> str:
    # A random token needs no slow hash: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()


def add_token(session: Session, user_id: int, *, label: str) -> str:
    """Make a token for the API and return it; only its hash is kept."""
    token = f"wayside_{secrets.token_urlsafe(24)}"
    session.add(ApiToken(user_id=user_id, label=label, token_hash=_digest(token), created_at=now()))
    session.commit()

    return token


def by_token(session: Session, token: str) -> User | None:
    """Find the account a token belongs to."""
    found = session.scalars(select(ApiToken).where(ApiToken.token_hash == _digest(token))).one_or_none()

    return None if found is None else found.user


def tokens(session: Session, user_id: int) -> Sequence[ApiToken]:
    """List the tokens of an account, newest first."""
    mine = select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id.desc())

    return session.scalars(mine).all()


def revoke_token(session: Session, user_id: int, token_id: int) -> bool:
    """Delete one of the account's own tokens; tell whether it was there."""
    token = session.get(ApiToken, token_id)
    if token is None or token.user_id != user_id:
        return False

    session.delete(token)
    session.commit()

    return True
