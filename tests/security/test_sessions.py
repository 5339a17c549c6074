"""A session is for one visitor: not for a cache, not for who signs something else, not for an old key."""

import hashlib

import pytest
from itsdangerous import URLSafeTimedSerializer

from costrel import Costrel, flash, get_flashed_messages, render_template_string, session
from costrel.errors import ConfigError
from costrel.json.tag import TaggedJSONSerializer

USES = {
    "getitem": lambda: session["user"],
    "get": lambda: session.get("user"),
    "in": lambda: "user" in session,
    "len": lambda: len(session),
    "bool": lambda: bool(session),
    "iter": lambda: list(session),
    "items": lambda: list(session.items()),
    "eq": lambda: session == {},
    "permanent": lambda: session.permanent,
    "setitem": lambda: session.__setitem__("user", 2),
    "pop": lambda: session.pop("user"),
    "clear": lambda: session.clear(),
    "flash": lambda: flash("saved"),
    "messages": lambda: get_flashed_messages(),
    "template": lambda: render_template_string("{{ session.user }}"),
}


@pytest.fixture
def app(app):
    @app.get("/use/<name>")
    def use(name):
        USES[name]()
        return "used"

    @app.get("/raise/<name>")
    def fail(name):
        USES[name]()
        raise ZeroDivisionError

    @app.get("/user")
    def user():
        return {"user": session.get("user")}

    @app.get("/public")
    def public():
        return "for all"

    return app


def signed(payload, key="a key for tests"):
    serializer = URLSafeTimedSerializer(
        key,
        salt="cookie-session",
        serializer=TaggedJSONSerializer(),
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )
    return serializer.dumps(payload)


def visitor(app, client, payload={"user": 1}, **options):
    visitor = client(app)
    visitor.set_cookie("session", signed(payload, **options))
    return visitor


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("path", ["use", "raise"])
def test_answer_that_depends_on_the_session_says_so(app, client, path, name):
    app.testing = False

    response = visitor(app, client).get(f"/{path}/{name}")

    assert "Cookie" in response.vary


def test_first_answer_without_a_cookie_says_so_too(app, client):
    assert "Cookie" in client(app).get("/user").vary


def test_answer_that_does_not_depend_on_it_may_be_cached(app, client):
    response = visitor(app, client).get("/public")

    assert "Vary" not in response.headers
    assert "Cache-Control" not in response.headers


def test_refreshed_cookie_is_not_for_caches(app, client):
    response = visitor(app, client, {"user": 1, "_permanent": True}).get("/public")

    assert "Set-Cookie" in response.headers
    assert "Cookie" in response.vary
    assert response.headers["Cache-Control"] == "private"


@pytest.mark.parametrize("payload", [[], [["user", 1]], "user", 5, None, True, {" t": ["user", 1]}])
def test_what_is_signed_but_no_mapping_is_an_empty_session(app, client, payload):
    assert visitor(app, client, payload).get("/user").json == {"user": None}


@pytest.mark.parametrize(
    "cookie",
    ["", ".", "..", "a.b.c", "é", "%00", ".eJw.a.b", '"', "e30.Z.x", "A" * 5_000, signed({"user": 1})[:-1]],
    # the last one has the time in it, and every process must collect the same names
    ids=range(11),
)
def test_what_is_not_signed_is_an_empty_session(app, client, cookie):
    response = client(app).get("/user", headers={"Cookie": f"session={cookie}".encode().decode("latin1")})

    assert response.json == {"user": None}


def test_compressed_bomb_is_not_opened_without_the_key(app, client):
    assert visitor(app, client, {"user": "x" * 500_000}, key="another key").get("/user").json == {
        "user": None
    }


def test_old_keys_are_read_and_only_the_new_one_signs(app, client):
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old", "a key for tests"])

    assert visitor(app, client, key="old").get("/user").json == {"user": 1}
    value = (
        visitor(app, client, key="old").get("/use/setitem").headers["Set-Cookie"].split(";")[0].split("=")[1]
    )

    app.config.update(SECRET_KEY_FALLBACKS=None)
    assert visitor(app, client, key="old").get("/user").json == {"user": None}
    reader = client(app)
    reader.set_cookie("session", value)
    assert reader.get("/user").json == {"user": 2}


@pytest.mark.parametrize("fallbacks", ["old key", b"old key", bytearray(b"old key")])
def test_one_old_key_without_a_list_is_refused_with_the_first_request(app, client, fallbacks):
    app.config["SECRET_KEY_FALLBACKS"] = fallbacks

    for _ in range(2):
        with pytest.raises(ConfigError, match="SECRET_KEY_FALLBACKS must be a list of keys"):
            client(app).get("/public")


def test_one_old_key_without_a_list_is_refused_before_serving(monkeypatch):
    monkeypatch.delenv("FLASK_RUN_FROM_CLI", raising=False)
    app = Costrel(__name__)
    app.config["SECRET_KEY_FALLBACKS"] = "old key"

    with pytest.raises(ConfigError, match="SECRET_KEY_FALLBACKS must be a list of keys"):
        app.run(port=0, load_dotenv=False)


def test_nobody_sees_another_visitors_session(app, client):
    first, second = visitor(app, client, {"user": 1}), visitor(app, client, {"user": 2})

    assert [who.get("/user").json["user"] for who in (first, second, client(app), first)] == [1, 2, None, 1]
