"""Uploaded pictures: what is accepted, how it is kept and served."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from wayside.testing import WALK
from wayside.uploads import kind_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def add(person, data: bytes, name: str):
    return person.post("/walks/new", {**WALK, "picture": (io.BytesIO(data), name)})


def stored(app) -> list[str]:
    return sorted(path.name for path in Path(app.config["PICTURES"]).glob("*"))


def test_picture_is_stored_under_a_name_of_our_own(app, fern):
    add(fern, PNG, "../../evil.php")

    [name] = stored(app)
    assert name.endswith(".png")
    assert len(name) == 36
    assert name in fern.get("/walks/1").text


def test_picture_is_served_as_itself_and_nothing_else(app, fern):
    add(fern, PNG, "a.html")
    [name] = stored(app)

    response = fern.get(f"/pictures/{name}")

    assert response.data == PNG
    assert response.mimetype == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert "max-age=31536000" in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    "data", [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert()'/>", b"<html>", b"MZ", b"x", b"\x89PN"]
)
def test_anything_but_a_picture_is_refused(app, fern, data):
    response = add(fern, data, "picture.png")

    assert response.status_code == 422
    assert "Please choose a PNG, JPEG, GIF or WebP picture." in response.text
    assert 'value="Over the pass"' in response.text
    assert stored(app) == []


def test_picture_over_the_limit_is_refused_and_at_the_limit_accepted(app, fern):
    app.config["PICTURE_MAX_BYTES"] = len(PNG)

    assert add(fern, PNG + b"x", "large.png").status_code == 422
    assert add(fern, PNG, "right.png").status_code == 302


def test_refused_form_leaves_no_file_and_asks_for_it_again(app, fern):
    response = fern.post("/walks/new", {**WALK, "title": "", "picture": (io.BytesIO(PNG), "a.png")})

    assert "Please choose the picture again." in response.text
    assert stored(app) == []


def test_new_picture_replaces_the_old_file(app, fern):
    add(fern, PNG, "a.png")
    before = stored(app)

    fern.post("/walks/1/edit", {**WALK, "picture": (io.BytesIO(b"GIF89a" + bytes(9)), "b.gif")})

    [after] = stored(app)
    assert after.endswith(".gif")
    assert before != [after]


def test_edit_without_a_picture_keeps_the_old_one(app, fern):
    add(fern, PNG, "a.png")
    before = stored(app)

    fern.post("/walks/1/edit", WALK)

    assert stored(app) == before
    assert before[0] in fern.get("/walks/1").text


@pytest.mark.parametrize("path", ["/walks/1/edit", "/walks/1/delete"])
def test_removing_the_picture_or_the_walk_deletes_the_file(app, fern, path):
    add(fern, PNG, "a.png")

    fern.post(path, {**WALK, "picture_remove": "1"})

    assert stored(app) == []


@pytest.mark.parametrize("name", ["..%2Fwayside.sqlite3", "../wayside.sqlite3", "x.sqlite3", "missing.png"])
def test_nothing_but_pictures_is_served(fern, name):
    assert fern.get(f"/pictures/{name}").status_code == 404


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "jpg"),
        (b"GIF87a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"", None),
    ],
)
def test_kind_is_read_from_the_first_bytes(head, kind):
    assert kind_of(head) == kind
