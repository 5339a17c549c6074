"""Brings back names that went with Flask 2, for extensions that nobody updates any more.

Never active by default: ``python -m costrel.as_flask install --revive``, or import this
module in place of ``costrel.as_flask``. What the names mean now is in ``flask2.py``.
Only names that are absent are added, and each is looked up when somebody uses it.
"""

from __future__ import annotations

import sys
from threading import get_ident

import costrel.as_flask  # noqa: F401  # the alias comes first

# Every checker knows this name; importing `typing` for it costs 5 ms at every start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["ReviveFinder"]

_HERE = "costrel.as_flask.flask2"
_MARKUP = {"Markup": "markupsafe:Markup", "escape": "markupsafe:escape"}
_STACKS = {"_app_ctx_stack": f"{_HERE}:app_ctx_stack", "_request_ctx_stack": f"{_HERE}:request_ctx_stack"}
_SAFE_JOIN = {"safe_join": f"{_HERE}:safe_join"}
_JINJA = {
    **_MARKUP,
    "contextfilter": "jinja2:pass_context",
    "contextfunction": "jinja2:pass_context",
    "environmentfilter": "jinja2:pass_environment",
    "environmentfunction": "jinja2:pass_environment",
    "evalcontextfilter": "jinja2:pass_eval_context",
    "evalcontextfunction": "jinja2:pass_eval_context",
}
_URLS = ("decode", "encode", "join", "parse", "quote", "quote_plus", "unparse", "unquote", "unquote_plus")

NAMES = {
    "costrel": {**_MARKUP, **_STACKS, **_SAFE_JOIN},
    "costrel.globals": _STACKS,
    "costrel.helpers": {
        **_SAFE_JOIN,
        "_endpoint_from_view_func": f"{_HERE}:endpoint_from_view_func",
        "locked_cached_property": "werkzeug.utils:cached_property",
    },
    "costrel.json": {
        "JSONDecoder": "json:JSONDecoder",
        "JSONEncoder": f"{_HERE}:JSONEncoder",
        "htmlsafe_dumps": "jinja2.utils:htmlsafe_json_dumps",
    },
    "costrel.signals": {"signals_available": f"{_HERE}:signals_available"},
    "itsdangerous": {"json": "json:"},
    "jinja2": _JINJA,
    "jinja2.utils": _JINJA,
    "werkzeug": {
        "FileStorage": "werkzeug.datastructures:FileStorage",
        "LocalProxy": "werkzeug.local:LocalProxy",
        "cached_property": "werkzeug.utils:cached_property",
        "check_password_hash": "werkzeug.security:check_password_hash",
        "generate_password_hash": "werkzeug.security:generate_password_hash",
        "import_string": "werkzeug.utils:import_string",
        "secure_filename": "werkzeug.utils:secure_filename",
    },
    "werkzeug.http": {"parse_authorization_header": f"{_HERE}:parse_authorization_header"},
    "werkzeug.local": {"get_ident": "threading:get_ident"},
    "werkzeug.security": {"safe_str_cmp": f"{_HERE}:safe_str_cmp"},
    "werkzeug.urls": {f"url_{name}": f"{_HERE}:url_{name}" for name in _URLS},
    "werkzeug.wrappers": {
        "BaseRequest": "werkzeug.wrappers:Request",
        "BaseResponse": "werkzeug.wrappers:Response",
    },
    "werkzeug.wsgi": {
        "DispatcherMiddleware": "werkzeug.middleware.dispatcher:DispatcherMiddleware",
        "SharedDataMiddleware": "werkzeug.middleware.shared_data:SharedDataMiddleware",
    },
}
"""By module: each name, and where its meaning is now, as ``module:name``."""


class ReviveFinder:
    """Stand before the finders, and add the names to a module as soon as it was executed."""

    def __init__(self) -> None:
        self._searches: set[tuple[int, str]] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec that the other finders find, with a loader that adds the names."""
        search = (get_ident(), fullname)
        if (fullname not in NAMES and fullname != "costrel.app") or search in self._searches:
            return None

        # Another finder may ask all the others as this one does: each is asked once.
        self._searches.add(search)
        try:
            specs = (finder.find_spec(fullname, path, target) for finder in sys.meta_path)
            spec = next(filter(None, specs), None)
        finally:
            self._searches.discard(search)
        if spec is None or spec.loader is None:
            return None
        spec.loader = _Loader(spec.loader)  # type: ignore[assignment]  # a Loader by its methods

        return spec


class _Loader:
    def __init__(self, loader: object) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)  # type: ignore[attr-defined,no-any-return]  # as above

    def exec_module(self, module: ModuleType) -> None:
        # The module is not to know of this: resources and `inspect` ask its loader.
        module.__loader__ = self.loader  # type: ignore[assignment]  # as above
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader  # type: ignore[assignment]  # as above
        self.loader.exec_module(module)  # type: ignore[attr-defined]  # as above
        add_names(module)


def add_names(module: ModuleType) -> None:
    """Let a module answer for the names it lost."""
    if module.__name__ == "costrel.app":
        from costrel.as_flask.flask2 import revive_app  # for cost: only now is the core loaded

        revive_app(module.Flask)
        return

    homes = NAMES[module.__name__]
    before = vars(module).get("__getattr__")

    def look_up(name: str) -> object:
        if name in homes:
            home, _, attribute = homes[name].partition(":")
            __import__(home)
            return getattr(sys.modules[home], attribute) if attribute else sys.modules[home]
        if before is not None:
            return before(name)

        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    look_up.__name__ = look_up.__qualname__ = "__getattr__"
    vars(module)["__getattr__"] = look_up


def activate() -> None:
    """Add the names to modules that come, and to those that are loaded; once."""
    if any(isinstance(finder, ReviveFinder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, ReviveFinder())
    for name in (*NAMES, "costrel.app"):
        if name in sys.modules:
            add_names(sys.modules[name])


activate()
