"""The keeper's desk and the streamed CSV."""

from __future__ import annotations

import csv
import io

import pytest


def rows_of(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.text)))


@pytest.mark.parametrize("path", ["/desk", "/desk/walks.csv"])
def test_desk_is_for_keepers(keeper, fern, visitor, path):
    assert keeper.get(path).status_code == 200
    assert fern.get(path).status_code == 403
    assert visitor.get(path).location.startswith("/login")


def test_desk_shows_people_and_what_was_said_last(keeper, fern):
    fern.post(fern.add_walk() + "/comments", {"body": "Well, well."})

    page = keeper.get("/desk").text
    assert "Well, well." in page
    assert "16.5" in page


def test_keeper_exports_all_walks(keeper, fern, otto):
    fern.add_walk(title='A "quoted", title')
    otto.add_walk()

    response = keeper.get("/desk/walks.csv")

    header, *rows = rows_of(response)
    assert header[:3] == ["id", "walked_on", "title"]
    assert {row[2] for row in rows} == {'A "quoted", title', "Over the pass"}
    assert response.mimetype == "text/csv"
    assert 'filename="wayside.csv"' in response.headers["Content-Disposition"]


def test_people_export_their_own_walks(fern, otto):
    fern.add_walk()
    otto.add_walk(title="Not hers")

    assert [row[2] for row in rows_of(fern.get("/account/walks.csv"))[1:]] == ["Over the pass"]


def test_export_is_sent_line_by_line_while_it_is_read(fern):
    for _ in range(5):
        fern.add_walk()

    response = fern.get("/account/walks.csv", buffered=False)

    assert response.is_streamed
    assert "Content-Length" not in response.headers
    assert len([chunk for chunk in response.response if chunk]) == 6
    response.close()


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_cell_cannot_be_a_formula(fern, title):
    fern.add_walk(title=title)

    assert rows_of(fern.get("/account/walks.csv"))[1][2] == "'" + title
