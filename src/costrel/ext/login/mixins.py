"""What the classes of users inherit. Knows no request."""

from __future__ import annotations

from typing import Any

__all__ = ["AnonymousUserMixin", "UserMixin"]


class UserMixin:
    """What is asked of a user, with the usual answers.

    Example:
        >>> class User(UserMixin):
        ...     def __init__(self, id):
        ...         self.id = id
        >>> User(7).get_id(), User(7).is_authenticated, User(7) == User(7)
        ('7', True, True)
    """

    # A class with an __eq__ has no hash otherwise.
    __hash__ = object.__hash__

    @property
    def is_active(self) -> bool:
        """Whether the account may be used; ``login_user`` refuses one that may not."""
        return True

    @property
    def is_authenticated(self) -> bool:
        """Whether this is somebody who logged in."""
        return self.is_active

    @property
    def is_anonymous(self) -> bool:
        """Whether this is nobody in particular."""
        return False

    def get_id(self) -> str:
        """Return what the session and the remember cookie know the user by.

        Raises:
            NotImplementedError: If the user has no attribute ``id``.
        """
        try:
            return str(self.id)  # type: ignore[attr-defined]  # the subclass has it
        except AttributeError:
            raise NotImplementedError("No `id` attribute - override `get_id`") from None

    def __eq__(self, other: object) -> Any:
        """Be equal to a user with the same id."""
        if isinstance(other, UserMixin):
            return self.get_id() == other.get_id()

        return NotImplemented


class AnonymousUserMixin:
    """Who is not logged in.

    Example:
        >>> AnonymousUserMixin().is_authenticated
        False
    """

    @property
    def is_authenticated(self) -> bool:
        """Always false."""
        return False

    @property
    def is_active(self) -> bool:
        """Always false."""
        return False

    @property
    def is_anonymous(self) -> bool:
        """Always true."""
        return True

    def get_id(self) -> str | None:
        """Return ``None``: there is no id."""
        return None
