"""Rendering: the Jinja environment of an application, and the functions that views call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from jinja2 import BaseLoader, Template, TemplateNotFound
from jinja2.utils import LRUCache

from costrel._current import current, require_context
from costrel.core.autoescape import autoescape_for
from costrel.core.missing_template import MissingTemplate
from costrel.core.rendering import RenderEnvironment
from costrel.debughelpers import explain_template_loading_attempts
from costrel.helpers import stream_with_context
from costrel.signals import before_render_template, template_rendered

__all__ = [
    "DispatchingJinjaLoader",
    "Environment",
    "autoescape_for",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]

_KEPT_STRINGS = 256
_KEPT_STRING_CHARACTERS = 32_768

# What a loader answers: source, file name, and whether that is still the newest.
Source = tuple[str, str | None, Callable[[], bool] | None]


def _default_template_ctx_processor() -> dict[str, Any]:
    """Give templates ``g`` and ``request``.

    The session is a global of the environment instead, a proxy: so a page
    that does not look at the session does not open it.
    """
    ctx = current.get(None)
    if ctx is None:
        return {}
    if not ctx.has_request:
        return {"g": ctx.g}

    return {"g": ctx.g, "request": ctx.request}


class Environment(RenderEnvironment):
    """A Jinja environment that knows its application.

    Args:
        app: The application; its blueprints' templates are found too.
        options: Jinja's.
    """

    # Any: an application belongs to a higher level; the options are Jinja's.
    def __init__(self, app: Any, **options: Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        self.app = app

    def __setattr__(self, name: str, value: Any) -> None:
        # A changed setting may compile the same source to something else.
        self.__dict__["_from_strings"] = LRUCache(_KEPT_STRINGS)
        super().__setattr__(name, value)

    def add_extension(self, extension: Any) -> None:
        """Add an extension after the environment was made."""
        self.__dict__["_from_strings"] = LRUCache(_KEPT_STRINGS)
        super().add_extension(extension)

    def _compiled_string(self, source: str) -> Template:
        """Return the template of a source, compiled the first time.

        PERF: 0.8 µs instead of 1,400.
        """
        if len(source) > _KEPT_STRING_CHARACTERS:
            return self.from_string(source)

        kept: LRUCache = self.__dict__["_from_strings"]
        template: Template | None = kept.get(source)
        if template is None:
            template = kept[source] = self.from_string(source)

        return template


class DispatchingJinjaLoader(BaseLoader):
    """Look for a template in the application's folder, then in its blueprints'.

    Args:
        app: The application.
    """

    # Any: an application belongs to a higher level.
    def __init__(self, app: Any) -> None:
        self.app = app

    def get_source(self, environment: Any, template: str) -> Source:
        """Return a template's source.

        Raises:
            TemplateNotFound: If nobody has it; the message says where it was
                looked for and which name is the nearest.
        """
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            return self._get_source_explained(environment, template)

        for _, loader in self._iter_loaders():
            try:
                return loader.get_source(environment, template)
            except TemplateNotFound:
                continue

        raise MissingTemplate(template, self._places)

    def _get_source_explained(self, environment: Any, template: str) -> Source:
        """Ask every loader, and log what each of them says."""
        attempts = []
        found: Source | None = None
        for owner, loader in self._iter_loaders():
            answer: Source | None = None
            with suppress(TemplateNotFound):
                answer = loader.get_source(environment, template)
            found = found or answer
            attempts.append((loader, owner, answer))

        explain_template_loading_attempts(self.app, template, attempts)
        if found is None:
            raise MissingTemplate(template, self._places)

        return found

    def _iter_loaders(self) -> Iterator[tuple[Any, BaseLoader]]:
        app = self.app
        for owner in (app, *app.iter_blueprints()):
            loader = owner.jinja_loader
            if loader is not None:
                yield owner, loader

    def _places(self) -> Iterator[tuple[str, BaseLoader]]:
        for owner, loader in self._iter_loaders():
            kind = "application" if owner is self.app else "blueprint"
            yield f"{kind} {owner.name!r}", loader

    def list_templates(self) -> list[str]:
        """Name all templates of the application and its blueprints."""
        return list({name for _, loader in self._iter_loaders() for name in loader.list_templates()})


def _render(app: Any, template: Template, context: dict[str, Any]) -> str:
    """Render a template with what the context processors add."""
    app.update_template_context(context)
    if before_render_template.receivers:
        before_render_template.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)
    text = template.render(context)
    if template_rendered.receivers:
        template_rendered.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)

    return text


# Any: templates take values of every type.
def render_template(template_name_or_list: str | Template | list[str | Template], **context: Any) -> str:
    """Render a template by its name.

    Args:
        template_name_or_list: A name, or several of which the first that
            exists is taken.
        context: Its variables.

    Example:
        >>> from costrel import Costrel
        >>> from jinja2 import DictLoader
        >>> app = Costrel("example")
        >>> app.jinja_env.loader = DictLoader({"hello.html": "Hello {{ name }}!"})
        >>> with app.app_context():
        ...     render_template("hello.html", name="<Ada>")
        'Hello &lt;Ada&gt;!'
    """
    app = require_context("render_template()").app

    return _render(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def render_template_string(source: str, **context: Any) -> str:
    """Render a template from its source.

    Args:
        source: The template. SECURITY: never text that a visitor had a say
            in; a template can read everything, and run code.
        context: Its variables; they are escaped.
    """
    app = require_context("render_template_string()").app

    return _render(app, _from_string(app.jinja_env, source), context)


def _from_string(env: Any, source: str) -> Template:
    """Compile a source; an environment that is not ours does it each time."""
    template: Template
    if isinstance(env, Environment):
        template = env._compiled_string(source)
    else:
        template = env.from_string(source)

    return template


def _stream(app: Any, template: Template, context: dict[str, Any]) -> Iterator[str]:
    """Render a template piece by piece, inside of a request with its context."""
    app.update_template_context(context)
    if before_render_template.receivers:
        before_render_template.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)

    def generate() -> Iterator[str]:
        yield from template.generate(context)
        if template_rendered.receivers:
            template_rendered.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)

    if not require_context("stream_template()").has_request:
        return generate()

    return stream_with_context(generate())


def stream_template(
    template_name_or_list: str | Template | list[str | Template], **context: Any
) -> Iterator[str]:
    """Render a template by its name, piece by piece: return it from a view as it is.

    Args:
        template_name_or_list: A name, or several of which the first that
            exists is taken.
        context: Its variables.
    """
    app = require_context("stream_template()").app

    return _stream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """Render a template from its source, piece by piece.

    Args:
        source: The template. SECURITY: as for ``render_template_string``.
        context: Its variables; they are escaped.
    """
    app = require_context("stream_template_string()").app

    return _stream(app, _from_string(app.jinja_env, source), context)
