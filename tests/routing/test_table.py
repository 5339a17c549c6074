"""What the table answers, what it leaves to Werkzeug, and that it never goes stale."""

from __future__ import annotations

import threading
import uuid

import pytest
from werkzeug import routing as werkzeug_routing
from werkzeug.routing import BaseConverter, UnicodeConverter

from costrel.routing import Map, Rule, decode_path

ID = "12345678-1234-5678-1234-56781234567a"


def make(*texts, **options):
    return Map([Rule(text, endpoint=text, methods=["GET"]) for text in texts], **options)


def answer(urls, path, method="GET"):
    found = urls.table.match(method, path)
    return found and (found[0].endpoint, found[1])


class ListConverter(BaseConverter):
    regex = r"\w+(?:,\w+)*"

    def to_python(self, value):
        return value.split(",")


class TestAnswers:
    """Usual routes are answered without Werkzeug."""

    @pytest.mark.parametrize(
        ("text", "path", "args"),
        [
            ("/", "/", {}),
            ("/about/team", "/about/team", {}),
            ("/folder/", "/folder/", {}),
            ("/u/<name>", "/u/é b", {"name": "é b"}),
            ("/u/<string(length=2):lang>/", "/u/de/", {"lang": "de"}),
            ("/u/<int:id>/posts/<slug>", "/u/042/posts/x", {"id": 42, "slug": "x"}),
            ("/u/<int(min=3, max=5):n>", "/u/5", {"n": 5}),
            ("/u/<int(fixed_digits=3):n>", "/u/005", {"n": 5}),
            ("/u/<int(signed=True):n>", "/u/-5", {"n": -5}),
            ("/u/<float:x>", "/u/1.50", {"x": 1.5}),
            ("/u/<any(a, b):x>", "/u/b", {"x": "b"}),
            ("/u/<uuid:x>", f"/u/{ID}", {"x": uuid.UUID(ID)}),
            ("/static/<path:file>", "/static/css/a.css", {"file": "css/a.css"}),
            ("/static/<path:file>", "/static/a//b/", {"file": "a//b/"}),
            ("/wiki/<path:page>/edit", "/wiki/a/b/edit", {"page": "a/b"}),
            ("/file-<name>.<ext>", "/file-a.b.c", {"name": "a.b", "ext": "c"}),
            ("/tags/<list:tags>/x", "/tags/a,b/x", {"tags": ["a", "b"]}),
        ],
    )
    def test_usual_rule_is_answered_with_its_arguments(self, text, path, args):
        urls = make(text, converters={"list": ListConverter})

        assert answer(urls, path) == (text, args)

    def test_static_segment_wins_over_a_variable_and_a_dead_end_is_left_again(self):
        urls = make("/u/<name>", "/u/me", "/u/me/x", "/u/<name>/y")

        assert answer(urls, "/u/me") == ("/u/me", {})
        assert answer(urls, "/u/you") == ("/u/<name>", {"name": "you"})
        assert answer(urls, "/u/me/y") == ("/u/<name>/y", {"name": "me"})

    def test_number_wins_over_a_string_wherever_it_was_added(self):
        urls = make("/u/<name>", "/u/<int:id>", "/u/<path:rest>")

        assert answer(urls, "/u/7") == ("/u/<int:id>", {"id": 7})
        assert answer(urls, "/u/x") == ("/u/<name>", {"name": "x"})
        assert answer(urls, "/u/x/y") == ("/u/<path:rest>", {"rest": "x/y"})

    def test_each_method_has_its_own_rule(self):
        urls = Map([Rule("/x", endpoint=name, methods=[name]) for name in ("GET", "POST")])
        urls.add(Rule("/<any>", endpoint="any"))

        assert answer(urls, "/x", "POST") == ("POST", {})
        assert answer(urls, "/x", "HEAD") == ("GET", {})
        assert answer(urls, "/x", "DELETE") == ("any", {"any": "x"})

    def test_defaults_are_arguments(self):
        urls = Map(
            [Rule("/new", endpoint="x", defaults={"page": 1}), Rule("/<a>", endpoint="x", defaults={"b": 2})]
        )

        assert answer(urls, "/new") == ("x", {"page": 1})
        assert answer(urls, "/old") == ("x", {"a": "old", "b": 2})

    def test_arguments_are_the_callers_to_change(self):
        urls = make("/x", "/u/<name>")
        for path in ("/x", "/u/a"):
            first = urls.table.match("GET", path)[1]
            first["more"] = 1

            assert "more" not in urls.table.match("GET", path)[1]


class TestLeavesToWerkzeug:
    """None means: ask Werkzeug."""

    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ("/folder/", "/folder"),
            ("/leaf", "/leaf/"),
            ("/a/b", "/a//b"),
            ("/a", "//a"),
            ("/a", "a"),
            ("/", ""),
            ("/u/<int:id>", "/u/x"),
            ("/u/<int:id>", "/u/²"),
            ("/u/<int(max=5):id>", "/u/6"),
            ("/u/<int:id>", "/u/" + "9" * 5_000),
            ("/static/<path:file>", "/static//a"),
            ("/static/<path:file>", "/static/"),
        ],
    )
    def test_redirect_or_missing_path_is_left_to_werkzeug(self, text, path):
        assert answer(make(text), path) is None

    @pytest.mark.parametrize(
        "options",
        [
            {"websocket": True},
            {"redirect_to": "y"},
            {"alias": True},
            {"build_only": True},
            {"subdomain": "api"},
        ],
    )
    def test_rule_with_an_unusual_option_is_left_to_werkzeug(self, options):
        urls = Map([Rule("/x", endpoint="x", **options)])

        assert answer(urls, "/x") is None

    def test_rule_that_redirects_to_its_defaults_is_answered_for_other_values(self):
        urls = Map(
            [Rule("/all/", endpoint="all", defaults={"page": 1}), Rule("/all/<int:page>", endpoint="all")]
        )

        assert answer(urls, "/all/1") is None
        assert answer(urls, "/all/2") == ("all", {"page": 2})

    def test_method_nobody_named_grows_no_tree(self):
        urls = make("/x")

        assert answer(urls, "/x", "BREW") is None
        assert answer(urls, "/x", "get") is None

    def test_error_of_a_converter_is_left_to_werkzeug(self):
        class Failing(UnicodeConverter):
            def to_python(self, value):
                raise RuntimeError(value)

        assert answer(make("/<failing:x>", converters={"failing": Failing}), "/a") is None

    def test_expression_that_cannot_be_compiled_fails_where_it_fails_in_werkzeug(self):
        class Broken(BaseConverter):
            regex = "[a"

        urls = make("/<name>/b", converters={"broken": Broken})
        urls.add(Rule("/a/<broken:x>", endpoint="broken", methods=["POST"]))

        assert answer(urls, "/a/b") is None
        assert answer(urls, "/c/b") == ("/<name>/b", {"name": "c"})

    @pytest.mark.parametrize("options", [{"host_matching": True}, {"default_subdomain": "www"}])
    def test_hosts_are_left_to_werkzeug(self, options):
        urls = Map([Rule("/x", endpoint="x", host="a.test", subdomain="api")], **options)

        assert urls.table.needs_host
        assert answer(urls, "/x") is None
        assert not urls.table.lacks("/y")

    def test_default_subdomain_needs_no_host(self):
        urls = make("/x", default_subdomain="www")

        assert not urls.table.needs_host
        assert answer(urls, "/x") == ("/x", {})


class TestLacks:
    """A plain 404 is known without asking Werkzeug."""

    def test_path_without_any_rule_is_lacking(self):
        urls = make("/x", "/u/<int:id>")

        assert urls.table.lacks("/y")
        assert urls.table.lacks("/u/x")

    @pytest.mark.parametrize("path", ["/x", "/folder", "//y", "/a//y", "", "y", "/post"])
    def test_path_that_may_be_something_else_than_404_is_not_lacking(self, path):
        urls = make("/x", "/folder/")
        urls.add(Rule("/post", endpoint="post", methods=["POST"]))

        assert not urls.table.lacks(path)


class TestAllowed:
    """A plain 405 is known without asking Werkzeug, with the methods that there are."""

    def test_path_whose_rules_take_other_methods_names_them(self):
        urls = make("/x", "/u/<int:id>")
        urls.add(Rule("/x", endpoint="post", methods=["POST"]))

        assert sorted(urls.table.allowed("DELETE", "/x")) == ["GET", "HEAD", "POST"]
        assert sorted(urls.table.allowed("--", "/u/1")) == ["GET", "HEAD"]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/x"),
            ("delete", "/x"),
            ("POST", "/y"),
            ("POST", "/folder"),
            ("POST", "//x"),
            ("POST", "/socket"),
            ("GET", "/u/0"),  # the converter refuses it
        ],
    )
    def test_what_may_be_something_else_than_405_is_left_to_werkzeug(self, method, path):
        urls = make("/x", "/folder/", "/u/<int(min=1):id>")
        urls.add(Rule("/socket", endpoint="socket", websocket=True))

        assert urls.table.allowed(method, path) is None

    def test_rule_for_all_methods_takes_unknown_ones_too(self):
        urls = make("/x")
        urls.add(Rule("/<name>", endpoint="any"))

        assert urls.table.allowed("FOO", "/x") is None

    def test_hosts_are_left_to_werkzeug(self):
        urls = Map([Rule("/x", endpoint="x", host="a.test", methods=["GET"])], host_matching=True)

        assert urls.table.allowed("POST", "/x") is None


class TestChanges:
    """Whatever changes after the first answer takes effect at once."""

    def test_added_rule_is_answered(self):
        urls = make("/x")
        assert answer(urls, "/y") is None

        urls.add(werkzeug_routing.Rule("/y", endpoint="y"))

        assert answer(urls, "/y") == ("y", {})

    @pytest.mark.parametrize(
        ("name", "value", "after"),
        [("methods", {"POST"}, None), ("redirect_to", "z", None), ("defaults", {"a": 1}, ("/x", {"a": 1}))],
    )
    def test_changed_rule_is_noticed(self, name, value, after):
        urls = make("/x")
        assert answer(urls, "/x") == ("/x", {})

        setattr(next(urls.iter_rules()), name, value)

        assert answer(urls, "/x") == after

    def test_rule_without_strict_slashes_from_now_on_takes_both_paths(self):
        urls = make("/folder/")
        assert answer(urls, "/folder") is None

        next(urls.iter_rules()).strict_slashes = False

        assert answer(urls, "/folder") == ("/folder/", {})

    def test_host_matching_turned_on_later_is_noticed(self):
        urls = make("/x")
        assert answer(urls, "/x") is not None

        urls.host_matching = True

        assert answer(urls, "/x") is None

    def test_alias_redirects_only_as_long_as_the_map_redirects(self):
        urls = Map([Rule("/x", endpoint="x", alias=True)], redirect_defaults=False)
        assert answer(urls, "/x") == ("x", {})

        urls.redirect_defaults = True

        assert answer(urls, "/x") is None

    def test_rules_added_by_one_thread_are_answered_in_all(self):
        urls = make("/0")
        missing = []

        def ask():
            missing.extend(n for n in range(60) if added[n].wait(10) and answer(urls, f"/{n}") is None)

        added = [threading.Event() for _ in range(60)]
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(60):
            if number:
                urls.add(Rule(f"/{number}", endpoint=number))
            added[number].set()
        for thread in threads:
            thread.join()

        assert missing == []


@pytest.mark.parametrize("raw", ["/plain", "/caf\xc3\xa9", "/\xff\xfe", "", "//x"])
def test_path_is_decoded_as_werkzeug_decodes_it(raw):
    environ = {"PATH_INFO": raw, "REQUEST_METHOD": "GET", "wsgi.url_scheme": "http"}
    environ.update(SERVER_NAME="x", SERVER_PORT="80")

    assert decode_path(environ) == Map().bind_to_environ(environ).path_info


def test_path_of_an_environ_without_one_is_the_root():
    assert decode_path({}) == "/"
