"""What ``import costrel`` offers: all of Flask's names, sorted, each with a docstring."""

from __future__ import annotations

import inspect

import pytest
from werkzeug.local import LocalProxy

import costrel

# Flask 3.1's public names, without its four submodules.
FLASK_NAMES = {
    "Blueprint",
    "Config",
    "Flask",
    "Request",
    "Response",
    "abort",
    "after_this_request",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "copy_current_request_context",
    "current_app",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "got_request_exception",
    "has_app_context",
    "has_request_context",
    "jsonify",
    "make_response",
    "message_flashed",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "template_rendered",
    "url_for",
}
# Names that Flask does not have.
OWN_NAMES = {
    "arender_template",
    "arender_template_string",
    "astream_template",
    "astream_template_string",
    "Costrel",
    "copy_current_app_context",
    "WebSocketDisconnect",
    "has_websocket_context",
    "websocket",
}
# Objects, not definitions: their docstring is that of their type.
OBJECTS = {name for name in FLASK_NAMES if name.startswith(("appcontext_", "request_", "template_"))} | {
    "before_render_template",
    "current_app",
    "g",
    "got_request_exception",
    "message_flashed",
    "request",
    "session",
    "websocket",
}


def public_members(owner):
    for name, member in vars(owner).items():
        plain = getattr(member, "__func__", getattr(member, "fget", member))
        if not name.startswith("_") and (inspect.isfunction(plain) or isinstance(member, property)):
            yield name, member


def test_the_names_are_flasks_and_costrels_own():
    assert set(costrel.__all__) == FLASK_NAMES | OWN_NAMES


def test_the_list_of_names_is_sorted():
    assert costrel.__all__ == sorted(costrel.__all__)


@pytest.mark.parametrize("name", sorted((FLASK_NAMES | OWN_NAMES) - OBJECTS))
def test_every_public_name_says_what_it_is_for(name):
    assert inspect.getdoc(getattr(costrel, name))


@pytest.mark.parametrize("name", ["Blueprint", "Config", "Costrel", "Request", "Response"])
def test_every_public_method_says_what_it_does(name):
    owner = getattr(costrel, name)
    silent = [
        f"{cls.__name__}.{attribute}"
        for cls in owner.__mro__
        if cls.__module__.startswith("costrel")
        for attribute, member in public_members(cls)
        if not inspect.getdoc(getattr(cls, attribute, member))
    ]

    assert not silent


def test_the_class_has_both_its_names():
    assert costrel.Flask is costrel.Costrel


def test_the_proxies_are_werkzeugs():
    proxies = [costrel.current_app, costrel.g, costrel.request, costrel.session, costrel.websocket]

    assert all(isinstance(proxy, LocalProxy) for proxy in proxies)


def test_the_submodules_answer_as_attributes():
    assert costrel.json.jsonify is costrel.jsonify
    assert costrel.sansio.__name__ == "costrel.sansio"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        costrel.no_such_name
