"""JSON is written to the byte as the standard library writes it, and read as it reads."""

import dataclasses
import datetime
import decimal
import enum
import json
import math
import uuid
from collections import OrderedDict, defaultdict, namedtuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from costrel.json import provider as provider_module
from costrel.json.provider import DefaultJSONProvider, JSONProvider

Point = namedtuple("Point", "x y")


class Level(enum.IntEnum):
    LOW = 1


class Name(str, enum.Enum):  # noqa: UP042  # the older form is the one that differs
    ADA = "adé"


class Text(str):
    pass


class Plain(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Cup:
    size: int
    tags: list


class Page:
    def __html__(self):
        return "<p>é</p>"


class App:
    debug = False

    @staticmethod
    def response_class(body, mimetype):
        return (body if isinstance(body, bytes) else body.encode()), mimetype


APP = App()


@pytest.fixture
def provider():
    return DefaultJSONProvider(APP)


text = st.text(
    st.characters(exclude_categories=()) | st.sampled_from('aé\x7f\x00\n"\\☃😀/\u2028\ud800'), max_size=20
)
numbers = (
    st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-1e-3, 1e-3)
    | st.sampled_from([1e-5, 1.5e-5, 1e-6, 1e-9, 1e16, 1e22, 10.00001, -0.0])
)
special = st.sampled_from(
    [
        Level.LOW,
        Name.ADA,
        Text('q"é'),
        Markup("<b>"),
        Point(1, "x"),
        Cup(1, [0.5]),
        Page(),
        OrderedDict(b=1, a=2),
        defaultdict(int, {"é": 1}),
        datetime.date(2026, 11, 21),
        datetime.datetime(2026, 11, 21, 6, 30),
        decimal.Decimal("0.10"),
        uuid.UUID(int=5),
        object(),
        b"bytes",
    ]
)
leaves = st.none() | st.booleans() | numbers | text | special
keys = st.integers() | text | st.none() | st.booleans()
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(text, inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
)


def result_of(function):
    try:
        return function()
    except Exception as error:
        return type(error), str(error)


def standard(obj, provider, **settings):
    return json.dumps(
        obj,
        default=provider.default,
        sort_keys=provider.sort_keys,
        ensure_ascii=provider.ensure_ascii,
        **settings,
    )


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(values, st.booleans(), st.booleans())
def test_text_is_what_the_standard_library_writes(value, sort_keys, ensure_ascii):
    provider = DefaultJSONProvider(APP)
    provider.sort_keys, provider.ensure_ascii = sort_keys, ensure_ascii

    for options in ({}, {"separators": (",", ":")}, {"indent": 2}):
        expected = result_of(lambda: standard(value, provider, **options))
        assert result_of(lambda: provider.dumps(value, **options)) == expected


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(values, st.booleans(), st.booleans(), st.sampled_from([True, False]))
def test_response_is_what_the_standard_library_writes(value, sort_keys, ensure_ascii, compact):
    provider = DefaultJSONProvider(APP)
    provider.sort_keys, provider.ensure_ascii, provider.compact = sort_keys, ensure_ascii, compact
    layout = {"separators": (",", ":")} if compact else {"indent": 2}

    expected = result_of(lambda: ((standard(value, provider, **layout) + "\n").encode(), "application/json"))
    assert result_of(lambda: provider.response(value)) == expected


def test_types_that_json_lacks_are_written_as_flask_writes_them(provider):
    value = [
        datetime.date(2026, 11, 21),
        datetime.datetime(2026, 11, 21, 6, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
        decimal.Decimal("0.10"),
        uuid.UUID(int=5),
        Cup(3, []),
        Page(),
    ]

    assert json.loads(provider.dumps(value)) == [
        "Sat, 21 Nov 2026 00:00:00 GMT",
        "Sat, 21 Nov 2026 05:30:00 GMT",
        "0.10",
        "00000000-0000-0000-0000-000000000005",
        {"size": 3, "tags": []},
        "<p>é</p>",
    ]


def test_enum_member_is_its_value_whichever_engine_writes(provider):
    assert provider.response([Plain.RED])[0] == b'["red"]\n'
    assert provider.response([Plain.RED, 2**70])[0] == b'["red",%d]\n' % 2**70
    assert provider.dumps(Plain.RED) == '"red"'


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_written_as_null(provider, value):
    @dataclasses.dataclass
    class Measured:
        value: float

    for obj, expected in [
        (value, None),
        ({"a": [value, 1.5]}, {"a": [None, 1.5]}),
        (Measured(value), {"value": None}),
        ((value, 2**70), [None, 2**70]),
    ]:
        assert json.loads(provider.dumps(obj)) == expected
        assert json.loads(provider.dumps(obj, indent=1)) == expected
        assert json.loads(provider.response(obj)[0]) == expected


def test_what_is_no_number_is_written_if_asked_for(provider):
    assert provider.dumps(math.nan, allow_nan=True) == "NaN"


def test_circle_is_refused(provider):
    circle = []
    circle.append(circle)

    for write in (provider.dumps, provider.response):
        with pytest.raises(ValueError, match="Circular"):
            write(circle)


def test_value_that_cannot_be_written_is_named_with_a_cure(provider):
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable") as caught:
        provider.response({"a": object()})

    assert "app.json.default" in caught.value.__notes__[0]


def test_settings_hold_from_when_they_are_changed(provider):
    value = {"b": "é", "a": 1}
    assert provider.response(value)[0] == b'{"a":1,"b":"\\u00e9"}\n'

    provider.sort_keys = False
    provider.ensure_ascii = False
    provider.mimetype = "application/vnd.api+json"
    assert provider.response(value) == ('{"b":"é","a":1}\n'.encode(), "application/vnd.api+json")

    provider.compact = False
    assert provider.response(value)[0] == '{\n  "b": "é",\n  "a": 1\n}\n'.encode()
    assert provider.dumps(value) == '{"b": "é", "a": 1}'


def test_settings_of_a_subclass_hold():
    class Unsorted(DefaultJSONProvider):
        sort_keys = False

    assert Unsorted(APP).response({"b": 1, "a": 2})[0] == b'{"b":1,"a":2}\n'


def test_responses_have_lines_in_debug_mode():
    class DebugApp(App):
        debug = True

    app = DebugApp()

    assert DefaultJSONProvider(app).response([1, {}])[0] == b"[\n  1,\n  {}\n]\n"


def test_default_of_ones_own_is_asked_about_every_unknown_type(provider):
    def default(o):
        if isinstance(o, Plain):
            return f"<{o.name}>"
        if isinstance(o, uuid.UUID):
            return o.hex
        return DefaultJSONProvider.default(o)

    provider.default = default
    value = [Plain.RED, uuid.UUID(int=1), decimal.Decimal(1)]

    assert json.loads(provider.dumps(value)) == ["<RED>", uuid.UUID(int=1).hex, "1"]
    assert json.loads(provider.response(value)[0]) == ["<RED>", uuid.UUID(int=1).hex, "1"]


def test_dumps_of_ones_own_writes_responses_too(provider):
    class Custom(DefaultJSONProvider):
        def dumps(self, obj, **kwargs):
            return f"custom {kwargs}"

    assert Custom(APP).response(1)[0] == b"custom {'separators': (',', ':')}\n"

    provider.dumps = lambda obj, **kwargs: "patched"
    assert provider.response(1)[0] == b"patched\n"


def test_response_takes_a_value_or_several_or_names(provider):
    assert provider.response()[0] == b"null\n"
    assert provider.response(None)[0] == b"null\n"
    assert provider.response(1, 2)[0] == b"[1,2]\n"
    assert provider.response(a=1)[0] == b'{"a":1}\n'
    with pytest.raises(TypeError, match="takes either args or kwargs, not both"):
        provider.response(1, a=2)


def test_minimal_provider_needs_only_two_methods():
    class Minimal(JSONProvider):
        def dumps(self, obj, **kwargs):
            return repr(obj)

    assert Minimal(APP).response([1]) == (b"[1]", "application/json")
    for method in (JSONProvider(APP).dumps, JSONProvider(APP).loads):
        with pytest.raises(NotImplementedError):
            method("")


def test_extensions_find_the_default_function():
    assert provider_module._default is DefaultJSONProvider.default


tokens = st.sampled_from(
    [
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        " ",
        '"a"',
        "true",
        "null",
        "-",
        "1.5",
        "1e5",
        "-0",
        '"\\ud800"',
        "\x01",
        "tru",
    ]
)
digits = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
documents = st.lists(tokens | digits | text.map(json.dumps), max_size=8).map("".join) | values.map(
    lambda value: json.dumps(value, default=str, skipkeys=True)
)


def finite(text):
    value = float(text)
    if math.isinf(value):
        raise ValueError

    return value


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(documents, st.sampled_from([None, "utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"]))
def test_text_is_read_as_the_standard_library_reads_it(document, encoding):
    provider = DefaultJSONProvider(APP)
    source = document if encoding is None else document.encode(encoding, "surrogatepass")

    expected = result_of(lambda: repr(json.loads(source, parse_float=finite)))
    assert expected == result_of(lambda: repr(provider.loads(source))) or expected[0] is ValueError


@pytest.mark.parametrize("count", [17, 18, 19, 20, 21, 400])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("before", range(7))
def test_integers_keep_all_their_digits(provider, count, sign, before):
    number = sign + "9" * count
    document = " " * before + f'{{"n": [{number}]}}'

    assert provider.loads(document) == provider.loads(document.encode()) == {"n": [int(number)]}


@pytest.mark.parametrize("document", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[-1e999]"])
def test_what_is_no_number_is_not_read(provider, document):
    with pytest.raises(json.JSONDecodeError):
        provider.loads(document)


@pytest.mark.parametrize("begin", ["[", '{"a":', "[99999999999999999999,["])
def test_deep_nesting_is_an_ordinary_error(provider, begin):
    with pytest.raises(json.JSONDecodeError, match=r"nested too deeply|Expecting"):
        provider.loads(begin * 100_000)


def test_arguments_of_the_standard_library_are_passed_on(provider):
    assert provider.loads("1.50", parse_float=decimal.Decimal) == decimal.Decimal("1.50")
    assert provider.loads('{"a": 1}', object_hook=lambda value: list(value)) == ["a"]
    assert provider.loads("NaN", parse_constant=str) == "NaN"


def test_wrong_type_is_a_typeerror(provider):
    with pytest.raises(TypeError, match="must be str, bytes"):
        provider.loads(5)
