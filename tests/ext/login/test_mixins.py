"""Users answer what is asked of them."""

from __future__ import annotations

import pytest

from costrel.ext.login import AnonymousUserMixin, UserMixin


class Numbered(UserMixin):
    def __init__(self, number):
        self.id = number


def test_a_user_is_active_and_has_a_textual_id():
    user = Numbered(7)

    assert user.is_active
    assert user.is_authenticated
    assert not user.is_anonymous
    assert user.get_id() == "7"


def test_a_user_without_an_id_says_what_to_write():
    with pytest.raises(NotImplementedError, match="get_id"):
        UserMixin().get_id()


def test_users_with_one_id_are_equal_and_can_be_in_sets():
    assert Numbered(7) == Numbered(7)
    assert Numbered(7) != Numbered(8)
    assert Numbered(7) != "7"
    assert hash(Numbered(7))


def test_an_account_that_is_not_active_is_not_authenticated():
    class Closed(Numbered):
        is_active = False

    assert not Closed(7).is_authenticated


def test_nobody_in_particular_has_no_id():
    nobody = AnonymousUserMixin()

    assert nobody.is_anonymous
    assert not nobody.is_active
    assert not nobody.is_authenticated
    assert nobody.get_id() is None
