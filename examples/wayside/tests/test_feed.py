"""The feed: new walks and comments, from where the browser was, for a while."""

from __future__ import annotations

import json

import pytest
from wayside.testing import WALK, Person


@pytest.fixture(params=["wsgi", "asgi"])
def protocol(request):
    return request.param


@pytest.fixture
def at_once(serve, protocol):
    """An application whose feed ends when it has told what is there."""
    return serve(FEED_SECONDS=0)


@pytest.fixture
def ada(at_once, protocol):
    return Person(at_once, protocol).join("ada")


def told(person, address="/feed", **options):
    return [
        (event.id, json.loads(event.data)) for event in person.client.get(address, **options).iter_events()
    ]


def test_new_walks_and_comments_are_told_with_where_to_read_them(ada):
    walk = ada.add_walk(title="Over the <pass>")
    ada.post(f"{walk}/comments", {"body": "Long."})

    assert told(ada, "/feed?after=0") == [
        (
            "1",
            {
                "author": "ada",
                "did": "wrote about",
                "title": "Over the <pass>",
                "walk_id": 1,
                "address": "/walks/1",
            },
        ),
        (
            "2",
            {
                "author": "ada",
                "did": "commented on",
                "title": "Over the <pass>",
                "walk_id": 1,
                "address": "/walks/1#comment-1",
            },
        ),
    ]


def test_comment_is_told_to_who_is_listening(fern, otto, visitor):
    walk = fern.add_walk()
    response = visitor.client.get("/feed?after=0")
    events = response.iter_events()
    assert next(events).id == "1"

    otto.post(f"{walk}/comments", {"body": "Is the spring running?"})

    event = next(events)
    events.close()
    assert (event.event, event.id, json.loads(event.data)["author"]) == ("news", "2", "otto")


def test_change_by_another_process_is_told(serve, fern, visitor, protocol):
    fern.add_walk()
    events = visitor.client.get("/feed?after=0").iter_events()
    next(events)

    Person(serve(), protocol).join("ada").add_walk(title="From elsewhere")

    assert json.loads(next(events).data)["title"] == "From elsewhere"
    events.close()


def test_browser_that_comes_back_goes_on_where_it_was(ada):
    for _ in range(3):
        ada.add_walk()

    assert [number for number, _ in told(ada, "/feed?after=0", headers={"Last-Event-ID": "2"})] == ["3"]
    assert [number for number, _ in told(ada, "/feed?after=1")] == ["2", "3"]


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 17, "9" * 40, "\N{SUPERSCRIPT TWO}"])
def test_number_that_was_never_given_begins_with_what_is_new(ada, number):
    ada.add_walk()

    assert told(ada, "/feed", query_string={"after": number}) == []


def test_who_was_away_for_long_gets_the_newest_only(ada):
    for _ in range(25):
        ada.add_walk()

    assert [number for number, _ in told(ada, "/feed?after=0")] == [str(number) for number in range(6, 26)]


def test_what_was_deleted_is_not_told_and_its_number_not_used_again(ada):
    walk = ada.add_walk()
    ada.post(f"{walk}/comments", {"body": "Never mind."})
    ada.post("/comments/1/delete")
    ada.post(f"{walk}/comments", {"body": "Well."})

    assert [number for number, _ in told(ada, "/feed?after=1")] == ["3"]


def test_walks_of_the_api_and_of_an_import_are_told(ada, at_once, tmp_path):
    page = ada.post("/account/tokens", {"label": "script"}).text
    token = page.partition("<code>")[2].partition("</code>")[0]
    ada.client.post(
        "/api/walks", json={**WALK, "tags": ["api"]}, headers={"Authorization": f"Bearer {token}"}
    )
    file = tmp_path / "walks.json"
    file.write_text(json.dumps([{**WALK, "author": "fern", "tags": []}]), "utf-8")
    at_once.test_cli_runner().invoke(args=["import-walks", str(file)])

    assert [news["author"] for _, news in told(ada, "/feed?after=0")] == ["ada", "fern"]


def test_stream_is_one_and_says_when_to_come_back(ada):
    response = ada.get("/feed")

    assert response.mimetype == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.text == "retry: 2000\n\n"


def test_feed_without_a_seat_tells_what_is_there_and_ends(serve):
    ada = Person(serve(LIVE_SEATS=0), "wsgi").join("ada")
    ada.add_walk()

    text = ada.get("/feed?after=0").text

    assert "id: 1" in text
    assert text.endswith("retry: 10000\n\n")


def test_feed_gives_its_seat_back(serve):
    app = serve(LIVE_SEATS=1)
    ada = Person(app, "wsgi").join("ada")
    ada.add_walk()
    first = ada.client.get("/feed?after=0").iter_events()
    next(first)
    assert ada.get("/feed").text.endswith("retry: 10000\n\n")

    first.close()

    second = ada.client.get("/feed?after=0").iter_events()
    assert next(second).id == "1"
    second.close()


def test_asynchronous_server_needs_no_seats(serve):
    ada = Person(serve(LIVE_SEATS=0), "asgi").join("ada")
    ada.add_walk()
    events = ada.client.get("/feed?after=0").iter_events()
    next(events)

    ada.add_walk()

    assert next(events).id == "2"
    events.close()


def test_home_page_shows_the_last_news_and_where_the_feed_goes_on(ada):
    for title in ("One", "Two", "Three", "Four"):
        ada.add_walk(title=title)

    page = ada.get("/").text
    strip = page.partition('<section class="news"')[2].partition("</section>")[0]

    assert 'data-feed="/feed?after=4"' in strip
    assert strip.index("Four") < strip.index("Two")
    assert "One" not in strip


def test_walk_has_the_feed_of_its_comments(ada):
    walk = ada.add_walk()

    assert 'data-feed="/feed?after=1" data-walk="1"' in ada.get(walk).text
