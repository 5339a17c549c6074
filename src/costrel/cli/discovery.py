"""Find the application a command is about: by name, by factory, or by looking. Runs no command."""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeAlias

from costrel.cli.errors import NoAppException
from costrel.core.marker import ApplicationMarker

__all__ = ["App", "find_app_by_string", "find_best_app", "locate_app", "prepare_import"]

App: TypeAlias = Any
"""An application. ``Any``, because its class stands above this package; extensions subclass it, too."""

_NAMES = ("app", "application")
_FACTORIES = ("create_app", "make_app")


def prepare_import(path: str) -> str:
    """Turn a path or a name into a module's name, and make that importable.

    The folder above the outermost package becomes the first of ``sys.path``.

    Args:
        path: ``hello``, ``hello.py``, ``shop/``, ``src/shop/__init__.py``, ``shop.web``.

    Returns:
        What to import, ``shop.web``.
    """
    folder, name = os.path.split(os.path.realpath(path))
    name = name.removesuffix(".py")
    if name == "__init__":
        folder, name = os.path.split(folder)
    names = [name]
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.append(name)
    if sys.path[0] != folder:
        sys.path.insert(0, folder)

    return ".".join(reversed(names))


def locate_app(module_name: str, app_name: str | None, raise_if_not_found: bool = True) -> App | None:
    """Import a module and find the application in it.

    Args:
        module_name: What to import.
        app_name: An attribute, or a factory with its arguments; without one
            the best guess is taken.
        raise_if_not_found: Whether a module that is not there is an error. A
            module that is there and fails always is.

    Raises:
        NoAppException: If there is no application, or an import in it failed.
    """
    try:
        __import__(module_name)
    except ImportError as error:
        # Python removes the importer's own frames: another frame means that the module was found and ran.
        nested = error.__traceback__ is not None and error.__traceback__.tb_next is not None
        if nested:
            raise NoAppException(_import_failed(module_name, error)) from None
        if raise_if_not_found:
            raise NoAppException(_not_importable(module_name)) from None

        return None

    module = sys.modules[module_name]

    return find_best_app(module) if app_name is None else find_app_by_string(module, app_name)


def find_best_app(module: ModuleType) -> App:
    """Guess which application of a module is meant.

    ``app`` and ``application`` come first, then the only instance there is,
    then the factories ``create_app`` and ``make_app``, called without arguments.

    Raises:
        NoAppException: If there is none, or more than one.
    """
    for name in _NAMES:
        app = getattr(module, name, None)
        if isinstance(app, ApplicationMarker):
            return app

    found = {name: value for name, value in vars(module).items() if isinstance(value, ApplicationMarker)}
    if len({id(app) for app in found.values()}) == 1:
        return next(iter(found.values()))
    if found:
        raise NoAppException(
            f"Detected multiple applications in module {module.__name__!r}: {', '.join(found)}.\n"
            f"  hint: Say which one: --app {module.__name__}:{next(iter(found))}"
        )

    for name in _FACTORIES:
        factory = getattr(module, name, None)
        if inspect.isfunction(factory):
            app = _call(
                factory,
                problem=f"Detected factory {name!r} in module {module.__name__!r},"
                " but could not call it without arguments.",
                hint=f"""Give them: --app '{module.__name__}:{name}("value")'""",
            )
            if isinstance(app, ApplicationMarker):
                return app

    raise NoAppException(
        f"Failed to find an application or factory in module {module.__name__!r}: looked for"
        f" {', '.join((*_NAMES, *_FACTORIES))} and any instance of Costrel or Flask.\n"
        f"  hint: Say its name: --app {module.__name__}:name"
    )


def find_app_by_string(module: ModuleType, app_name: str) -> App:
    """Take the application a text names, or that the factory it calls returns.

    Args:
        module: Where the name is.
        app_name: ``name`` or ``factory("value", key=1)``; arguments are literals.

    Raises:
        NoAppException: If the text has another form, or leads to no application.
    """
    name, arguments, keywords = _read_reference(app_name)
    try:
        value = getattr(module, name)
    except AttributeError as error:
        raise NoAppException(
            f"Failed to find attribute {name!r} in {module.__name__!r}.{_nearest(name, vars(module))}"
        ) from error

    if inspect.isfunction(value):
        value = _call(
            value,
            *arguments,
            problem=f"The factory {app_name!r} in module {module.__name__!r} could not be called"
            " with the specified arguments.",
            hint=f"It is {name}{inspect.signature(value)}",
            **keywords,
        )
    if isinstance(value, ApplicationMarker):
        return value

    raise NoAppException(
        f"A valid application was not obtained from '{module.__name__}:{app_name}',"
        f" which is a {type(value).__name__}."
    )


def _read_reference(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Split ``name`` or ``factory(arguments)`` without evaluating anything."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise NoAppException(f"Failed to parse {text!r} as an attribute name or function call.") from None

    if isinstance(node, ast.Name):
        return node.id, [], {}
    if not isinstance(node, ast.Call):
        raise NoAppException(f"Failed to parse {text!r} as an attribute name or function call.")
    if not isinstance(node.func, ast.Name):
        raise NoAppException(f"Function reference must be a simple name: {text!r}.")

    try:
        arguments = [ast.literal_eval(argument) for argument in node.args]
        keywords = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
    except ValueError:
        # literal_eval's own message shows a syntax tree.
        raise NoAppException(f"Failed to parse arguments as literal values: {text!r}.") from None

    return node.func.id, arguments, keywords


def _call(factory: Callable[..., Any], *arguments: Any, problem: str, hint: str, **keywords: Any) -> Any:
    """Call a factory; tell arguments that do not fit from a ``TypeError`` inside of it."""
    try:
        inspect.signature(factory).bind(*arguments, **keywords)
    except TypeError as error:
        raise NoAppException(f"{problem}\n  hint: {hint}") from error

    return factory(*arguments, **keywords)


def _import_failed(module_name: str, error: ImportError) -> str:
    from costrel.debug.terminal import describe  # for cost: it loads Jinja

    return f"While importing {module_name!r}, an ImportError was raised:\n\n{describe(error)}"


def _not_importable(module_name: str) -> str:
    folder = sys.path[0] or os.curdir
    try:
        modules = [name.removesuffix(".py") for name in os.listdir(folder)]
    except OSError:
        modules = []

    return f"Could not import {module_name!r}: looked in {folder}.{_nearest(module_name, modules)}"


def _nearest(name: str, known: Any) -> str:
    from difflib import get_close_matches  # for cost: only errors need it

    matches = get_close_matches(name, [other for other in known if not other.startswith("_")], 1)

    return f" Did you mean {matches[0]!r}?" if matches else ""
