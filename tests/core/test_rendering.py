import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import pass_context, pass_environment, pass_eval_context
from markupsafe import Markup, escape

from costrel.core.rendering import RenderEnvironment, escape_piece

PLAIN = jinja2.Environment(autoescape=True)
OURS = RenderEnvironment(autoescape=True)


class Loud:
    name = "attribute"

    def __getitem__(self, key):
        return f"item {key}"


class LoudDict(dict):
    name = "attribute"


class Callable:
    @pass_context
    def __call__(self, context, value):
        return f"{context['who']} {value}"


@pass_context
def with_context(context, value):
    return f"{context['who']} {value}"


@pass_environment
def with_environment(environment, value):
    return f"{environment.autoescape} {value}"


@pass_eval_context
def with_eval_context(eval_ctx, value):
    return f"{eval_ctx.autoescape} {value}"


def stops():
    raise StopIteration


def values():
    return {
        "who": "<b>",
        "row": {"id": 1, "items": "a key called as a method", "none": None},
        "loud": Loud(),
        "louddict": LoudDict(name="item", other=2),
        "text": "abc",
        "plain": lambda *args, **kwargs: (args, sorted(kwargs.items())),
        "Callable": Callable(),
        "with_context": with_context,
        "with_environment": with_environment,
        "with_eval_context": with_eval_context,
        "stops": stops,
        "kind": dict,
    }


@pytest.mark.parametrize(
    "source",
    [
        "{{ row.id }} {{ row['id'] }} {{ row.none }} {{ row.missing }}|{{ row.missing is defined }}",
        "{{ row.items() | list }} {{ row['items'] }} {{ row.get('id') }} {{ row.keys() | list }}",
        "{{ loud.name }} {{ loud.other }} {{ loud['name'] }}",
        "{{ louddict.name }} {{ louddict.other }} {{ louddict['name'] }}",
        "{{ text.upper() }} {{ text.missing }}",
        "{{ plain(1, 2, a=3) }} {{ plain() }} {{ kind(a=1).a }}",
        "{{ Callable('x') }} {{ with_context('x') }}",
        "{{ with_environment('x') }} {{ with_eval_context('x') }}",
        "{{ stops() }}",
        "{% for i in [1, 2, 3] %}{{ loop.cycle('a', 'b') }}{{ plain(i) }}{{ loop.last }}{% endfor %}",
        "{% macro m(x) %}{{ x }}-{{ varargs }}-{{ who }}{% endmacro %}{{ m('<', 2) }}",
        "{% macro c() %}{{ caller() }}{% endmacro %}{% call c() %}z{{ who }}{% endcall %}",
        "{% for x in [1] %}{% set y = 2 %}{{ with_context(y) }}{% endfor %}",
        "{% set who = 'me' %}{{ with_context(1) }}{{ own }}",
        "{% for r in [row] %}{{ r.id }}{% else %}none{% endfor %}",
    ],
)
def test_templates_print_what_they_print_with_jinja(source):
    own = {"own": "of this template", "who": "hidden by the variable"}

    expected = PLAIN.from_string(source, globals=own).render(values())

    assert OURS.from_string(source, globals=own).render(values()) == expected


@given(
    st.dictionaries(st.sampled_from(["id", "items", "keys", "x", "__len__", "copy"]), st.integers()),
    st.sampled_from(["id", "items", "x", "pop", "__len__", "__class__", "_a"]),
)
def test_reading_a_dict_agrees_with_jinja(row, name):
    ours, theirs = OURS.getattr(row, name), PLAIN.getattr(row, name)

    if isinstance(theirs, jinja2.Undefined):
        assert isinstance(ours, jinja2.Undefined)
        assert ours._undefined_message == theirs._undefined_message
    else:
        assert ours == theirs


class Html:
    def __html__(self):
        return "<i>"


class Text(str):
    __slots__ = ()

    def __html__(self):
        return "<b>own</b>"


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(st.text()))
def test_every_value_is_escaped_as_markupsafe_does(value):
    assert str(escape_piece(value)) == str(escape(value))


@pytest.mark.parametrize(
    "value", [Markup("<b>"), Html(), Text("<"), jinja2.Undefined(), b"<", object, Markup("<")[:1]]
)
def test_values_that_bring_their_own_markup_keep_it(value):
    assert str(escape_piece(value)) == str(escape(value))


@pytest.mark.parametrize(
    "source",
    [
        "{% set x %}{{ '<' }}{{ v }}{% endset %}{{ x }}{{ x ~ v }}",
        "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(v) }}",
        "{% macro c() %}{{ caller() }}{% endmacro %}{% call c() %}{{ v }}{% endcall %}",
        "{% filter upper %}{{ v }}<b>{% endfilter %}",
        "{% block b %}{{ v }}{% endblock %}{{ self.b() }}",
        "{% autoescape false %}{{ v }}{% set y %}{{ v }}{% endset %}{{ y }}{% endautoescape %}",
        "{% autoescape false %}{{ v|e }}{{ v|safe }}{% endautoescape %}{{ v|safe }}",
        "{{ v|e|e }} {{ [v]|join(v) }} {{ v|escape ~ v }} {{ ('<%s>'|safe) % v }}",
        "{{ v|tojson }} {{ v|forceescape }}",
        "{{ v|urlize }} {{ v|xmlattr if v is mapping }} {{ {'a': v}|xmlattr }} {{ v|replace('<', v) }}",
    ],
)
def test_text_is_escaped_exactly_once_wherever_it_goes(source):
    assert OURS.from_string(source).render(v="<'&\">") == PLAIN.from_string(source).render(v="<'&\">")


def test_strict_undefined_names_the_missing_key():
    env = RenderEnvironment(undefined=jinja2.StrictUndefined)

    with pytest.raises(jinja2.UndefinedError, match="'dict object' has no attribute 'nmae'"):
        env.from_string("{{ row.nmae }}").render(row={"name": 1})


def test_rendering_never_changes_globals_or_the_values_given():
    env = RenderEnvironment()
    env.globals["a"] = 1
    template = env.from_string("{% set a = 5 %}{% set b = 6 %}{{ a }}{{ b }}{{ c }}")
    given_values = {"c": 7}

    assert template.render(given_values) == "567"

    assert env.globals["a"] == 1
    assert given_values == {"c": 7}


def test_global_set_after_compiling_is_seen():
    env = RenderEnvironment()
    template = env.from_string("{{ late }}")

    env.globals["late"] = "now"

    assert template.render() == "now"


def test_included_and_imported_templates_see_what_jinja_lets_them_see():
    sources = {
        "page": (
            "{% from 'lib' import m with context %}{% import 'lib' as lib %}"
            "{{ m() }}|{{ lib.m() }}|{% include 'part' %}"
        ),
        "lib": "{% macro m() %}{{ x }}{{ shared }}{% endmacro %}",
        "part": "{{ x }}{{ shared }}",
    }
    rendered = []
    for make in (jinja2.Environment, RenderEnvironment):
        env = make(loader=jinja2.DictLoader(sources))
        env.globals["shared"] = "s"
        rendered.append(env.get_template("page", globals={"own": 1}).render(x="x"))

    assert rendered == ["xs|s|xs"] * 2
