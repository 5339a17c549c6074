"""Every extension has the one shape; a new package in ``costrel.ext`` is found and held to it.

What a package cannot be set up without stands in ``SETTINGS`` and ``BEFORE``; there is nothing else to add.
"""

from __future__ import annotations

import ast
import gc
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import costrel.ext
from costrel import Costrel
from costrel.errors import ConfigError, CostrelError
from costrel.extension import Extension, Option, Options

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
NAMES = sorted(module.name for module in pkgutil.iter_modules(costrel.ext.__path__))
SETTINGS = {"SECRET_KEY": "d2b1f0a8c96e47f3a5b4c3d2e1f00918", "SQLALCHEMY_DATABASE_URI": "sqlite://"}
BEFORE = {"migrate": ["sqlalchemy"]}
"""What must be set up first where it is not always so, and ``requires`` does not say it."""
MAX_CALLS = 6
"""Calls that a registered extension may add to a request that does not use it: about 0.5 µs."""
CORE_LIBRARIES = ("blinker", "click", "costrel", "itsdangerous", "jinja2", "markupsafe", "orjson", "werkzeug")

each = pytest.mark.parametrize("name", NAMES)


def package_of(name):
    return importlib.import_module(f"costrel.ext.{name}")


def class_of(name):
    """Return the extension class that a package exports; there must be exactly one of its name."""
    package = package_of(name)
    exported = [getattr(package, public) for public in package.__all__]
    found = [
        kind
        for kind in exported
        if isinstance(kind, type) and issubclass(kind, Extension) and getattr(kind, "name", None) == name
    ]
    assert len(found) == 1, (
        f"costrel.ext.{name} must export one subclass of Extension with name = {name!r}, found {found}"
    )

    return found[0]


def options_of(name):
    return class_of(name).options_class.all_options()


def make_app(name="shop", **settings):
    app = Costrel(name)
    app.config.update(TESTING=True, **SETTINGS)
    app.config.update(settings)
    return app


def set_up(name, app, *, by_constructor=True, instance=None):
    """Set up an extension on an application, and what it needs before."""
    kind = class_of(name)
    for before in (*kind.requires, *BEFORE.get(name, ())):
        if before not in app.extensions:
            set_up(before, app)
    if instance is not None:
        instance.init_app(app)
    elif by_constructor:
        instance = kind(app)
    else:
        instance = kind()
        instance.init_app(app)

    return instance


def run(code):
    """Run code in a fresh interpreter that finds what this one finds."""
    code = f"import sys; sys.path[:] = {sys.path!r}\n{code}"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )


def files_of(name):
    return sorted((SOURCE / "costrel" / "ext" / name).rglob("*.py"))


def test_there_are_extensions():
    assert "sqlite" in NAMES


# What it says of itself.


@each
def test_it_is_a_package_whose_docstring_has_an_example(name):
    package = package_of(name)

    assert hasattr(package, "__path__"), f"costrel.ext.{name} must be a folder with an __init__.py"
    assert ">>> " in (package.__doc__ or ""), (
        "the docstring of __init__.py lacks the shortest working example"
    )


@each
def test_its_public_names_are_there_and_public(name):
    package = package_of(name)

    assert len(set(package.__all__)) == len(package.__all__)
    assert not [public for public in package.__all__ if public.startswith("_")]
    assert not [public for public in package.__all__ if not hasattr(package, public)]


@each
def test_every_public_class_and_function_has_a_docstring(name):
    package = package_of(name)
    silent = []
    for public in package.__all__:
        value = getattr(package, public)
        if (inspect.isclass(value) or inspect.isfunction(value)) and not value.__doc__:
            silent.append(public)
        if inspect.isclass(value) and value.__module__.startswith(f"costrel.ext.{name}"):
            silent += [
                f"{public}.{method}"
                for method, function in vars(value).items()
                if not method.startswith("_")
                and inspect.isfunction(function)
                and not inspect.getdoc(function)
            ]

    assert not silent, "without a docstring"


@each
def test_every_file_says_what_it_is_for(name):
    silent = []
    for path in files_of(name):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        doc = (ast.get_docstring(tree) or "").partition("\n")[0]
        if not doc.endswith(".") and tree.body:
            silent.append(f"{path.relative_to(SOURCE)}: {doc!r}")

    assert not silent, "the first line of a file must be a sentence about it"


@each
def test_no_file_is_too_long(name):
    long = {
        str(path.relative_to(SOURCE)): lines
        for path in files_of(name)
        if (lines := path.read_text(encoding="utf-8").count("\n")) > 350
    }

    assert not long, "a file has at most 350 lines"


# Options.


@each
def test_options_have_key_meaning_and_default(name):
    kind = class_of(name)
    problems = []
    for option in options_of(name):
        doc = (option.__doc__ or "").strip()
        if not doc.endswith("."):
            problems.append(f"{option.name}: its meaning is no sentence: {doc!r}")
        if not option.key.isupper():
            problems.append(f"{option.name}: its key is not in upper case: {option.key!r}")

    keys = [option.key for option in options_of(name)]
    assert not problems
    assert len(set(keys)) == len(keys), "two options with one key"
    assert kind.options_class is Options or issubclass(kind.options_class, Options)
    assert all(isinstance(option, Option) for option in options_of(name))


@each
def test_unknown_key_is_refused_with_the_nearest(name):
    prefix = class_of(name).options_class.prefix
    keys = [option.key for option in options_of(name) if prefix and option.key.startswith(prefix)]
    if not keys:
        return  # one without options, or whose keys have no common beginning

    known = {*keys, *class_of(name).options_class.also_known}
    key = max(keys, key=len)
    wrong = next(wrong for wrong in (f"{key}S", f"{key}X", f"{key}Q") if wrong not in known)
    app = make_app(**{wrong: 1})

    with pytest.raises(ConfigError) as caught:
        set_up(name, app)
    assert wrong in caught.value.problem
    assert f"Did you mean {key}?" in caught.value.hint


@each
def test_unknown_argument_is_refused(name):
    with pytest.raises((CostrelError, TypeError)):
        class_of(name)(no_such_option_at_all=1).init_app(make_app())


@each
def test_options_are_listed_with_where_they_come_from(name):
    app = make_app()
    set_up(name, app)

    listed = app.extension_setups[name].options.listed()

    assert [option.key for option in listed] == [option.key for option in options_of(name)]
    assert {option.problem for option in listed} <= {""}


# Setup.


@each
@pytest.mark.parametrize("by_constructor", [True, False])
def test_it_is_set_up_by_its_constructor_and_by_init_app(name, by_constructor):
    app = make_app()

    instance = set_up(name, app, by_constructor=by_constructor)

    assert name in app.extensions
    assert app.extension_setups[name].extension is instance


@each
def test_second_setup_is_refused(name):
    app = make_app()
    set_up(name, app)

    with pytest.raises((CostrelError, RuntimeError), match="already been registered"):
        set_up(name, app)


@each
def test_one_instance_serves_two_applications(name):
    first, second = make_app("first"), make_app("second")

    instance = set_up(name, first)
    set_up(name, second, instance=instance)

    assert name in first.extensions
    assert name in second.extensions
    assert instance.options_of(first) is not instance.options_of(second)


@each
def test_it_works_registered_but_unused(name, client):
    app = make_app()
    set_up(name, app)
    app.add_url_rule("/sync", "sync", lambda: "sync")
    app.add_url_rule("/page", "page", lambda: app.jinja_env.from_string("page").render())

    async def later():
        return "async"

    app.add_url_rule("/async", "async", later)
    browser = client(app)

    assert [browser.get(path).text for path in ("/sync", "/async", "/page")] == ["sync", "async", "page"]
    assert browser.get("/missing").status_code == 404


def calls_of_a_request(app):
    """Count the calls that one request makes, of Python's functions and of built-in ones."""
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
    }

    def answer():
        return b"".join(app(dict(environ), lambda status, headers, exc_info=None: None))

    for _ in range(3):  # what is made once is made
        assert answer() == b"hello"
    counted = 0

    def count(frame, event, argument):
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    gc.disable()  # what the garbage collector calls is not the request's
    sys.setprofile(count)
    try:
        answer()
    finally:
        sys.setprofile(before)
        gc.enable()

    return counted


@each
def test_who_does_not_use_it_pays_next_to_nothing(name):
    plain, extended = make_app(), make_app()
    set_up(name, extended)
    for app in (plain, extended):
        app.add_url_rule("/", "index", lambda: "hello")

    more = calls_of_a_request(extended) - calls_of_a_request(plain)

    assert more <= MAX_CALLS, f"{more} calls more for each request"


# What it imports.


@each
def test_it_imports_public_names_only(name):
    private = []
    for path in files_of(name):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module, names = node.module or "", [alias.name for alias in node.names]
            elif isinstance(node, ast.Import):
                module, names = node.names[0].name, []
            else:
                continue
            if module.partition(".")[0] != "costrel" or module.startswith(f"costrel.ext.{name}"):
                continue
            parts = [*module.split("."), *names]
            is_inside_of_another = module.startswith("costrel.ext.") and module.count(".") > 2
            if module.startswith("costrel.core") or is_inside_of_another or any(p[:1] == "_" for p in parts):
                private.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {module} {', '.join(names)}")

    assert not private


def test_no_extension_is_loaded_by_the_framework():
    done = run("import costrel, json; print(json.dumps([m for m in sys.modules if 'costrel.ext' in m]))")

    assert json.loads(done.stdout) == [], done.stderr


BLOCK = """
import importlib, importlib.abc
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in {allowed!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
from costrel.extension import MissingLibraryError
try:
    importlib.import_module("costrel.ext.{name}")
except MissingLibraryError as error:
    print(error.hint)
else:
    print("loaded")
"""


@each
def test_without_its_library_it_names_its_extra(name):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    done = run(BLOCK.format(allowed=CORE_LIBRARIES, name=name))

    assert name in extras, "pyproject.toml has no extra of that name"
    assert done.returncode == 0, done.stderr
    told = done.stdout.strip()
    assert told in ("loaded", f"Install it with: pip install 'costrel[{name}]'")
    assert told == "loaded" or extras[name], f"the extra {name!r} installs nothing"


# Documentation.


@each
def test_its_reference_page_lists_every_option(name):
    page = ROOT / "docs" / "reference" / f"ext-{name}.md"
    assert page.exists(), f"docs/reference/{page.name} is missing"

    text = page.read_text(encoding="utf-8")
    missing = [option.key for option in options_of(name) if f"`{option.key}`" not in text]

    assert not missing, f"{page.name} does not list"
    assert class_of(name).__name__ in text


@each
def test_a_how_to_page_shows_it_with_code_that_is_executed(name):
    pages = (ROOT / "docs" / "how-to").glob("*.md")
    texts = [page.read_text(encoding="utf-8") for page in pages]

    assert any(f"reference/ext-{name}.md" in text and "literalinclude" in text for text in texts), (
        f"no page of docs/how-to includes an example and links to ../reference/ext-{name}.md"
    )


@each
def test_the_changelog_tells_of_it(name):
    assert f"costrel.ext.{name}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
