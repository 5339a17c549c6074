"""Forged forms, foreign markup, and the headers that stop what slips through."""

from __future__ import annotations

import re

import pytest
from wayside.testing import PASSWORD, WALK

FORMS = [
    "/login",
    "/logout",
    "/walks/new",
    "/walks/1/edit",
    "/walks/1/delete",
    "/walks/1/comments",
    "/bench",
    "/bench/1/delete",
]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", [None, "", "guessed", "gu\N{LATIN SMALL LETTER E WITH ACUTE}ssed"])
def test_form_without_the_token_is_refused(fern, path, token):
    fern.add_walk()
    data = {**WALK, "username": "fern", "password": PASSWORD}
    if token is not None:
        data["csrf_token"] = token

    response = fern.client.post(path, data=data)

    assert response.status_code == 403
    assert "This form has expired." in response.text
    assert fern.get("/walks/1").status_code == 200


def test_token_of_another_session_is_refused(fern, otto):
    foreign = otto.token()
    fern.get("/account/")

    assert fern.client.post("/logout", data={"csrf_token": foreign}).status_code == 403


def test_token_of_the_page_is_accepted(fern):
    page = fern.get("/walks/new").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]

    assert fern.client.post("/walks/new", data={**WALK, "csrf_token": token}).status_code == 302


def test_no_field_of_a_walk_can_carry_markup(fern):
    nasty = '"><script>alert(1)</script>'
    address = fern.add_walk(title=nasty, place=nasty, body=nasty, picture_alt=nasty)
    fern.post(f"{address}/comments", {"body": nasty})

    for path in ("/", address, f"{address}/edit", f"{address}/delete"):
        page = fern.get(path).text
        assert "<script>" not in page
        assert "&lt;script&gt;" in page


@pytest.mark.parametrize("path", ["/", "/login", "/nope", "/static/wayside.css"])
def test_every_answer_forbids_all_scripts_but_our_files(visitor, path):
    policy = visitor.get(path).headers["Content-Security-Policy"].split("; ")

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert not any("unsafe" in directive for directive in policy)


@pytest.mark.parametrize("path", ["/", "/bench", "/walks/1"])
def test_no_page_has_a_script_in_it(fern, path):
    fern.add_walk()

    scripts = re.findall(r"<script[^>]*>.*?</script>", fern.get(path).text, re.DOTALL)

    assert scripts == ['<script type="module" src="/static/live.js"></script>']
    assert fern.get("/static/live.js").mimetype == "text/javascript"


def test_page_depends_on_the_cookie_and_says_so(fern):
    assert "Cookie" in fern.get("/").headers["Vary"]
