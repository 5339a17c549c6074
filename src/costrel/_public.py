"""The names of ``costrel`` itself, each from the module where it lives. Holds no code but a cast.

``costrel/__init__.py`` takes them from here when the first one is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from costrel import _werkzeug  # noqa: F401  # before what imports Werkzeug
from costrel.app import Costrel, Flask
from costrel.blueprints import Blueprint
from costrel.config import Config
from costrel.core.ws_codes import WebSocketDisconnect
from costrel.ctx import (
    after_this_request,
    copy_current_app_context,
    copy_current_request_context,
    has_app_context,
    has_request_context,
    has_websocket_context,
)
from costrel.globals import current_app, g, request, session, websocket
from costrel.helpers import (
    abort,
    flash,
    get_flashed_messages,
    get_template_attribute,
    make_response,
    redirect,
    send_file,
    send_from_directory,
    stream_with_context,
    url_for,
)
from costrel.json import jsonify as _jsonify
from costrel.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    before_render_template,
    got_request_exception,
    message_flashed,
    request_finished,
    request_started,
    request_tearing_down,
    template_rendered,
)
from costrel.templating import (
    arender_template,
    arender_template_string,
    astream_template,
    astream_template_string,
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)
from costrel.wrappers import Request, Response

# ``costrel.json`` is below the module of ``Response`` and cannot name it.
jsonify = cast("Callable[..., Response]", _jsonify)

__all__ = [
    "Blueprint",
    "Config",
    "Costrel",
    "Flask",
    "Request",
    "Response",
    "WebSocketDisconnect",
    "abort",
    "after_this_request",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "arender_template",
    "arender_template_string",
    "astream_template",
    "astream_template_string",
    "before_render_template",
    "copy_current_app_context",
    "copy_current_request_context",
    "current_app",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "got_request_exception",
    "has_app_context",
    "has_request_context",
    "has_websocket_context",
    "jsonify",
    "make_response",
    "message_flashed",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "template_rendered",
    "url_for",
    "websocket",
]
