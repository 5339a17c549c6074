"""All extensions on one application: its promises hold when they work together, sync and async."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor

PASSWORD = "correct horse battery"
SQL = ["' OR '1'='1", "'; DROP TABLE note; --", '" UNION SELECT password FROM "user" --', "%'; --", "\\'"]

OTHER_SITES = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "http:evil.example",
    "https://localhost@evil.example/",
    "javascript:alert(1)",
    "\x00//evil.example",
)

FORM = "application/x-www-form-urlencoded"
BODIES = (
    (b"text=" + b"x" * 600_000, FORM, 413),
    (b"&".join(b"text=x" for _ in range(1_001)), FORM, 413),
    (b"--x\r\nContent-Disposition: form-data; na", "multipart/form-data; boundary=x", 400),
    (b"no boundary at all", "multipart/form-data", 400),
    (b"[" * 10_000, "application/json", 400),
    (b'{"text": {"a": [1]}}', "application/json", 422),
)


# Logging in.


def test_visitor_is_sent_to_log_in_and_back(browser):
    sent = browser.client.get("/?page=2")
    back = browser.log_in("ada", path=sent.location)

    assert sent.location == "/log-in?next=%2F%3Fpage%3D2"
    assert back.location == "/?page=2"
    assert browser.is_logged_in()


def test_wrong_name_or_password_lets_nobody_in(browser):
    for name, password in [("ada", "wrong"), ("nobody", PASSWORD), ("ada", "")]:
        assert browser.log_in(name, password).status_code == 422
    assert not browser.is_logged_in()


def test_page_that_looks_at_no_session_is_the_same_for_all_visitors(browser):
    response = browser.client.get("/about")

    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")


def test_login_leads_to_no_other_site(browser):
    data = {"name": "ada", "password": PASSWORD}

    def leads_to(target):
        browser.client.delete_cookie("session")
        form = {**data, "next": target, "csrf_token": browser.token("/log-in")}
        return browser.client.post("/log-in", query_string={"next": target}, data=form).location

    assert {target: leads_to(target) for target in OTHER_SITES} == dict.fromkeys(OTHER_SITES, "/")


# Sessions.


def test_login_gives_the_session_another_id(browser):
    browser.client.get("/log-in")
    before = browser.session_id

    browser.log_in("ada")

    assert before is not None
    assert browser.session_id != before


def test_session_that_was_planted_before_the_login_is_nobodys_after_it(browser, open_browser):
    attacker = open_browser()
    attacker.client.get("/log-in")
    browser.client.set_cookie("session", attacker.session_id)

    browser.log_in("ada")

    assert browser.is_logged_in()
    assert not attacker.is_logged_in()


def test_id_that_somebody_made_up_is_never_taken(browser):
    browser.client.set_cookie("session", "made-up-by-somebody-else-0123456789abcdefgh")

    browser.log_in("ada")

    assert browser.session_id != "made-up-by-somebody-else-0123456789abcdefgh"


def test_cookie_that_was_copied_is_worth_nothing_after_the_logout(ada, open_browser):
    thief = open_browser()
    thief.client.set_cookie("session", ada.session_id)
    assert thief.is_logged_in()

    ada.send("/log-out", token_of="/")

    assert not thief.is_logged_in()
    assert not ada.is_logged_in()


def test_log_out_everywhere_ends_all_sessions_of_this_user_and_no_others(ada, browser_of):
    phone, grace = browser_of("ada"), browser_of("grace")

    assert ada.send("/log-out-everywhere", token_of="/").text == "2"

    assert not ada.is_logged_in()
    assert not phone.is_logged_in()
    assert grace.is_logged_in()


# Tokens.


def test_form_with_the_token_of_its_page_is_taken(ada):
    assert ada.send(text="Fill the flask.").status_code == 302
    assert ada.notes() == ["Fill the flask."]


def test_missing_or_forged_token_is_refused(ada):
    forged = [{"csrf_token": token} for token in ("", "forged", "é\x00", "a" * 5_000)]

    statuses = [ada.client.post("/", data={"text": "forged", **token}).status_code for token in [{}, *forged]]

    assert statuses == [400] * 5
    assert ada.notes() == []


def test_token_of_somebody_else_is_refused(ada, browser_of):
    foreign = browser_of("grace").token("/")

    assert ada.client.post("/", data={"text": "forged", "csrf_token": foreign}).status_code == 400
    assert ada.notes() == []


def test_token_from_before_the_login_is_refused_after_it(browser):
    before = browser.token("/log-in")
    browser.log_in("ada")

    assert browser.client.post("/", data={"text": "replayed", "csrf_token": before}).status_code == 400
    assert browser.notes() == []


def test_token_from_before_the_logout_is_refused_after_it(ada):
    before = ada.token("/")
    ada.send("/log-out", token_of="/")

    replayed = ada.client.post("/log-in", data={"name": "ada", "password": PASSWORD, "csrf_token": before})

    assert replayed.status_code == 400
    assert not ada.is_logged_in()


def test_form_of_another_site_is_refused_though_its_token_is_right(ada):
    data = {"text": "forged", "csrf_token": ada.token("/")}
    told = [("Sec-Fetch-Site", site) for site in ("cross-site", "same-site")]
    told += [("Origin", origin) for origin in ("https://evil.example", "null")]

    statuses = {header: ada.client.post("/", data=data, headers=[header]).status_code for header in told}

    assert statuses == dict.fromkeys(told, 403)
    assert ada.notes() == []


# Browsers at once.


def test_two_browsers_of_one_user_at_once_lose_nothing(browser_of, ada):
    phone, together = browser_of("ada"), threading.Barrier(2)

    def write(browser):
        together.wait()
        return [browser.send(text=f"note {number}").status_code for number in range(5)]

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(write, (ada, phone)))

    assert statuses == [[302] * 5] * 2
    assert sorted(ada.notes()) == sorted([f"note {number}" for number in range(5)] * 2)


def test_two_users_at_once_see_their_own_only(browser_of, ada):
    grace, together = browser_of("grace"), threading.Barrier(2)

    def write_and_read(browser, name):
        together.wait()
        for _ in range(4):
            browser.send(text=f"of {name}")
            assert set(browser.notes()) == {f"of {name}"}

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write_and_read, (ada, grace), ("ada", "grace")))


# What is sent.


def test_sql_in_a_field_is_text(ada):
    for text in SQL:
        ada.send(text=text)

    assert ada.notes() == SQL


def test_sql_lets_nobody_in(browser):
    for text in SQL:
        assert browser.log_in(text, text).status_code == 422
        assert browser.log_in("ada", text).status_code == 422
        browser.client.set_cookie("session", text.replace(";", ","))
        assert not browser.is_logged_in()


def test_field_that_is_empty_too_long_or_no_text_is_told_and_not_kept(ada):
    for text in ("", "x" * 201, "a\x00b", (io.BytesIO(b"data"), "note.txt")):
        assert ada.send(text=text).status_code == 422
    assert ada.notes() == []


def test_oversized_or_malformed_body_is_refused(ada):
    headers = {"X-CSRFToken": ada.token("/")}

    statuses = [
        ada.client.post("/", data=body, content_type=mimetype, headers=headers).status_code
        for body, mimetype, _ in BODIES
    ]

    assert statuses == [expected for *_, expected in BODIES]
    assert ada.notes() == []
