"""Lists: search, tags, people, pages, and how few statements they take."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from wayside.models import db
from wayside.records import walks


def test_empty_journal_invites_the_first_walk(visitor):
    assert "Every map starts empty." in visitor.get("/").text


def test_newest_walk_comes_first(fern):
    fern.add_walk(title="Earlier", walked_on="2025-03-01")
    fern.add_walk(title="Later", walked_on="2025-09-01")

    page = fern.get("/").text
    assert page.index("Later") < page.index("Earlier")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("pass", True),
        ("THREE aldern", True),
        ("fern", True),
        ("pass river", False),
        ("%", False),
        ("_", False),
    ],
)
def test_search_wants_every_word_and_takes_them_literally(fern, words, found):
    fern.add_walk()

    page = fern.get("/", query_string={"q": words}).text
    assert ("Over the pass" in page) is found
    assert ("No walk has all these words" in page) is not found


def test_search_shows_the_words_again_but_never_as_markup(visitor):
    page = visitor.get("/", query_string={"q": '"><script>alert()</script>'}).text

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_tag_and_walker_pages_list_theirs_only(fern, otto):
    fern.add_walk(title="Ferns walk", tags="ridge")
    otto.add_walk(title="Ottos walk", tags="river")

    for path in ("/tags/ridge", "/walkers/fern"):
        page = fern.get(path).text
        assert "Ferns walk" in page
        assert "Ottos walk" not in page


@pytest.mark.parametrize("path", ["/tags/none", "/walkers/nobody"])
def test_unknown_tag_or_walker_is_not_found(visitor, path):
    assert visitor.get(path).status_code == 404


def test_long_list_is_cut_into_pages_that_keep_the_search(app, fern):
    app.config["WALKS_PER_PAGE"] = 2
    for number in range(5):
        fern.add_walk(title=f"Walk {number}", walked_on=f"2025-01-0{number + 1}")

    first, last = fern.get("/?q=walk").text, fern.get("/?q=walk&page=3").text

    assert "Page 1 of 3" in first
    assert "/?q=walk&amp;page=2" in first
    assert "Walk 0" in last
    assert "Older walks" not in last


@pytest.mark.parametrize("page", ["0", "-1", "2", "9" * 30])
def test_page_out_of_range_is_not_found(fern, page):
    fern.add_walk()

    assert fern.get(f"/?page={page}").status_code == 404


def test_page_that_is_no_number_is_the_first(fern):
    fern.add_walk()

    assert fern.get("/?page=two").status_code == 200


@pytest.mark.parametrize("count", [1, 7])
def test_page_takes_two_statements_however_long_it_is(app, fern, count):
    for _ in range(count):
        fern.post(fern.add_walk() + "/comments", {"body": "Hm."})
    statements: list[str] = []

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        page = walks.page(db.session(), walks.Filter(), number=1, size=10)

        assert page is not None
        assert [
            (walk.author.username, walk.comment_count, [tag.name for tag in walk.tags]) for walk in page.items
        ] == [("fern", 1, ["pass", "with-kids"])] * count
    assert len(statements) == 2
