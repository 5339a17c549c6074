"""Comments, and who may delete them."""

from __future__ import annotations

import pytest


@pytest.fixture
def walk(fern):
    return fern.add_walk()


def test_comment_appears_under_the_walk(walk, otto, visitor):
    response = otto.post(f"{walk}/comments", {"body": "Is the *spring* running?"})

    assert response.location == f"{walk}#comment-1"
    assert "Is the <em>spring</em> running?" in visitor.get(walk).text


def test_visitors_must_sign_in_to_comment(walk, visitor):
    assert visitor.post(f"{walk}/comments", {"body": "Hello"}).location.startswith("/login")


@pytest.mark.parametrize("body", ["", " \n ", "x" * 2_001])
def test_empty_or_endless_comment_is_refused_and_kept(walk, otto, body):
    response = otto.post(f"{walk}/comments", {"body": body})

    assert response.status_code == 422
    assert 'id="body-error"' in response.text
    assert body.strip() in response.text


def test_comment_on_a_missing_walk_is_not_found(otto):
    assert otto.post("/walks/99/comments", {"body": "Hello"}).status_code == 404


def test_author_and_keeper_may_delete_a_comment(walk, otto, keeper):
    otto.post(f"{walk}/comments", {"body": "One"})
    otto.post(f"{walk}/comments", {"body": "Two"})

    assert otto.post("/comments/1/delete").status_code == 302
    assert keeper.post("/comments/2/delete").status_code == 302
    assert "Nobody has said anything yet." in otto.get(walk).text


def test_nobody_else_may_delete_a_comment(walk, fern, otto):
    otto.post(f"{walk}/comments", {"body": "Mine"})

    assert fern.post("/comments/1/delete").status_code == 403
    assert fern.post("/comments/99/delete").status_code == 404
