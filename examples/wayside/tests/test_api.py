"""The JSON API: open to read, a token to write, problems as RFC 9457 says."""

from __future__ import annotations

import re

import pytest
from wayside.testing import WALK

SENT = {**WALK, "distance_km": 16.5, "ascent_m": 1120, "tags": ["pass", "with kids"]}


def token_of(person) -> dict[str, str]:
    page = person.post("/account/tokens", {"label": "script"}).text
    return {"Authorization": "Bearer " + re.findall(r"wayside_[\w-]{32}", page)[0]}


def test_list_gives_a_page_and_where_it_stands(fern, visitor):
    fern.add_walk()

    answer = visitor.get("/api/walks?tag=pass&author=fern&q=three").json

    assert answer["total"] == answer["page"] == answer["pages"] == 1
    assert answer["walks"][0]["title"] == "Over the pass"
    assert answer["walks"][0]["tags"] == ["pass", "with-kids"]


def test_walk_comes_with_its_comments(fern, visitor):
    fern.post(fern.add_walk() + "/comments", {"body": "Hm."})

    assert [said["body"] for said in visitor.get("/api/walks/1").json["comments"]] == ["Hm."]


def test_token_adds_a_walk_in_its_owners_name(fern, visitor):
    response = visitor.client.post("/api/walks", json=SENT, headers=token_of(fern))

    assert response.status_code == 201
    assert response.headers["Location"].endswith("/api/walks/1")
    assert response.json["author"] == "fern"
    assert response.json["distance_km"] == 16.5
    assert "Over the pass" in visitor.get("/walks/1").text


def test_owner_replaces_and_deletes_through_the_api(fern, visitor):
    headers = token_of(fern)
    fern.add_walk()

    replaced = visitor.client.put("/api/walks/1", json={**SENT, "title": "New"}, headers=headers)
    deleted = visitor.client.delete("/api/walks/1", headers=headers)

    assert replaced.json["title"] == "New"
    assert deleted.status_code == 204
    assert visitor.get("/api/walks/1").status_code == 404


def test_token_of_somebody_else_is_forbidden(fern, otto, visitor):
    fern.add_walk()

    response = visitor.client.delete("/api/walks/1", headers=token_of(otto))

    assert response.status_code == 403
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize("value", [None, "Bearer", "Bearer ", "Bearer wrong", "Basic eDp5", "gibberish"])
def test_writing_without_a_token_is_a_401_that_says_how(fern, value):
    response = fern.client.post("/api/walks", json=SENT, headers={"Authorization": value} if value else {})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].lower().startswith("bearer")
    assert response.json["status"] == 401


def test_revoked_token_no_longer_works(fern, visitor):
    headers = token_of(fern)

    fern.post("/account/tokens/1/revoke")

    assert visitor.client.post("/api/walks", json=SENT, headers=headers).status_code == 401


def test_nobody_can_revoke_the_token_of_another(fern, otto, visitor):
    headers = token_of(fern)

    assert otto.post("/account/tokens/1/revoke").status_code == 404
    assert visitor.client.post("/api/walks", json=SENT, headers=headers).status_code == 201


def test_token_is_shown_once_and_stored_as_a_hash(app, fern):
    token = token_of(fern)["Authorization"].removeprefix("Bearer ")

    assert token not in fern.get("/account/").text
    with open(app.config["DATABASE"], "rb") as file:
        assert token.encode() not in file.read()


def test_refused_fields_are_a_422_with_a_message_each(fern):
    response = fern.client.post(
        "/api/walks", json={**SENT, "title": "", "distance_km": "far"}, headers=token_of(fern)
    )

    assert response.status_code == 422
    assert set(response.json["errors"]) == {"title", "distance_km"}
    assert response.json["title"] == "Unprocessable Entity"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("title=x", "application/x-www-form-urlencoded", 415),
        ('{"title": "\\ud800"}', "application/json", 422),
        ('{"walked_on": 20260517, "tags": {"a": 1}}', "application/json", 422),
    ],
)
def test_malformed_body_is_a_problem_and_never_a_fault(fern, body, kind, status):
    response = fern.client.post("/api/walks", data=body, content_type=kind, headers=token_of(fern))

    assert response.status_code == status
    assert response.mimetype == "application/problem+json"


def test_half_a_surrogate_pair_is_stored_as_a_question_mark(fern):
    headers = {**token_of(fern), "Content-Type": "application/json"}
    body = '{"title": "a\\ud800b", "place": "x", "walked_on": "2026-01-17", "body": "x"}'

    response = fern.client.post("/api/walks", data=body, headers=headers)

    assert response.json["title"] == "a?b"


@pytest.mark.parametrize("path", ["/api/nope", "/api/walks/99", "/api/walks?page=99"])
def test_missing_things_are_problems_too(visitor, path):
    response = visitor.get(path)

    assert response.status_code == 404
    assert response.json["status"] == 404
