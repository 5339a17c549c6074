"""The proxies follow the current context, thread by thread, and are what they stand for."""

from __future__ import annotations

import threading

import pytest
from werkzeug.local import LocalProxy

from costrel import current_app, g, request, session
from costrel.globals import _cv_app, _cv_request, app_ctx, request_ctx


def test_proxies_are_werkzeugs():
    for proxy in (current_app, g, request, session, app_ctx, request_ctx):
        assert issubclass(type(proxy), LocalProxy)
        assert not proxy


def test_proxies_are_equal_to_what_they_stand_for(app):
    with app.test_request_context("/x") as ctx:
        assert current_app == app
        assert isinstance(current_app, type(app))
        assert request == ctx.request
        assert isinstance(request, app.request_class)
        assert session == ctx.session
        assert bool(request)
        assert app_ctx == request_ctx == ctx


def test_attributes_are_read_written_and_deleted_through_the_proxy(app):
    with app.test_request_context("/x") as ctx:
        request.own = 1
        assert ctx.request.own == request.own == 1
        del request.own
        assert not hasattr(request, "own")

        current_app.own = 2
        assert app.own == 2
        del app.own


def test_attribute_that_is_not_there_is_named(app):
    with app.test_request_context():
        with pytest.raises(AttributeError, match="nothing"):
            request.nothing
        with pytest.raises(AttributeError, match="nothing"):
            g.nothing


def test_g_is_a_namespace_with_a_few_methods(app):
    with app.app_context():
        g.a = 1
        assert (g.a, g.get("a"), g.get("b", 2), g.pop("a"), g.pop("a", 3)) == (1, 1, 2, 1, 3)
        assert g.setdefault("c", 4) == g.c == 4
        assert "c" in g
        assert list(g) == ["c"]
        del g.c
        assert not hasattr(g, "c")
        with pytest.raises(KeyError):
            g.pop("a")
        with pytest.raises(AttributeError):
            del g.c


def test_g_may_be_a_class_of_the_application(app):
    class Own:
        name = "own"

    app.app_ctx_globals_class = Own

    with app.app_context():
        assert g.name == "own"


def test_g_says_whose_it_is(app):
    app.name = "shop"

    with app.app_context():
        assert repr(g) == "<flask.g of 'shop'>"


def test_session_is_a_mapping_through_the_proxy(app):
    with app.test_request_context():
        session["a"] = 1
        session.setdefault("b", []).append(2)
        assert dict(session) == {"a": 1, "b": [2]}
        assert session.modified
        assert len(session) == 2
        assert "a" in session
        del session["a"]
        assert session.get("a") is None


def test_each_thread_has_its_own_request(app):
    seen = {}
    barrier = threading.Barrier(2)

    def work(name):
        with app.test_request_context(f"/{name}"):
            barrier.wait(timeout=10)
            seen[name] = request.path
            barrier.wait(timeout=10)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("ada", "eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {"ada": "/ada", "eve": "/eve"}


def test_names_of_flasks_context_variables_answer(app):
    assert _cv_app.get(None) is _cv_request.get(None) is None
    with pytest.raises(LookupError):
        _cv_app.get()

    with app.app_context() as ctx:
        assert _cv_app.get() is ctx
        assert _cv_request.get(None) is None
        with app.test_request_context() as inner:
            assert _cv_request.get() is inner


def test_context_may_be_made_current_by_hand(app):
    ctx = app.test_request_context("/x")

    token = _cv_request.set(ctx)
    try:
        assert request.path == "/x"
    finally:
        _cv_request.reset(token)
    assert not request


def test_proxy_prints_unbound_outside_of_a_context():
    assert repr(request) == "<LocalProxy unbound>"


def test_object_behind_a_proxy_can_be_had_for_threads_and_signals(app):
    with app.app_context():
        assert current_app._get_current_object() is app
