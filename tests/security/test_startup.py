"""What is weak in production is said once, in a log line, and never with the secret in it."""

import logging

import pytest

from costrel import Costrel, _mode, url_for
from costrel.core.startup import is_loopback, is_weak_key

STRONG = "d2b1f0a8c96e47f3a5b4c3d2e1f00918"


@pytest.fixture
def app():
    app = Costrel(__name__)
    app.config.update(SECRET_KEY=STRONG)

    @app.get("/")
    def index():
        return url_for("index", _external=True)

    @app.get("/path")
    def path():
        return url_for("index")

    return app


@pytest.fixture
def warnings(app, caplog):
    caplog.set_level(logging.WARNING, app.name)
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    "key", ["dev", "secret", b"dev", "a" * 64, "abcabc" * 10, b"\0" * 16, '_5#y2L"F4Q8z\n\xec]/', "x" * 21]
)
def test_key_that_is_easy_to_guess_is_told_once(app, client, warnings, key):
    app.secret_key = key

    client(app).get("/path")
    client(app).get("/path")

    assert len(warnings()) == 1
    assert warnings()[0].startswith("SECRET_KEY is easy to guess")
    assert repr(key) not in warnings()[0]


def test_old_key_that_is_easy_to_guess_is_told_too(app, client, warnings):
    app.config["SECRET_KEY_FALLBACKS"] = [STRONG, "dev"]

    client(app).get("/path")

    assert [text.partition(" ")[0] for text in warnings()] == ["SECRET_KEY_FALLBACKS"]


@pytest.mark.parametrize("key", [None, "", STRONG, bytes(range(16)), "Zk3_x9-QvB7nT2sLw8YcRd"])
def test_good_key_or_none_is_not_worth_a_line(app, client, warnings, key):
    app.secret_key = key

    client(app).get("/path")

    assert warnings() == []
    assert not is_weak_key(key)


@pytest.mark.parametrize("setting", ["DEBUG", "TESTING"])
def test_development_and_tests_may_have_any_key_and_host(app, client, warnings, setting):
    app.config.update({setting: True, "SECRET_KEY": "dev"})

    client(app).get("/", base_url="http://shop.example")

    assert warnings() == []


def test_flasks_applications_are_not_told(client, caplog):
    before = _mode.flask_defaults()
    _mode.use_flask_defaults()
    app = Costrel(__name__)
    _mode.use_flask_defaults(before)
    app.secret_key = "dev"
    app.get("/", endpoint="index")(lambda: url_for("index", _external=True))

    assert client(app).get("/", base_url="http://shop.example").text == "http://shop.example/"
    assert caplog.records == []


def test_whole_url_with_the_host_of_any_client_is_told_once(app, client, warnings):
    visitor = client(app)
    for host in ("shop.example", "evil.example"):
        assert visitor.get("/", base_url=f"http://{host}").text == f"http://{host}/"

    (text,) = warnings()
    assert "'shop.example'" in text
    assert "TRUSTED_HOSTS" in text


@pytest.mark.parametrize(
    "settings",
    [{"TRUSTED_HOSTS": ["shop.example"]}, {"SERVER_NAME": "shop.example"}],
    ids=lambda value: str(list(value)),
)
def test_whole_url_with_a_host_that_is_settled_is_not_worth_a_line(app, client, warnings, settings):
    app.config.update(settings)

    assert client(app).get("/", base_url="http://shop.example").text == "http://shop.example/"
    assert warnings() == []


def test_path_without_a_host_is_not_worth_a_line(app, client, warnings):
    client(app).get("/path", base_url="http://shop.example")

    assert warnings() == []


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "a.localhost"]
)
def test_names_of_this_machine_are_not_worth_a_line(app, client, warnings, host):
    client(app).get("/", base_url=f"http://{host}")

    assert warnings() == []
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.evil.example", "127.0.0.1.evil.example", "evillocalhost", ""])
def test_other_names_are_not_of_this_machine(host):
    assert not is_loopback(host)


def test_every_finding_of_the_settings_is_told_once_with_its_id(app, client, warnings):
    app.config.update(STATIC_SYMLINKS=True, CROSS_ORIGIN_CHECK=False)
    visitor = client(app)
    visitor.get("/path")
    visitor.get("/path")

    assert [text.rpartition("(")[2] for text in warnings()] == ["security.W010)", "security.W017)"]


def test_finding_that_is_silenced_is_not_worth_a_line(app, client, warnings):
    app.config.update(STATIC_SYMLINKS=True, SILENCED_CHECKS=["security.W017", "security.W012"])

    assert client(app).get("/", base_url="http://shop.example").text == "http://shop.example/"
    assert warnings() == []


def test_host_of_any_client_is_told_under_the_id_that_the_command_has_for_it(app, client, warnings):
    client(app).get("/", base_url="http://shop.example")

    assert warnings()[0].endswith("(security.W012)")
