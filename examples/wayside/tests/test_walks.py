"""Writing, changing and deleting walks, and who may."""

from __future__ import annotations

import pytest
from wayside.testing import WALK


def test_walk_can_be_added_and_read(fern, visitor):
    address = fern.add_walk()

    page = visitor.get(address).text
    for expected in ("Over the pass", "Aldern Pass", "17 January 2026", "16.5 km", "Up at three."):
        assert expected in page


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["/walks/new", "/walks/1/edit", "/walks/1/delete"])
def test_visitors_must_sign_in_to_write(fern, visitor, method, path):
    fern.add_walk()

    assert getattr(visitor, method)(path).location.startswith("/login")


@pytest.mark.parametrize("path", ["edit", "delete"])
def test_only_the_author_may_change_a_walk(fern, otto, path):
    address = fern.add_walk()

    assert otto.get(f"{address}/{path}").status_code == 403
    assert otto.post(f"{address}/{path}", WALK).status_code == 403
    assert otto.get(address).status_code == 200


def test_keeper_may_change_every_walk(fern, keeper):
    address = fern.add_walk()

    assert keeper.post(f"{address}/edit", {**WALK, "title": "Tidied"}).status_code == 302
    assert "Tidied" in keeper.get(address).text


def test_edit_form_shows_what_is_stored(fern):
    page = fern.get(fern.add_walk() + "/edit").text

    assert 'value="Over the pass"' in page
    assert 'value="pass, with-kids"' in page
    assert "Up at three.</textarea>" in page


def test_edit_replaces_tags(fern):
    address = fern.add_walk()

    fern.post(f"{address}/edit", {**WALK, "tags": "river"})

    assert fern.get("/tags/river").status_code == 200
    assert fern.get("/tags/pass").status_code == 404


def test_delete_asks_first(fern):
    address = fern.add_walk()

    assert "Delete “Over the pass”?" in fern.get(f"{address}/delete").text
    assert fern.get(address).status_code == 200


def test_deleted_walk_is_gone_with_its_comments(fern):
    address = fern.add_walk()
    fern.post(f"{address}/comments", {"body": "Well walked."})

    response = fern.post(f"{address}/delete", follow_redirects=True)

    assert "“Over the pass” is deleted." in response.text
    assert fern.get(address).status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("title", "  ", "Please enter a title."),
        ("title", "x" * 121, "at most 120 characters"),
        ("walked_on", "yesterday", "Please enter a day"),
        ("walked_on", "9999-12-31", "This day has not come yet."),
        ("distance_km", "far", "a number from 0.1 to 300"),
        ("distance_km", "NaN", "a number from 0.1 to 300"),
        ("ascent_m", "12.5", "a whole number from 0 to 9000"),
        ("body", "", "Please enter a few words."),
        ("tags", "a,b,c,d,e,f,g", "at most six tags"),
        ("tags", "<script>", "Tags are letters"),
    ],
)
def test_refused_form_says_why_and_keeps_what_was_typed(fern, field, value, message):
    typed = {**WALK, "place": "Kept & kept", field: value}

    response = fern.post("/walks/new", typed)

    assert response.status_code == 422
    assert message in response.text
    assert 'value="Kept &amp; kept"' in response.text
    assert f'id="{field}-error"' in response.text


def test_decimal_comma_is_understood(fern):
    assert "7.5 km" in fern.get(fern.add_walk(distance_km="7,5")).text


def test_measures_may_be_left_out(fern):
    page = fern.get(fern.add_walk(distance_km="", ascent_m="", tags="")).text

    assert " km" not in page


@pytest.mark.parametrize("path", ["/walks/99", "/walks/0", f"/walks/{2**63}", "/walks/x"])
def test_unknown_walk_is_not_found(visitor, path):
    assert visitor.get(path).status_code == 404
