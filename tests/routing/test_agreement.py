"""Random maps, paths and values: whatever table and builder answer, Werkzeug answers the same.

In one file, because both laws need the same long list of odd rules.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, ValidationError

from costrel.routing import Map, Rule

# CI runs few; COSTREL_EXAMPLES=20000 is for after a change of the table.
thorough = settings(
    max_examples=int(os.environ.get("COSTREL_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class EvenConverter(BaseConverter):
    """Refuses half of what its expression takes."""

    regex = r"\d+"
    weight = 60

    def to_python(self, value: str) -> int:
        if int(value) % 2:
            raise ValidationError
        return int(value)

    def to_url(self, value: int) -> str:
        if value % 2:
            raise ValidationError
        return str(value)


class MaybeConverter(BaseConverter):
    """Takes also nothing at all."""

    regex = "[ab]*"


class WideConverter(BaseConverter):
    """Takes slashes, as some converters of applications do."""

    regex = "[a-c/]+?"


class FailingConverter(BaseConverter):
    """Fails with an error of its own."""

    weight = 150

    def to_python(self, value: str) -> str:
        raise RuntimeError(value)


class BrokenConverter(BaseConverter):
    """Has an expression that cannot be compiled, which Werkzeug finds out in a request."""

    regex = "[a"
    weight = 250


class TrickyConverter(BaseConverter):
    """Has an expression that ends the group it is put in."""

    regex = "a)|(?:b"


CONVERTERS = {
    "broken": BrokenConverter,
    "even": EvenConverter,
    "failing": FailingConverter,
    "maybe": MaybeConverter,
    "tricky": TrickyConverter,
    "wide": WideConverter,
}
UUID = "12345678-1234-5678-1234-56781234567a"
METHODS = ["GET", "POST", "OPTIONS"]

_texts = st.sampled_from(["a", "b", "12", "é", "a b", ".", "a.b", "*"])
_common = ["", "", "", "int:", "int:", "path:", "string:"]
_rare = ["int(fixed_digits=2):", "int(min=2, max=12):", "int(signed=True):", "float:", "uuid:"]
_rare += ["float(signed=True, max=3):", "any(a, b, 'a b'):", "string(length=2):", "string(minlength=0):"]
_rare += ["string(minlength=2, maxlength=3):", "even:", "maybe:", "wide:", "failing:", "broken:", "tricky:"]
_kinds = st.sampled_from(_common * 2 + _rare)
_odd_values = ["", ".", "..", "*", "/", "a/b", "a//b", "a\nb", "\n", "12\n", "%2F", "²", "٣", "9" * 5000]
_usual_values = [
    "a",
    "b",
    "ab",
    "abc",
    "A",
    "é",
    "a b",
    "a.b",
    "f-a.b",
    "a-b",
    "1",
    "2",
    "12",
    "007",
    "-3",
    "1.5",
]
_values = st.sampled_from([*_usual_values, UUID, UUID.upper(), *_odd_values])


@st.composite
def segments(draw: st.DrawFn, at: int) -> str:
    """One segment of a rule; the same names at the same place, so that rules share parts."""
    shape = draw(st.integers(0, 9))
    name = draw(st.sampled_from([f"v{at}", f"w{at}"]))
    if shape < 4:
        return draw(_texts)
    if shape < 9:
        return f"<{draw(_kinds)}{name}>"

    return draw(
        st.sampled_from(["f-<{0}>.<{0}x>", "<int:{0}>-<{0}x>", "f-<{0}>", "<path:{0}>.x", ""])
    ).format(name)


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    """The text of a rule: none to four segments, maybe a slash at the end, rarely two slashes."""
    parts = [draw(segments(at)) for at in range(draw(st.integers(0, 4)))]
    text = "/" + "/".join(parts)
    end = draw(st.sampled_from(["", "", "", "/", "/", "//"]))

    return text if text.endswith("/") and end == "/" else text + end


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule; one in four has an option that is not usual."""
    options: dict[str, Any] = {"endpoint": draw(st.sampled_from(["e0", "e1", "e2", "e3"]))}
    options["methods"] = draw(
        st.sampled_from([None, ["GET"], ["GET"], ["POST"], ["GET", "POST"], ["OPTIONS"]])
    )
    odd = draw(st.integers(0, 15))
    if odd < 2:
        options["defaults"] = draw(
            st.sampled_from([{"v0": 1}, {"v1": "a"}, {"z": 0}, {"v0": "a", "v1": "b"}])
        )
    elif odd == 2:
        options[draw(st.sampled_from(["alias", "build_only"]))] = True
    elif odd == 3:
        options.update(websocket=True, methods=draw(st.sampled_from([None, ["GET"]])))
    elif odd == 4:
        options["redirect_to"] = "elsewhere"
    options["strict_slashes"] = draw(st.sampled_from([None, None, True, False]))
    options["merge_slashes"] = draw(st.sampled_from([None, None, True, False]))

    return Rule(draw(rule_texts()), **options)


@st.composite
def maps(draw: st.DrawFn) -> Map:
    """A map of up to eight rules."""
    made = draw(st.lists(rules(), max_size=8))
    domain = draw(st.sampled_from(["", "", "", "www"]))
    if draw(st.integers(0, 19)) == 0 and made:
        made[0].subdomain = draw(st.sampled_from(["other", "<sub>"]))

    urls = Map(
        default_subdomain=domain,
        converters=CONVERTERS,
        strict_slashes=draw(st.booleans()),
        merge_slashes=draw(st.booleans()),
        redirect_defaults=draw(st.booleans()),
        sort_parameters=draw(st.booleans()),
    )
    for rule in made:
        with contextlib.suppress(ValueError, TypeError):  # a default that its converter cannot write
            urls.add(rule)

    return urls


@st.composite
def paths(draw: st.DrawFn, urls: Map) -> str:
    """A path: near one of the rules as a rule, or at random."""
    texts = [rule.rule for rule in urls.iter_rules()]
    if not texts or draw(st.integers(0, 5)) == 0:
        return "/" + "/".join(draw(st.lists(_values, max_size=4)))

    filled = []
    for part in draw(st.sampled_from(texts)).split("/"):
        while "<" in part:
            before, _, rest = part.partition("<")
            part = before + draw(_values) + rest.partition(">")[2]
        filled.append(part if draw(st.integers(0, 15)) else draw(_values))

    path = "/".join(filled)
    change = draw(st.sampled_from(["", "", "", "more", "less", "double", "lead", "bare", "merge"]))
    changed = {
        "more": path + "/",
        "less": path[:-1],
        "double": path.replace("/", "//", 2),
        "lead": "/" + path,
    }
    changed.update(bare=path[1:], merge=path.replace("//", "/"))

    return changed.get(change, path)


def ask(function, *args: Any, **options: Any) -> Any:
    """Call Werkzeug; an exception is an answer too."""
    try:
        return function(*args, **options)
    except Exception as error:
        return error


def adapter_of(urls: Map):
    return urls.bind("example.test", "/root", subdomain=urls.default_subdomain)


def exact(args: dict[str, Any]) -> list[tuple[str, type, Any]]:
    return [(name, type(value), value) for name, value in args.items()]


@thorough
@given(st.data(), maps(), st.sampled_from([*METHODS, "HEAD", "PUT", "get", ""]))
def test_table_answers_as_werkzeug_or_not_at_all(data, urls, method):
    for path in data.draw(st.lists(paths(urls), min_size=1, max_size=6)):
        expected = ask(adapter_of(urls).match, path, method or "GET", return_rule=True)

        found = urls.table.match(method or "GET", path)
        lacks = urls.table.lacks(path)

        if found is not None:
            assert isinstance(expected, tuple), (path, found, expected)
            assert found[0] is expected[0], (path, found, expected)
            assert exact(found[1]) == exact(expected[1]), (path, found, expected)
        if lacks:
            assert type(expected) is NotFound, (path, expected)


@thorough
@given(st.data(), maps(), st.sampled_from([*METHODS, "HEAD", "PUT", "get", "--"]))
def test_table_refuses_methods_as_werkzeug_or_not_at_all(data, urls, method):
    for path in data.draw(st.lists(paths(urls), min_size=1, max_size=6)):
        expected = ask(adapter_of(urls).match, path, method, return_rule=True)

        allowed = urls.table.allowed(method, path)

        if allowed is not None:
            assert type(expected) is MethodNotAllowed, (path, allowed, expected)
            assert sorted(allowed) == sorted(expected.valid_methods), (path, allowed, expected)


@thorough
@given(st.data(), maps())
def test_table_and_werkzeug_agree_after_every_added_rule(data, urls):
    grown = Map(converters=urls.converters)
    for rule in urls.iter_rules():
        grown.add(rule.empty())
        path = data.draw(paths(urls))
        expected = ask(adapter_of(grown).match, path, "GET", return_rule=True)

        found = grown.table.match("GET", path)

        assert found is None or isinstance(expected, tuple), (path, found, expected)
        assert found is None or (found[0] is expected[0] and found[1] == expected[1])


class Loud(str):
    """A string of another class, as Markup is."""


class Own:
    """A value with a text."""

    def __str__(self) -> str:
        return "o/w n"


_scalars = st.one_of(
    st.sampled_from(
        ["a", "b", "", "/", "//x", "x y", "a+b&c=d", "é", "٣", "%2F", "?#", "~.-_", UUID, "\ud800"]
    ),
    st.text(max_size=4),
    st.integers(-20, 20),
    st.sampled_from([None, True, 1.5, 2.0, b"\xff a", Loud("l d"), Own(), 10**5000, float("nan")]),
)
_arguments = st.one_of(_scalars, st.lists(_scalars, max_size=3), st.tuples(_scalars), st.just({"one"}))
_names = st.sampled_from(
    ["v0", "v1", "v2", "w0", "w1", "v0x", "q", "page_size", "é", "a b", "_x", "self", "z"]
)


@thorough
@given(
    st.data(),
    maps(),
    st.sampled_from(["e0", "e1", "e2", "e9"]),
    st.dictionaries(_names, _arguments, max_size=4),
    st.sampled_from([None, None, *METHODS]),
)
def test_builder_builds_as_werkzeug_or_not_at_all(data, urls, endpoint, values, method):
    for rule in urls.iter_rules():
        if rule.endpoint == endpoint and data.draw(st.integers(0, 7)):
            values.update({name: data.draw(_arguments) for name in sorted(rule.arguments)})
    expected = ask(adapter_of(urls).build, endpoint, dict(values), method)

    built = urls.urls.build(endpoint, values, method)

    assert built is None or "/root" + built == expected
