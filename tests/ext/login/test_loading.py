"""The user is loaded when somebody looks, once, by sync and async loaders, wherever the code runs."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading

import pytest
from werkzeug.exceptions import Conflict, ServiceUnavailable
from werkzeug.test import EnvironBuilder

from costrel import (
    Blueprint,
    Costrel,
    copy_current_request_context,
    render_template_string,
    request,
    session,
    stream_with_context,
)
from costrel.errors import ContextError, SetupError
from costrel.ext.login import (
    LoginManager,
    current_user,
    load_current_user,
    login_required,
    user_accessed,
    user_loaded_from_request,
)
from costrel.sessions import SessionInterface, SessionMixin


def runs_on_loop():
    return asyncio._get_running_loop() is not None


@pytest.fixture
def counted(app, manager, users):
    """The ids that the loader was asked for."""
    asked = []

    @manager.user_loader
    def load_user(user_id):
        asked.append(user_id)
        return users.get(user_id)

    return asked


@pytest.fixture
def acounted(app, async_manager, users):
    """The ids that the async loader was asked for."""
    asked = []

    @async_manager.user_loader
    async def load_user(user_id):
        await asyncio.sleep(0)
        asked.append(user_id)
        return users.get(user_id)

    return asked


# Lazily.


def test_a_view_that_does_not_look_loads_nobody(client, app, counted):
    visitor = client(app)
    visitor.post("/login/1")

    response = visitor.get("/public")

    assert not counted
    assert "Vary" not in response.headers


def test_a_template_that_does_not_look_loads_nobody(client, app, counted):
    @app.get("/page")
    def page():
        return render_template_string(
            "{{ 'no' if false else 'yes' }}{% if false %}{{ current_user }}{% endif %}"
        )

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/page").text == "yes"
    assert not counted


def test_a_user_is_loaded_once_for_a_request(client, app, counted):
    @app.get("/often")
    def often():
        page = "{{ current_user.name }} {{ current_user.is_authenticated }}"
        return render_template_string(page) + f" {current_user.name}"

    visitor = client(app)
    visitor.post("/login/1")
    heard = []

    with user_accessed.connected_to(heard.append, sender=app):
        assert visitor.get("/often").text == "Ada True Ada"

    assert counted == ["1"]
    assert heard == [app]


def test_an_answer_that_shows_the_user_depends_on_the_cookie(client, app, manager):
    response = client(app).get("/me")

    assert "Cookie" in response.headers["Vary"]


def test_outside_of_a_request_there_is_no_user(app, manager):
    with app.app_context():
        assert not current_user
        assert current_user._get_current_object() is None


async def test_outside_of_a_request_there_is_none_to_wait_for(app, manager):
    assert await load_current_user() is None


def test_in_a_request_of_a_test_there_is_a_user(app, manager):
    with app.test_request_context():
        session["_user_id"] = "1"

        assert current_user.name == "Ada"
        assert current_user == manager.current_user
        assert repr(current_user) == repr(manager.current_user._get_current_object())


def test_without_a_loader_the_first_look_says_what_to_write(app):
    LoginManager(app)

    with app.test_request_context(), pytest.raises(SetupError) as caught:
        bool(current_user.is_authenticated)

    assert "user_loader" in caught.value.hint


def test_a_user_whose_account_was_deleted_is_nobody(client, app, manager, users):
    visitor = client(app)
    visitor.post("/login/1")

    del users["1"]

    assert visitor.get("/me").text == "nobody"


def test_an_error_of_the_loader_is_not_swallowed(client, app, manager):
    @manager.user_loader
    def load_user(user_id):
        raise LookupError("the database is gone")

    visitor = client(app)
    visitor.post("/login/1")

    with pytest.raises(LookupError, match="gone"):
        visitor.get("/me")


def test_anonymous_users_may_have_a_class(client, app, manager):
    class Guest:
        is_authenticated = True
        name = "guest"

    manager.anonymous_user = Guest

    assert client(app).get("/me").text == "guest"


# By the request.


def by_token(asked):
    users = {"ada's token": type("TokenUser", (), {"is_authenticated": True, "name": "Ada"})()}
    asked.append(request.path)
    return users.get(request.headers.get("X-Token"))


def test_a_request_may_say_who_it_is_from(client, app, manager):
    asked, heard = [], []
    manager.request_loader(lambda request: by_token(asked))
    visitor = client(app)

    with user_loaded_from_request.connected_to(lambda sender, user: heard.append(user.name), sender=app):
        said = [visitor.get("/me", headers={"X-Token": token}).text for token in ("ada's token", "other")]

    assert said == ["Ada", "nobody"]
    assert heard == ["Ada"]


def test_the_session_goes_before_the_request(client, app, manager):
    asked = []
    manager.request_loader(lambda request: by_token(asked))
    visitor = client(app)
    visitor.post("/login/2")

    assert visitor.get("/me", headers={"X-Token": "ada's token"}).text == "Bob"
    assert not asked


def test_a_worthless_cookie_does_not_stand_before_the_request(client, app, manager):
    manager.request_loader(lambda request: by_token([]))
    visitor = client(app)
    visitor.set_cookie("remember_token", "forged")

    assert visitor.get("/me", headers={"X-Token": "ada's token"}).text == "Ada"


def test_a_request_loader_alone_will_do(client, app):
    manager = LoginManager(app)
    manager.request_loader(lambda request: by_token([]))

    @app.get("/me")
    def me():
        return str(current_user.is_authenticated)

    visitor = client(app)

    assert visitor.get("/me", headers={"X-Token": "ada's token"}).text == "True"
    assert visitor.get("/me").text == "False"


def test_an_async_request_loader_is_awaited(client, app, async_manager):
    @async_manager.request_loader
    async def load_user(request):
        await asyncio.sleep(0)
        return by_token([])

    visitor = client(app)

    assert visitor.get("/me", headers={"X-Token": "ada's token"}).text == "Ada"
    assert visitor.get("/ame", headers={"X-Token": "ada's token"}).text == "Ada"
    assert visitor.get("/ame").text == "nobody"


def test_a_header_loader_still_works_and_warns(client, app, manager, users):
    with pytest.warns(DeprecationWarning, match="request_loader"):
        manager.header_loader({"Basic x": users["2"]}.get)

    assert client(app).get("/me", headers={"Authorization": "Basic x"}).text == "Bob"


# Async loaders.


@pytest.mark.parametrize("path", ["/me", "/ame"])
def test_an_async_loader_serves_sync_and_async_views(client, app, acounted, path):
    visitor = client(app)
    visitor.post("/login/1")
    acounted.clear()

    assert visitor.get(path).text == "Ada"
    assert acounted == ["1"]


@pytest.mark.parametrize("cookies", ["", "theme=dark; _ga=1"])
@pytest.mark.parametrize("in_blueprint", [False, True])
def test_a_request_that_says_nothing_of_its_sender_costs_a_few_calls(cookies, in_blueprint):
    def calls_of_a_request(app):
        environ = EnvironBuilder("/", headers={"Cookie": cookies} if cookies else {}).get_environ()
        counted = 0

        def count(frame, event, argument):
            nonlocal counted
            counted += event in ("call", "c_call")

        def answer():
            return b"".join(app(dict(environ), lambda status, headers, exc_info=None: None))

        assert [answer() for _ in range(3)] == [b"hello"] * 3  # what is made once is made
        before = sys.getprofile()
        gc.disable()  # what the garbage collector calls is not the request's
        sys.setprofile(count)
        try:
            answer()
        finally:
            sys.setprofile(before)
            gc.enable()
        return counted

    def load_ahead(app):
        @LoginManager(app).user_loader
        async def load_user(user_id):
            raise AssertionError("nobody looks")

    costs = []
    for extend in (lambda app: app.before_request(lambda: None), load_ahead):
        app = Costrel("shop")
        app.add_url_rule("/", "index", lambda: "hello")
        if in_blueprint:
            app.register_blueprint(Blueprint("more", __name__))
        extend(app)
        costs.append(calls_of_a_request(app))

    with_a_hook, with_login = costs
    assert with_login - with_a_hook <= 8, "about 0.3 µs"


def test_a_cookie_name_that_is_changed_later_counts(client, app, acounted):
    visitor = client(app)
    app.config["REMEMBER_COOKIE_NAME"] = "remembered"
    visitor.post("/login/1?remember")
    visitor.delete_cookie("session")

    assert visitor.get("/ame").text == "Ada"


def test_an_async_loader_serves_templates(client, app, acounted):
    @app.get("/page")
    async def page():
        return render_template_string("{{ current_user.name }}")

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/page").text == "Ada"


def test_an_async_loader_is_not_asked_about_visitors_without_a_login(client, app, acounted):
    visitor = client(app)
    with visitor.session_transaction() as stored:
        stored["basket"] = 1

    said = [visitor.get("/ame").text, visitor.get("/public").text]

    assert said == ["nobody", "for all"]
    assert not acounted


def test_hooks_that_were_registered_before_have_a_user_too(client, app, users):
    seen = []

    @app.before_request
    async def note():
        seen.append(current_user.is_authenticated)

    manager = LoginManager(app)

    @manager.user_loader
    async def load_user(user_id):
        return users.get(user_id)

    visitor = client(app)
    with visitor.session_transaction() as stored:
        stored["_user_id"] = "1"
    visitor.get("/none")

    assert seen == [True]


def test_error_pages_of_an_async_application_have_a_user(client, app, acounted):
    @app.errorhandler(404)
    async def missing(error):
        return current_user.name, 404

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/none").text == "Ada"


def test_a_remembered_user_is_loaded_by_an_async_loader(client, app, acounted):
    visitor = client(app)
    visitor.post("/login/1?remember")
    visitor.delete_cookie("session")

    assert visitor.get("/ame").text == "Ada"


def test_an_async_loader_registered_before_the_application_is_used(client, users):
    manager = LoginManager()

    @manager.user_loader
    async def load_user(user_id):
        return users.get(user_id)

    app = Costrel("shop")
    app.config.update(SECRET_KEY="a key for tests", TESTING=True)
    manager.init_app(app)

    @app.get("/me")
    async def me():
        return current_user.name

    visitor = client(app)
    with visitor.session_transaction() as stored:
        stored["_user_id"] = "1"

    assert visitor.get("/me").text == "Ada"


@pytest.mark.parametrize(("public", "looking"), [("/public", "/me"), ("/apublic", "/ame")])
def test_an_async_loader_that_fails_harms_those_only_who_look(client, app, async_manager, public, looking):
    @async_manager.user_loader
    async def load_user(user_id):
        raise Conflict("the users are out of reach")

    @app.get("/apublic")
    async def apublic():
        return "for all"

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get(public).text == "for all"
    assert visitor.get(looking).status_code == 409


def test_a_guard_tells_the_error_of_an_async_loader(client, app, async_manager):
    calls = []

    @async_manager.user_loader
    async def load_user(user_id):
        calls.append(user_id)
        raise Conflict("the users are out of reach")

    @app.get("/account")
    @login_required
    async def account():
        return "yours"

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/account").status_code == 409
    assert calls == ["1"]


def test_a_session_that_cannot_be_read_harms_those_only_who_look(client, app, async_manager):
    class Gone(SessionMixin, dict):
        def get(self, *key):
            raise ServiceUnavailable

        __bool__ = __contains__ = __getitem__ = get

    class Sessions(SessionInterface):
        opens_late = True

        def open_session(self, app, request):
            return Gone()

        def save_session(self, app, session, response):
            pass

    app.session_interface = Sessions()
    visitor = client(app)
    visitor.set_cookie("session", "some id")

    assert visitor.get("/public").text == "for all"
    assert visitor.get("/me").status_code == 503
    assert visitor.get("/ame").status_code == 503


async def test_a_user_who_was_not_waited_for_is_not_there(app, async_manager):
    with app.test_request_context():
        session["_user_id"] = "1"

        with pytest.raises(ContextError) as caught:
            bool(current_user.name)

        assert "await load_current_user()" in caught.value.hint
        assert (await load_current_user()).name == "Ada"
        assert (await async_manager.load_current_user()).name == "Ada"
        assert current_user.name == "Ada"


def test_a_loader_that_only_returns_something_to_await_is_waited_for(app, manager, users):
    async def find(user_id):
        return users.get(user_id)

    manager.user_loader(lambda user_id: find(user_id))

    with app.test_request_context():
        session["_user_id"] = "1"
        assert current_user.name == "Ada"


def test_a_sync_loader_does_not_stop_the_loop_of_a_guarded_async_view(app, manager, users):
    ran = []

    @manager.user_loader
    def load_user(user_id):
        ran.append((runs_on_loop(), threading.current_thread()))
        return users.get(user_id)

    @app.get("/account")
    @login_required
    async def account():
        ran.append((runs_on_loop(), threading.current_thread()))
        return current_user.name

    visitor = app.test_client(protocol="asgi")
    visitor.post("/login/1")

    assert visitor.get("/account").text == "Ada"
    (in_loader, loader_thread), (in_view, view_thread) = ran
    assert (in_loader, in_view) == (False, True)
    assert loader_thread is not view_thread


# Elsewhere than in the view.


def test_streams_have_a_user(client, app, manager):
    @app.get("/stream")
    def stream():
        return stream_with_context(f"{current_user.name}{number}" for number in range(2))

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/stream").text == "Ada0Ada1"


def test_async_streams_have_a_user(client, app, async_manager):
    @app.get("/stream")
    async def stream():
        @stream_with_context
        async def rows():
            yield current_user.name

        return rows()

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/stream").text == "Ada"


@pytest.mark.parametrize("loader", ["manager", "async_manager"])
def test_threads_with_a_copied_context_have_a_user(client, app, loader, request):
    request.getfixturevalue(loader)

    @app.get("/thread")
    def thread():
        found = []
        work = threading.Thread(target=copy_current_request_context(lambda: found.append(current_user.name)))
        work.start()
        work.join()
        return found[0]

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/thread").text == "Ada"


def test_tasks_with_a_copied_context_can_wait_for_the_user(client, app, async_manager):
    @app.get("/task")
    async def task():
        @copy_current_request_context
        async def work():
            return (await load_current_user()).name

        return await asyncio.create_task(work())

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/task").text == "Ada"


def test_tasks_of_the_request_share_its_user(client, app, async_manager):
    @app.get("/tasks")
    async def tasks():
        async def name():
            await asyncio.sleep(0)
            return current_user.name

        return " ".join(await asyncio.gather(name(), name()))

    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/tasks").text == "Ada Ada"


async def test_many_requests_at_once_have_each_its_own_user(app, async_manager, users):
    @async_manager.user_loader
    async def load_user(user_id):
        await asyncio.sleep(0)
        return users.get(user_id)

    visitors = []
    for user_id in ("1", "2") * 5:
        visitor = app.async_test_client()
        await visitor.post(f"/login/{user_id}")
        visitors.append(visitor)

    answers = await asyncio.gather(*(visitor.get("/ame") for visitor in visitors))

    assert [answer.text for answer in answers] == ["Ada", "Bob"] * 5
