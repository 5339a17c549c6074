"""The server and the interface that fit are picked, the choice is explained, and addresses are read."""

from __future__ import annotations

import pytest

from costrel.core.servers import INTERFACES, SERVERS, Address, choose, read_address
from costrel.errors import ConfigError

ASYNC = ["async view 'feed'"]


@pytest.mark.parametrize(
    ("installed", "asynchronous", "server", "interface"),
    [
        (SERVERS, [], "granian", "wsgi"),
        (SERVERS, ASYNC, "granian", "asgi"),
        (("uvicorn", "gunicorn"), [], "gunicorn", "wsgi"),
        (("uvicorn", "gunicorn"), ASYNC, "uvicorn", "asgi"),
        (("hypercorn", "waitress"), [], "waitress", "wsgi"),
        (("hypercorn", "waitress"), ASYNC, "hypercorn", "asgi"),
        (("hypercorn",), [], "hypercorn", "asgi"),
        (("uvicorn",), [], "uvicorn", "asgi"),
        (("gunicorn",), ASYNC, "gunicorn", "asgi"),
    ],
)
def test_first_installed_server_that_fits_is_taken(installed, asynchronous, server, interface):
    choice = choose(installed, asynchronous=asynchronous)

    assert (choice.server, choice.interface) == (server, interface)


@pytest.mark.parametrize(
    ("server", "interface", "asynchronous", "speaks"),
    [
        ("uvicorn", None, [], "asgi"),
        ("gunicorn", None, [], "wsgi"),
        ("gunicorn", None, ASYNC, "asgi"),
        ("gunicorn", "wsgi", ASYNC, "wsgi"),
        ("granian", "rsgi", [], "rsgi"),
        ("waitress", "wsgi", ASYNC, "wsgi"),
    ],
)
def test_server_that_is_wanted_is_taken(server, interface, asynchronous, speaks):
    choice = choose(SERVERS, server=server, interface=interface, asynchronous=asynchronous)

    assert (choice.server, choice.interface) == (server, speaks)


def test_server_that_confuses_headers_is_not_picked_for_wsgi_behind_proxies():
    assert choose(SERVERS, proxied=True).server == "gunicorn"
    assert choose(["granian"], proxied=True).interface == "asgi"
    assert choose(["granian"], proxied=True, interface="wsgi").interface == "wsgi"


def test_reason_names_what_decided():
    assert choose(SERVERS).reason == "all of the application is synchronous"
    assert choose(SERVERS, interface="asgi").reason == "as you asked"
    assert (
        choose(SERVERS, asynchronous=["WebSocket '/ws'", *ASYNC]).reason
        == "the application has WebSocket '/ws' and 1 more"
    )


@pytest.mark.parametrize(
    ("installed", "options", "problem", "hint"),
    [
        ((), {}, "no server for production is installed", "pip install 'costrel[serve]'"),
        (("waitress",), {"server": "granian"}, "'granian' is not installed", "pip install granian"),
        (("waitress",), {"asynchronous": ASYNC}, "none of the installed servers", "install granian"),
        (SERVERS, {"server": "waitress", "asynchronous": ASYNC}, "speaks WSGI only", "--interface wsgi"),
        (SERVERS, {"server": "uvicorn", "interface": "wsgi"}, "uvicorn does not speak WSGI", "gunicorn"),
        (("uvicorn",), {"interface": "rsgi"}, "RSGI", "pip install granian"),
    ],
)  # fmt: skip
def test_choice_that_cannot_be_made_is_explained(installed, options, problem, hint):
    with pytest.raises(ConfigError) as caught:
        choose(installed, **options)

    assert problem in caught.value.problem
    assert hint in caught.value.hint


@pytest.mark.parametrize("interface", INTERFACES)
def test_every_interface_is_spoken_by_some_server(interface):
    assert choose(SERVERS, interface=interface).interface == interface


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        ("0.0.0.0", Address("0.0.0.0", 8_000)),
        (":9000", Address("127.0.0.1", 9_000)),
        ("9000", Address("127.0.0.1", 9_000)),
        ("shop.example:0", Address("shop.example", 0)),
        ("[::1]:80", Address("::1", 80)),
        ("[::]", Address("::", 8_000)),
        ("unix:/run/a b.sock", Address(unix="/run/a b.sock")),
        ("unix:///run/a.sock", Address(unix="/run/a.sock")),
        ("unix:a.sock", Address(unix="a.sock")),
    ],
)
def test_addresses_are_read(text, address):
    assert read_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "::1",
        "::1:80",
        "[::1",
        "[]:80",
        "[::1]80",
        "a:b",
        "a:99999",
        "unix:",
        "http://a:80",
        "a b:80",
    ],
)
def test_address_of_another_form_is_refused(text):
    with pytest.raises(ConfigError) as caught:
        read_address(text)

    assert repr(text) in caught.value.problem


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (Address("127.0.0.1", 80), "https://127.0.0.1:80"),
        (Address("::1", 80), "https://[::1]:80"),
        (Address(unix="/a"), "unix:/a"),
    ],
)
def test_address_is_told_as_it_is_opened(address, url):
    assert address.url("https") == url
    assert read_address(str(address)) == address
