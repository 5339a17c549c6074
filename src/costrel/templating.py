"""Rendering: the Jinja environment of an application, and the functions that views call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from costrel._current import current, require_context
from costrel.core.autoescape import autoescape_for
from costrel.helpers import stream_with_context
from costrel.signals import before_render_template, template_rendered

if TYPE_CHECKING:
    from jinja2 import Template

    from costrel._environment import DispatchingJinjaLoader, Environment

__all__ = [
    "DispatchingJinjaLoader",
    "Environment",
    "arender_template",
    "arender_template_string",
    "astream_template",
    "astream_template_string",
    "autoescape_for",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]


# Hidden from checkers, which know the names and should complain about all others.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in ("DispatchingJinjaLoader", "Environment"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

        from costrel import _environment  # for cost: Jinja, 25 ms, only templates need it

        return globals().setdefault(name, getattr(_environment, name))


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


def _render(app: Any, template: Template, context: dict[str, Any]) -> str:
    """Render a template with what the context processors add."""
    (app._own_template_update() or app.update_template_context)(context)
    if before_render_template.receivers:
        before_render_template.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)
    if template.environment.is_async:  # Jinja's own way is a new event loop each time
        text: str = app._finish(template.render_async(context))
    else:
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
    compiled = getattr(env, "_compiled_string", None) or env.from_string
    template: Template = compiled(source)

    return template


def _stream(app: Any, template: Template, context: dict[str, Any]) -> Iterator[str]:
    """Render a template piece by piece, inside of a request with its context."""
    (app._own_template_update() or app.update_template_context)(context)
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


# On an event loop.


async def arender_template(
    template_name_or_list: str | Template | list[str | Template], **context: Any
) -> str:
    """Render a template in an async view: context processors and what the template calls may be async.

    What a template calls and is not async runs on the event loop.

    Args:
        template_name_or_list: A name, or several of which the first that
            exists is taken.
        context: Its variables.

    Example:
        >>> import asyncio
        >>> from costrel import Costrel
        >>> from jinja2 import DictLoader
        >>> app = Costrel("example")
        >>> app.jinja_env.loader = DictLoader({"hello.html": "Hello {{ find_name() }}!"})
        >>> async def find_name():
        ...     return "<Ada>"
        >>> async def main():
        ...     with app.app_context():
        ...         return await arender_template("hello.html", find_name=find_name)
        >>> asyncio.run(main())
        'Hello &lt;Ada&gt;!'
    """
    app = require_context("arender_template()").app

    return await _arender(app, _for_async(app).get_or_select_template(template_name_or_list), context)


async def arender_template_string(source: str, **context: Any) -> str:
    """Render a template from its source in an async view, as ``arender_template`` does.

    Args:
        source: The template. SECURITY: as for ``render_template_string``.
        context: Its variables; they are escaped.
    """
    app = require_context("arender_template_string()").app

    return await _arender(app, _from_string(_for_async(app), source), context)


def astream_template(
    template_name_or_list: str | Template | list[str | Template], **context: Any
) -> AsyncIterator[str]:
    """Render a template piece by piece, as ``arender_template`` does: return it from a view as it is.

    Args:
        template_name_or_list: A name, or several of which the first that
            exists is taken.
        context: Its variables.
    """
    app = require_context("astream_template()").app

    return _astream(app, _for_async(app).get_or_select_template(template_name_or_list), context)


def astream_template_string(source: str, **context: Any) -> AsyncIterator[str]:
    """Render a template from its source, piece by piece, as ``astream_template`` does.

    Args:
        source: The template. SECURITY: as for ``render_template_string``.
        context: Its variables; they are escaped.
    """
    app = require_context("astream_template_string()").app

    return _astream(app, _from_string(_for_async(app), source), context)


# Any: an environment may be of a class of the application's own.
def _for_async(app: Any) -> Any:
    env = app.jinja_env
    find = getattr(env, "for_async", None)
    if find is not None:
        return find()
    if env.is_async:
        return env

    return env.overlay(enable_async=True)


async def _arender(app: Any, template: Template, context: dict[str, Any]) -> str:
    await app._aupdate_template_context(context)
    await _announce(before_render_template, app, template, context)
    text = await template.render_async(context)
    await _announce(template_rendered, app, template, context)

    return text


def _astream(app: Any, template: Template, context: dict[str, Any]) -> AsyncIterator[str]:
    async def generate() -> AsyncIterator[str]:
        await app._aupdate_template_context(context)
        await _announce(before_render_template, app, template, context)
        async for piece in template.generate_async(context):
            yield piece
        await _announce(template_rendered, app, template, context)

    if not require_context("astream_template()").has_request:
        return generate()

    return stream_with_context(generate())


async def _announce(signal: Any, app: Any, template: Template, context: dict[str, Any]) -> None:
    if signal.receivers:
        await signal.send_async(app, _sync_wrapper=_as_async, template=template, context=context)


def _as_async(function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call
