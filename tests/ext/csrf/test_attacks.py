"""What attackers try, over both protocols, with sync and async views: all of it is refused."""

from __future__ import annotations

import io

import pytest

from costrel.ext.csrf.tokens import make_token

INVALID = "The CSRF token is invalid."
FOREIGN = "The CSRF tokens do not match."


def buy(visitor, token, **how):
    return visitor.post("/buy", data={"csrf_token": token}, **how)


def refusal(response):
    assert response.status_code == 400, response.text
    return response.text.partition("<p>")[2].partition("</p>")[0]


def secret_of(visitor):
    with visitor.session_transaction() as found:
        return found["csrf_token"]


@pytest.fixture
def visitor(shop, client):
    """A browser that has been shown a page."""
    visitor = client(shop)
    visitor.token = visitor.get("/token").text

    return visitor


def test_token_of_ones_own_making_is_refused_even_by_who_knows_the_secret(visitor):
    forged = make_token(secret_of(visitor), keys=["a guess"], now=2**31)

    assert refusal(buy(visitor, forged)) == INVALID
    assert refusal(buy(visitor, secret_of(visitor))) == INVALID


def test_truncated_and_changed_tokens_are_refused(visitor):
    token = visitor.token

    for changed in (
        token[:-1],
        token[1:],
        token[: len(token) // 2],
        token.swapcase(),
        token + "A",
        "." + token,
    ):
        assert refusal(buy(visitor, changed)) == INVALID


@pytest.mark.parametrize("odd", ["\x00", "tökén", "ÿ", "x" * 100_000, "💥", "a.b", "None", "null"])
def test_odd_tokens_are_refused_in_the_field(visitor, odd):
    assert refusal(buy(visitor, odd)) == INVALID
    assert refusal(buy(visitor, f"{visitor.token}{odd}")) == INVALID


@pytest.mark.parametrize("odd", ["tökén", "ÿ", "x" * 8_000, "a b", '"'])
def test_odd_tokens_are_refused_in_the_header(visitor, odd):
    assert refusal(visitor.post("/buy", headers={"X-CSRFToken": odd})) == INVALID


def test_file_in_place_of_the_token_is_none(visitor):
    data = {"csrf_token": (io.BytesIO(visitor.token.encode()), "csrf_token")}

    assert refusal(visitor.post("/buy", data=data)) == "The CSRF token is missing."


@pytest.mark.parametrize("where", ["query", "cookie", "JSON", "plain text"])
def test_token_elsewhere_is_none(visitor, where):
    token = visitor.token
    if where == "cookie":
        visitor.set_cookie("csrf_token", token)
    how = {
        "query": {"query_string": {"csrf_token": token}},
        "cookie": {},
        "JSON": {"json": {"csrf_token": token}},
        "plain text": {"data": f"csrf_token={token}", "content_type": "text/plain"},
    }[where]

    response = visitor.post("/buy", headers={"Accept": "text/html"}, **how)

    assert refusal(response) == "The CSRF token is missing."


def test_expired_token_is_refused(shop, visitor):
    shop.config["WTF_CSRF_TIME_LIMIT"] = -1

    assert refusal(buy(visitor, visitor.token)) == "The CSRF token has expired."


def test_token_of_another_session_is_refused_with_two_browsers_at_once(shop, client, visitor):
    other = client(shop)
    theirs = other.get("/token").text

    assert refusal(buy(visitor, theirs)) == FOREIGN
    assert refusal(buy(other, visitor.token)) == FOREIGN
    assert buy(visitor, visitor.token).text == "bought 1"
    assert buy(other, theirs).text == "bought 1"


def test_browser_without_a_session_can_use_nobodys_token(shop, client, visitor):
    assert refusal(buy(client(shop), visitor.token)) == "The CSRF session token is missing."


def test_token_is_refused_after_logout_and_the_page_of_the_logout_has_a_new_one(visitor):
    page = visitor.post("/logout", data={"csrf_token": visitor.token}).text

    assert refusal(buy(visitor, visitor.token)) == FOREIGN
    assert buy(visitor, page.rpartition('value="')[2].partition('"')[0]).text == "bought 1"


def test_token_from_before_login_is_refused_after_it(visitor):
    assert visitor.post("/login", data={"csrf_token": visitor.token}).text == "welcome"

    assert refusal(buy(visitor, visitor.token)) == FOREIGN
    assert buy(visitor, visitor.get("/token").text).text == "bought 1"


def test_session_planted_by_an_attacker_is_of_no_use_after_login(shop, client):
    attacker, victim = client(shop), client(shop)
    token = attacker.get("/token").text
    planted = attacker.get_cookie("session").value
    victim.set_cookie("session", planted)

    victim.post("/login", data={"csrf_token": victim.get("/token").text})

    assert refusal(buy(victim, token)) == FOREIGN
    with victim.session_transaction() as found:
        assert found["user"] == "ada"


def test_token_with_an_old_key_is_good_until_the_key_is_taken_out(shop, visitor):
    shop.config.update(SECRET_KEY="a newer key", SECRET_KEY_FALLBACKS=["a key for tests"])
    assert buy(visitor, visitor.token).text == "bought 1"

    shop.config["SECRET_KEY_FALLBACKS"] = None

    # The session was signed anew by the first request, and lives on.
    assert refusal(buy(visitor, visitor.token)) == INVALID


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "GET"},
        {"X-HTTP-Method": "GET"},
        {"X-Method-Override": "OPTIONS"},
        {"X-Forwarded-Method": "HEAD"},
    ],
)
def test_headers_that_name_another_method_change_nothing(visitor, headers):
    assert visitor.post("/buy", headers=headers).status_code == 400
    assert visitor.post("/buy?_method=GET", data={"_method": "GET"}, headers=headers).status_code == 400


def test_method_that_middleware_overrides_is_the_one_that_counts(shop, client):
    inner = shop.wsgi_app

    def override(environ, start_response):
        environ["REQUEST_METHOD"] = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", environ["REQUEST_METHOD"])
        return inner(environ, start_response)

    shop.wsgi_app = override

    assert client(shop).get("/buy", headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 400


@pytest.mark.parametrize("method", ["post", "Post", "pOST"])
def test_method_in_other_letters_is_no_way_round(shop, visitor, method):
    assert (
        visitor.open("/buy", method="POST", environ_overrides={"REQUEST_METHOD": method}).status_code != 200
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "http://localhost:8080"},
        {"Origin": "http://www.localhost"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_origins_are_refused_whatever_token_they_have(visitor, headers):
    assert buy(visitor, visitor.token, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null", "Referer": "https://localhost/"},
        {"Origin": "http://localhost"},
        {"Origin": "https://localhost:8443"},
        {"Origin": "https://www.localhost"},
        {"Sec-Fetch-Site": "same-site", "Referer": "https://localhost/"},
        {"Referer": "http://localhost/"},
        {"Referer": "https://localhost:8443/"},
        {"Referer": "https://localhost.evil.example/"},
        {"Referer": "https://localhost@evil.example/"},
        {"Referer": "https://evil.example/https://localhost/"},
        {"Referer": "https://evil.example/?https://localhost/"},
        {"Referer": "https:localhost"},
        {"Referer": "https://["},
        {"Referer": "//localhost/"},
        {"Referer": "localhost"},
    ],
)
def test_over_https_other_origins_are_refused_without_the_frameworks_check_too(shop, visitor, headers):
    shop.config["CROSS_ORIGIN_CHECK"] = False

    assert buy(visitor, visitor.token, base_url="https://localhost", headers=headers).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "https://localhost"},
        {"Referer": "https://localhost/form"},
        {"Origin": "https://app.example"},
    ],
)
def test_over_https_own_and_trusted_pages_pass(shop, client, headers):
    shop.config["TRUSTED_ORIGINS"] = "https://app.example"
    visitor = client(shop)
    token = visitor.get("/token", base_url="https://localhost").text

    assert buy(visitor, token, base_url="https://localhost", headers=headers).text == "bought 1"
    assert buy(visitor, "", base_url="https://localhost", headers=headers).status_code == 400


def test_without_strictness_over_https_a_token_is_enough(shop, client):
    shop.config["WTF_CSRF_SSL_STRICT"] = False
    visitor = client(shop)
    token = visitor.get("/token", base_url="https://localhost").text

    assert buy(visitor, token, base_url="https://localhost").text == "bought 1"


def test_pages_do_not_tell_their_token_by_their_length_or_repetition(shop, client):
    visitor = client(shop)

    tokens = [visitor.get("/token").text for _ in range(20)]

    assert len(set(tokens)) == 20
    assert len({len(token) for token in tokens}) == 1
    page = visitor.get("/form").text.split()
    assert page[:4] == page[4:]


def test_refused_requests_change_nothing_in_the_session(shop, visitor):
    before = secret_of(visitor)

    for token in ("", "false", "x" * 1_000):
        response = buy(visitor, token)
        assert "Set-Cookie" not in response.headers

    assert secret_of(visitor) == before
    with visitor.session_transaction() as found:
        assert "bought" not in found
