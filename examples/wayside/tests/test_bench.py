"""The bench: what is said there, by whom, to whom, and what is refused."""

from __future__ import annotations

import os
import socket
import uuid
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update
from wayside.models import Line, db
from wayside.records import lines, users
from wayside.testing import Person
from wayside.views.bench import MAX_LENGTH, MESSAGES, SHOWN, TOO_MANY

from costrel import WebSocketDisconnect
from costrel.testing import WebSocketRefused

NASTY = "<script>alert('bench')</script>"
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")


@pytest.fixture(params=["wsgi", "asgi"])
def protocol(request):
    return request.param


def sit_down(person, *, after=0, **options):
    return person.client.websocket(f"/bench/ws?after={after}", **options)


def receive(ws, kind):
    """Return the next message of a kind."""
    while kind not in (message := ws.receive_json()):
        pass
    return message


def test_line_reaches_everybody_at_once(fern, otto, visitor):
    with sit_down(fern) as hers, sit_down(otto) as his, sit_down(visitor) as theirs:
        receive(hers, "present")
        hers.send_json({"say": "  The spring \n is running. "})

        told = [receive(ws, "line")["line"] for ws in (hers, his, theirs)]

        assert {line["body"] for line in told} == {"The spring is running."}
        assert {line["author"] for line in told} == {"fern"}
        assert receive(hers, "said") == {"said": told[0]["id"]}


def test_line_of_the_plain_form_is_stored_and_reaches_who_is_connected(fern, otto, visitor):
    with sit_down(otto) as his:
        receive(his, "present")

        assert fern.post("/bench", {"text": "By form."}).location == "/bench"

        assert receive(his, "line")["line"]["body"] == "By form."
    assert "By form." in visitor.get("/bench").text


def test_line_is_never_markup(fern):
    with sit_down(fern) as hers:
        hers.send_json({"say": NASTY})
        assert receive(hers, "line")["line"]["body"] == NASTY

    page = fern.get("/bench").text
    assert NASTY not in page
    assert "&lt;script&gt;alert" in page


def test_page_has_the_last_lines_newest_first(app, fern):
    with app.app_context():
        store_lines(app, "fern", [f"Line {number}." for number in range(1, SHOWN + 3)])

    page = fern.get("/bench").text

    assert "Line 3." in page
    assert "Line 2." not in page
    assert page.index("Line 52.") < page.index("Line 3.")


def test_who_connects_again_gets_what_was_missed_in_order(app, otto, fern):
    with app.app_context():
        store_lines(app, "fern", ["One.", "Two.", "Three."])

    with sit_down(otto, after=1) as his:
        assert [receive(his, "line")["line"]["body"] for _ in range(2)] == ["Two.", "Three."]


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 40, "²"])
def test_malformed_number_counts_as_none(app, otto, fern, after):
    with app.app_context():
        store_lines(app, "fern", ["One."])

    with sit_down(otto, after=after) as his:
        assert receive(his, "line")["line"]["id"] == 1


def test_everybody_sees_who_comes_and_goes(fern, otto, visitor):
    with sit_down(fern) as hers:
        assert receive(hers, "present") == {"present": ["fern"], "visitors": 0}
        with sit_down(otto), sit_down(visitor):
            assert receive(hers, "present")["present"] == ["fern", "otto"]
            assert receive(hers, "present") == {"present": ["fern", "otto"], "visitors": 1}
        receive(hers, "present")
        assert receive(hers, "present") == {"present": ["fern"], "visitors": 0}
        assert '<li class="tag">fern</li>' in visitor.get("/bench").text
    assert '<li class="tag">fern</li>' not in visitor.get("/bench").text


def test_person_with_two_windows_is_there_once_until_both_are_closed(fern):
    with sit_down(fern) as first:
        receive(first, "present")
        with sit_down(fern):
            assert receive(first, "present")["present"] == ["fern"]
        assert receive(first, "present")["present"] == ["fern"]


def test_visitor_may_read_but_not_write(fern, visitor):
    with sit_down(visitor) as theirs:
        theirs.send_json({"say": "Hello"})

        assert receive(theirs, "refused") == {"refused": "Please sign in to write."}
    assert visitor.post("/bench", {"text": "Hello"}).location.startswith("/login")
    assert "Hello" not in visitor.get("/bench").text


@pytest.mark.parametrize("text", ["", " \n ", "x" * (MAX_LENGTH + 1)])
def test_empty_or_long_line_is_refused_and_kept(fern, text):
    with sit_down(fern) as hers:
        hers.send_json({"say": text})
        assert receive(hers, "refused")["refused"].startswith("Please ")

    response = fern.post("/bench", {"text": text})

    assert response.status_code == 422
    assert text.strip() in response.text
    assert 'aria-invalid="true"' in response.text


def test_line_of_greatest_length_is_taken(fern):
    with sit_down(fern) as hers:
        hers.send_json({"say": "ö" * MAX_LENGTH})

        assert receive(hers, "line")["line"]["body"] == "ö" * MAX_LENGTH


def test_who_writes_too_fast_is_told_by_either_way_and_others_are_not(fern, otto):
    with sit_down(fern) as hers:
        for number in range(lines.AT_MOST):
            hers.send_json({"say": f"{number}"})
            receive(hers, "said")

        hers.send_json({"say": "one too many"})
        assert "breath" in receive(hers, "refused")["refused"]
    assert fern.post("/bench", {"text": "by form"}).status_code == 422
    assert otto.post("/bench", {"text": "calmly"}).status_code == 302


@pytest.mark.parametrize(
    "message", [None, 7, [], {}, {"say": 7}, {"say": None}, {"here": 1}, {"here": "yes"}, "say"]
)
def test_message_that_is_not_understood_changes_nothing(fern, message):
    with sit_down(fern) as hers:
        hers.send_json(message)
        assert receive(hers, "refused")["refused"] == "This message was not understood."

        hers.send_json({"say": "Still here."})
        assert receive(hers, "line")["line"]["body"] == "Still here."


def test_flood_of_messages_is_cut_off(fern):
    with sit_down(fern) as hers, pytest.raises(WebSocketDisconnect) as left:
        for _ in range(MESSAGES + 1):
            hers.send_json({"here": True})
        receive(hers, "never")

    assert left.value.code == TOO_MANY


@pytest.mark.parametrize(("data", "code"), [("no json", 1007), ("x" * 5_000, 1009)])
def test_broken_or_large_message_ends_the_connection(fern, data, code):
    with sit_down(fern) as hers, pytest.raises(WebSocketDisconnect) as left:
        hers.send(data)
        receive(hers, "never")

    assert left.value.code == code
    assert '<li class="tag">fern</li>' not in fern.get("/bench").text


def test_page_of_another_site_may_not_connect(fern):
    with (
        pytest.raises(WebSocketRefused) as refused,
        sit_down(fern, headers={"Origin": "https://evil.example"}),
    ):
        pass

    assert refused.value.response.status_code == 403
    assert "No way through here" in refused.value.response.text


def test_session_of_an_account_that_is_gone_is_a_visitor(app, otto):
    with otto.client.session_transaction() as session:
        session["_user_id"] = "99"

    with sit_down(otto) as theirs:
        assert receive(theirs, "present") == {"present": [], "visitors": 1}


def test_author_and_keeper_may_delete_a_line_and_it_goes_everywhere(keeper, fern, otto):
    for text in ("One.", "Two."):
        fern.post("/bench", {"text": text})

    with sit_down(otto, after=2) as his:
        receive(his, "present")
        assert fern.post("/bench/1/delete").status_code == 302
        assert receive(his, "gone") == {"gone": 1}
        assert keeper.post("/bench/2/delete").status_code == 302
        assert receive(his, "gone") == {"gone": 2}
    assert otto.post("/bench/2/delete").status_code == 404


def test_nobody_else_may_delete_a_line_or_is_offered_to(fern, otto, visitor):
    fern.post("/bench", {"text": "Mine."})

    assert otto.post("/bench/1/delete").status_code == 403
    assert visitor.post("/bench/1/delete").location.startswith("/login")
    assert 'id="line-1"' in otto.get("/bench").text
    assert otto.get("/bench").text.count("Delete") == 1  # of the blank line that the script fills in
    assert fern.get("/bench").text.count("Delete") == 2
    assert "Delete" not in visitor.get("/bench").text


def test_old_lines_go_and_their_numbers_are_not_used_again(app, fern):
    with app.app_context():
        numbers = store_lines(app, "fern", ["."] * (lines.KEPT + 1))

    fern.post("/bench", {"text": "The last one."})

    with app.app_context():
        kept = lines.since(db.session(), 0, most=1_000)
        assert [kept[0].id, kept[-1].id] == [3, numbers[-1] + 1]
        lines.delete(db.session(), kept[-1])
        assert store_lines(app, "fern", ["Another."]) == [numbers[-1] + 2]


def test_line_is_stored_though_redis_cannot_be_reached(serve, caplog, protocol):
    pytest.importorskip("redis")
    fern = Person(serve(REDIS_URL="redis://127.0.0.1:1/0"), protocol).join("fern")

    assert fern.post("/bench", {"text": "Nobody hears me."}).status_code == 302

    assert "Nobody hears me." in fern.get("/bench").text
    assert [record.message for record in caplog.records] == ["The bench could not be told."]


def test_line_reaches_other_processes_through_redis(serve, protocol):
    parts = urlsplit(REDIS_URL)
    try:
        socket.create_connection((parts.hostname, parts.port or 6379), 1).close()
    except OSError:
        if os.environ.get("CI"):
            pytest.fail(f"there is no Redis at {REDIS_URL}, and CI must not pass over it")
        pytest.skip(f"there is no Redis at {REDIS_URL}: start one, or set REDIS_URL")
    apps = [serve(REDIS_URL=REDIS_URL) for _ in range(2)]
    name = uuid.uuid4().hex  # goes before the names of groups, and others use this Redis too
    for app in apps:
        app.name = name
    fern, otto = (Person(app, protocol).join(who) for app, who in zip(apps, ("fern", "otto"), strict=True))

    with sit_down(fern) as hers, sit_down(otto) as his:
        assert receive(hers, "present")["present"] == ["fern"]
        assert receive(hers, "present")["present"] == ["fern", "otto"]
        hers.send_json({"say": "Over there?"})
        assert receive(his, "line")["line"]["body"] == "Over there?"
        otto.post("/bench", {"text": "Here."})
        assert receive(hers, "line")["line"]["body"] == "Over there?"
        assert receive(hers, "line")["line"]["body"] == "Here."


def store_lines(app, username, texts):
    """Store lines of another day, which no limit counts, and return their numbers."""
    author = users.by_name(db.session(), username)
    numbers = [lines.insert(db.session(), author_id=author.id, body=text).id for text in texts]
    db.session.execute(update(Line).values(created_at="2025-01-01T10:00:00Z"))
    db.session.commit()

    return numbers
